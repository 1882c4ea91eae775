import json

import numpy as np
import pytest

from sublearn import stats
from sublearn.errors import InputError
from sublearn.execution import tracing
from sublearn.execution.engines import local
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import Options
from sublearn.results.trace import Request, Trace
from sublearn.study.controlled.points import TracePoint
from sublearn.study.table import build

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "teacher.epochs": 5, "student.epochs": 2}


MADE = Provenance("command")


def aligned(study, seeds, scales, out) -> str:
    asked = Request(study, seeds, (), tuple(scales), MADE)
    return asked.measured(Options()).put(out).summary()


def strict(text: str):
    """JSON without NaN and Infinity, as others read it."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_means_are_those_of_finite_values_and_the_rest_is_counted(tmp_path):
    points = [
        TracePoint(arm="same_init", seed=seed, step=step, quantity="margin", value=value)
        for step, values in ((0, (1.0, 3.0)), (1, (2.0, None)), (2, (None, None)))
        for seed, value in enumerate(values)
    ]
    rows = tracing.means(points)
    assert [(row.step, row.estimate.mean, row.estimate.n) for row in rows] == [(0, 2.0, 2), (1, 2.0, 1), (2, None, 0)]
    found = tracing.TraceFile(study="prompts-0", command="command", versions={}, rows=rows)
    text = Trace(found, tuple(points)).put(tmp_path).summary()
    assert "3 of 6 values are not finite and are left out." in text
    assert len(strict((tmp_path / "trace.json").read_text())["rows"]) == 3
    assert [strict(line)["value"] for line in (tmp_path / "trace.jsonl").read_text().splitlines()].count(None) == 3


def test_a_correlation_over_runs_that_diverged_is_that_of_the_others(tmp_path, monkeypatch):
    cosines = np.array([[0.1, 0.5, 0.3], [0.2, 0.4, 0.2], [0.6, np.nan, 0.7]])
    transfers = cosines * 2
    pairs = iter(zip(cosines, transfers, strict=True))
    monkeypatch.setattr(tracing, "_alignment", lambda *_: next(pairs))
    text = aligned(build("prompts", SMALL), [0, 1, 2], [0, 0.1, 0.2], tmp_path)
    assert "Spearman 1.00" in text and "3 scales x 2 runs; 1 with values that are not finite left out" in text
    made = strict((tmp_path / "alignment.json").read_text())
    assert [row["initial_cosine"]["n"] for row in made["rows"]] == [3, 3, 2]


def test_without_any_variation_there_is_no_correlation(tmp_path):
    study = build("prompts", SMALL | {"teacher.epochs": 0})
    text = aligned(study, [0], [0, 0.1], tmp_path)
    assert "Spearman undefined" in text
    assert strict((tmp_path / "alignment.json").read_text())["spearman"]["mean"] is None


@pytest.mark.parametrize(
    ("scales", "message"),
    [([0.2], "two different scales"), ([0.1, 0.1], "two different scales"), ([0, 1e308], r"^--perturb: 'student_init")],
)
def test_scales_that_cannot_be_compared_are_refused_before_any_training(scales, message, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "run_jobs", lambda *_: pytest.fail("it trained"))
    with pytest.raises(InputError, match=message):
        aligned(build("prompts", SMALL), [0], scales, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_constant_has_no_rank_correlation_and_costs_no_warning():
    found = stats.rank_correlation([[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]])
    assert (found.mean, found.low, found.high) == (None, None, None)
    empty = stats.rank_correlation(np.empty((0, 3)), np.empty((0, 3)))
    assert (empty.mean, empty.n) == (None, 0)


def test_jobs_in_processes_of_their_own_give_the_same_points(tmp_path):
    study = build("prompts", SMALL)
    alone, company = (Request(study, [3, 0, 5], (0, 1), None, MADE).measured(Options(jobs=jobs)) for jobs in (1, 2))
    assert alone == company
    assert list(dict.fromkeys(point.seed for point in alone.points)) == [3, 0, 5]


def test_progress_and_the_trainer_that_is_asked_for_reach_a_trace(monkeypatch):
    seen, asked = [], []
    real = tracing.TraceJob.measured
    monkeypatch.setattr(tracing.TraceJob, "measured", lambda job: asked.append(job.setup.trainer) or real(job))
    options = Options(trainer="single", progress=lambda done, total, _: seen.append((done, total)))
    Request(build("prompts", SMALL), [0, 1], (), None, MADE).measured(options)
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert set(asked) == {"single"}


def test_intervals_of_cosines_and_shares_keep_within_what_can_be():
    def at(quantity, values):
        return [TracePoint(arm="a", seed=i, step=1, quantity=quantity, value=value) for i, value in enumerate(values)]

    points = [
        point
        for quantity, values in {
            "cosine": [0.99, 0.98, 1.0, 0.2, 0.97],
            "trait_rate": [0.0, 0.01, 0.0, 0.9, 0.02],
            "distance": [0.0, 0.01, 0.0, 0.9, 0.02],
        }.items()
        for point in at(quantity, values)
    ]
    found = {row.quantity: row.estimate for row in tracing.means(points, build("prompts").traits)}
    assert found["cosine"].high is not None and found["cosine"].high <= 1
    assert found["trait_rate"].low is not None and found["trait_rate"].low >= 0
    assert found["trait_rate"].high <= 1
    assert found["distance"].low < 0  # of a distance nothing else is known
