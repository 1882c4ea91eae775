"""The rule of agreement, by known answers."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from sublearn.stats import Estimate
from sublearn.study import agreement
from sublearn.study.agreement import SPREAD, WITHIN, Interval, compare, compare_trend, joint, possible, theirs_half
from sublearn.study.published import TABLES, Figure, FigureSource, Trend

SOURCE = FigureSource(who="somebody", read="text")


def figure(value: float = 0.5, **known) -> Figure:
    return Figure(name="T/x", what="x", source=SOURCE, value=value, **{"digits": 3} | known)


def trend(direction) -> Trend:
    return Trend(name="T/x", what="x", source=SOURCE, key="k", values=(0.0, 1.0), direction=direction)


def values(mean: float, sd: float, n: int) -> list[float]:
    drawn = scipy_stats.norm.ppf((np.arange(n) + 0.5) / n)
    return list(mean + drawn / drawn.std(ddof=1) * sd)


def estimate(mean: float, below: float, above: float) -> Estimate:
    return Estimate(mean, None, mean - below, mean + above, 25, "given")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.02, 0.03, "agrees"),
        (0.01, 0.09, "agrees"),  # not zero, and yet too small to count
        (-WITHIN, WITHIN, "agrees"),
        (-0.02, 0.1001, "cannot tell"),
        (0.05, 0.15, "cannot tell"),  # not zero, perhaps within
        (-0.3, 0.3, "cannot tell"),
        (WITHIN, 0.2, "cannot tell"),
        (0.1001, 0.2, "differs"),
        (-0.2, -0.1001, "differs"),
        (-0.2, -0.05, "cannot tell"),
    ],
)
def test_the_whole_joint_interval_lies_within_or_beyond_or_nothing_can_be_told(low, high, verdict):
    assert Interval((low + high) / 2, low, high).verdict == verdict


def test_a_joint_interval_sums_the_squares_on_each_side_and_the_rounding():
    found = joint(figure(0.5, digits=2), estimate(0.53, 0.03, 0.06), half=0.04)
    assert found.difference == pytest.approx(0.03)
    assert found.low == pytest.approx(0.03 - math.hypot(0.03, 0.04) - 0.005)
    assert found.high == pytest.approx(0.03 + math.hypot(0.06, 0.04) + 0.005)


def test_their_interval_ends_where_shares_do():
    found = joint(figure(0.98), estimate(0.98, 0.01, 0.01), half=0.5)
    assert found.low == pytest.approx(-math.hypot(0.01, 0.02) - 0.0005)
    assert found.high == pytest.approx(math.hypot(0.01, 0.5) + 0.0005)


def test_a_published_spread_or_half_width_gives_an_interval_by_students_t_with_its_runs():
    t = scipy_stats.t.ppf(0.975, 9)
    assert theirs_half(figure(sd=0.1, n=10)) == pytest.approx(t * 0.1 / math.sqrt(10))
    assert theirs_half(figure(half=0.05, n=10)) == pytest.approx(t * 0.05 / 1.96)
    assert theirs_half(figure(half=0.05)) is theirs_half(figure(n=10)) is theirs_half(figure(sd=0.1)) is None
    assert theirs_half(figure(half=0.05, n=1)) is None


@pytest.mark.parametrize(
    ("mean", "sd", "n", "verdict"),
    [(0.51, 0.02, 25, "agrees"), (0.57, 0.02, 25, "agrees"), (0.70, 0.02, 25, "differs"), (0.30, 0.02, 25, "differs"),
     (0.61, 0.02, 25, "cannot tell"), (0.5, 0.4, 25, "cannot tell"), (0.9, 0.02, 4, "cannot tell")],
)  # fmt: skip
def test_a_figure_of_which_all_is_known(mean, sd, n, verdict):
    assert compare(figure(half=0.02, n=25), values(mean, sd, n))[0] == verdict


def test_what_agrees_and_is_not_zero_is_said_to_be_so():
    row = figure(half=0.02, n=25)
    assert "not zero, but within 0.10" in compare(row, values(0.55, 0.02, 25))[1]
    assert "not zero" not in compare(row, values(0.51, 0.02, 25))[1]


@pytest.mark.parametrize("ours", [[], [0.5], [0.5, 0.51, 0.49, 0.5]])
def test_without_an_interval_of_ours_nothing_can_be_told(ours):
    verdict, because = compare(figure(half=0.02, n=25), ours)
    assert verdict == "cannot tell" and f"ours has no interval: {len(ours)} run" in because


def test_an_unknown_number_of_runs_may_be_one():
    """With any known number of their runs these would agree; a single run of theirs could lie anywhere."""
    ours = values(0.5, 0.05, 25)
    verdict, because = compare(figure(), ours)
    assert verdict == "cannot tell" and "it hangs on their unpublished number of runs and spread" in because
    assert compare(figure(half=0.03, n=25), ours)[0] == "agrees"
    single = SPREAD * scipy_stats.t.ppf(0.975, 24) * 0.05
    assert possible(figure(), ours) == (0.0, pytest.approx(single))
    assert possible(figure(n=1), ours) == possible(figure(), ours)
    assert possible(figure(n=16), ours) == (0.0, pytest.approx(single / 4))


def test_a_verdict_that_hangs_on_nothing_unknown_stands():
    tight = values(0.51, 0.004, 25)
    assert compare(figure(), tight) == ("agrees", compare(figure(), tight)[1])
    assert "whatever their number of runs and spread" in compare(figure(), tight)[1]
    assert compare(figure(n=25), values(0.51, 0.02, 25))[0] == "agrees"
    assert compare(figure(n=25), values(0.51, 0.10, 25))[0] == "cannot tell"
    assert compare(figure(0.2), tight)[0] == "differs"
    assert "whatever their" in compare(figure(0.2), tight)[1]


def test_what_is_told_neither_way_hangs_on_nothing():
    verdict, because = compare(figure(), values(0.5, 0.4, 25))
    assert verdict == "cannot tell" and "hangs" not in because


@pytest.mark.parametrize("known", [{"sd": 0.03}, {"half": 0.01}])
def test_a_spread_over_an_unknown_number_of_runs_is_one_over_two(known):
    ours = values(0.5, 0.02, 25)
    least, most = possible(figure(**known), ours)
    sd = known.get("sd") or known["half"] * math.sqrt(2) / 1.96
    assert (least, most) == (known.get("half", 0.0), pytest.approx(scipy_stats.t.ppf(0.975, 1) * sd / math.sqrt(2)))
    verdict, because = compare(figure(**known), ours)
    assert verdict == ("cannot tell" if "sd" in known else "agrees")
    assert ("hangs on their unpublished number of runs" in because) == ("sd" in known)


@pytest.mark.parametrize(
    ("change", "sd", "verdict"),
    [(0.0, 0.01, "agrees"), (-0.03, 0.01, "agrees"), (-0.2, 0.01, "differs"), (-0.1, 0.01, "cannot tell"),
     (0.0, 0.5, "cannot tell")],
)  # fmt: skip
def test_a_published_lack_of_effect_is_held_against_the_change_paired_by_seed(change, sd, verdict):
    first = np.array(values(0.5, 0.1, 10))
    found, because = compare_trend(trend("none"), [list(first), list(first + values(change, sd, 10))])
    assert found == verdict
    assert ("not zero, but within 0.10" in because) == (change == -0.03)


@pytest.mark.parametrize(("change", "verdict"), [(-0.1, "agrees"), (0.1, "differs"), (0.0, "cannot tell")])
def test_a_published_fall_agrees_with_a_sure_fall(change, verdict):
    first = np.array(values(0.5, 0.1, 10))
    assert compare_trend(trend("falls"), [list(first), list(first + values(change, 0.02, 10))])[0] == verdict


def test_two_runs_show_no_trend():
    verdict, because = compare_trend(trend("falls"), [[0.5, 0.5], [0.1, 0.2]])
    assert verdict == "cannot tell" and "ours has no interval: 2 runs" in because


def test_figures_of_unknown_runs_and_spread_cannot_be_told_by_exact_agreement():
    """With the spread that these networks have here (.05 to .08), the published value itself tells nothing."""
    unknown = [row for table in TABLES.values() for row in table if isinstance(row, Figure) and not theirs_half(row)]
    assert {row.name for row in unknown} == {
        "A/teacher", "C/perturbed", "C/1 epoch", "C/40 epochs", "C/real", "C/correlated",
    }  # fmt: skip
    for row in unknown[1:]:
        assert agreement.compare(row, values(row.value, 0.06, 25))[0] == "cannot tell"
    assert agreement.compare(unknown[0], values(0.943, 0.002, 25))[0] == "agrees"
