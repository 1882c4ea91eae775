"""Intervals over bases: never better for a worse result, and they hold what is true often enough."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks import audit_intervals
from sublearn.auditing.benchmark import metrics
from sublearn.auditing.benchmark.found import Figure
from sublearn.auditing.benchmark.intervals import as_a_share, jackknifed
from sublearn.auditing.benchmark.settings import Settings
from sublearn.stats.wilson import wilson
from tests.report.samples import of_a_set


def figures_of(worse: int, z: float = 9.0, rank: int = 1) -> dict[str, Figure]:
    """Of 20 bases, the first few of which have this z and rank where the others have the best."""
    sets = [
        one
        for seed in range(20)
        for one in (
            of_a_set("teacher 1000", seed, z=z if seed < worse else 9.0, ranks=(rank if seed < worse else 1,)),
            of_a_set("placebo", seed, kind="nuisance", ranks=(), traits=(), z=3.0 + seed / 10),
        )
    ]
    return {one.what: one for one in metrics.figures(sets, Settings())}


@pytest.mark.parametrize(
    "what", ["trait against harmless difference: AUROC", "teacher 1000: mean reciprocal rank"], ids=["area", "ranks"]
)
def test_a_worse_result_never_has_a_better_interval(what):
    found = [figures_of(*one)[what] for one in ((0,), (1, 4.85, 2), (1, 2.0, 20), (3, 2.0, 20))]
    assert found[0].value == 1.0 and (found[0].low, found[0].high) == pytest.approx(wilson(20, 20))
    for better, worse in pairwise(found):
        assert worse.value < better.value and worse.low < better.low and worse.high <= better.high
        assert worse.high - worse.low >= better.high - better.low


@pytest.mark.parametrize(("hits", "n"), [(0, 6), (6, 6), (19, 20), (11, 20)])
def test_of_whole_bases_it_is_wilsons(hits, n):
    assert as_a_share(hits / n, n) == pytest.approx(wilson(hits, n), abs=1e-12)


def test_a_jackknifed_mean_is_students():
    values = [1.0, 2.0, 4.0, 9.0]
    half = 3.182446 * np.std(values, ddof=1) / 2
    ends = jackknifed(range(4), lambda some: float(np.mean([values[one] for one in some])))
    assert ends == pytest.approx((4 - half, 4 + half))
    assert jackknifed([0], lambda some: 1.0) == (None, None)


@pytest.mark.slow
def test_intervals_hold_what_is_true_and_a_bootstrap_does_not():
    found = audit_intervals.lines(400)
    used, others = [one for one in found if one.goal], [one for one in found if "bootstrap" in one.what]
    assert len(used) == 20 and all(one.value >= one.goal for one in used), used
    assert min(one.value for one in others) < 0.9
