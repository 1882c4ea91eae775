import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from sublearn import stats
from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats import Family, power
from sublearn.stats.intervals import intervals

FAMILIES = [Family(), Family(4), Family(4, look=2)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("effect", [0.5, 1.0, 2.0])
def test_so_many_runs_find_the_effect_as_often_as_said(family, effect):
    needed = stats.runs_for_effect(effect, family, 0.9)
    assert needed is not None
    rows = stream(1, "tests/power").normal(effect, 1, (1_000, needed))
    found = intervals(rows, family.tail)
    assert np.mean(found.low > 0) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("family", FAMILIES)
def test_so_many_runs_show_a_true_zero_as_often_as_said(family):
    needed = stats.runs_for_equivalence(0.6, family, 0.8)
    assert needed is not None
    rows = stream(2, "tests/power").normal(0, 1, (1_000, needed))
    found = intervals(rows, family.tail)
    assert np.mean((found.low > -0.6) & (found.high < 0.6)) == pytest.approx(0.8, abs=0.05)


def test_more_claims_looks_and_power_and_smaller_effects_need_more_runs():
    runs = [stats.runs_for_effect(0.5, family, 0.8) or 0 for family in FAMILIES]
    assert runs == sorted(set(runs))
    assert (stats.runs_for_effect(0.5, Family(), 0.9) or 0) > runs[0]
    assert (stats.runs_for_effect(0.4, Family(), 0.8) or 0) > runs[0]


def test_never_fewer_than_any_verdict_needs():
    assert (stats.runs_for_effect(1e6, Family(4), 0.8) or 0) >= Family(4).least_runs


def test_what_needs_too_many_is_said_to_need_more():
    assert stats.runs_for_effect(0.001, Family(), 0.9) is None
    assert stats.runs_for_effect(-1.0, Family(), 0.9) is None
    assert str(stats.Needed(None, None)) == "more than 1,000"
    assert str(stats.Needed(24, None)) == "24 to more than 1,000"
    assert str(stats.Needed(24, 24)) == "24"


def test_a_pilot_leaves_a_range_which_narrows_with_its_runs():
    small, large = (stats.needed_for_effect(0.6, 1.0, n, Family(3)) for n in (6, 24))
    assert small.least is not None and large.least is not None and large.most is not None
    assert small.least < large.least < large.most
    assert small.most is None or small.most > large.most
    same = stats.needed_for_equivalence(0.5, 1.0, 12, Family())
    assert same.least is not None and same.most is not None and same.least < same.most


def test_the_needed_runs_are_more_than_the_pilots():
    assert stats.needed_for_effect(5.0, 1.0, 40, Family()).least == 41


@pytest.mark.parametrize(("n", "t"), [(6, 0.9), (24, 4.0), (24, -1.0), (200, 0.0)])
def test_a_pilots_effect_lies_where_noncentral_t_says(n, t):
    for effect in (-3.0, -0.5, 0.0, 0.7, 4.0):
        assert power._chance_of(t, n - 1, effect) == pytest.approx(scipy_stats.nct.sf(t, n - 1, effect), abs=1e-6)


@pytest.mark.parametrize(("mean", "n"), [(0.6, 6), (0.6, 24), (0.2, 40), (2.0, 30), (-0.3, 24), (0.01, 24)])
def test_a_pilots_runs_are_those_of_the_effects_that_it_leaves_open(mean, n):
    t, family = mean * n**0.5, Family(3)
    ends = [
        optimize.brentq(lambda nc, share=share: scipy_stats.nct.sf(t, n - 1, nc) - share, t - 30, t + 30)
        for share in (0.9, 0.1)
    ]
    runs = [stats.runs_for_effect(end / n**0.5, family, 0.9) for end in ends]
    needed = stats.needed_for_effect(mean, 1.0, n, family)
    assert [needed.least, needed.most] == [None if own is None else max(own, n + 1) for own in runs]


def test_an_effect_without_end_is_refused():
    with pytest.raises(InputError, match="finite"):
        stats.runs_for_effect(float("inf"), Family(), 0.9)
