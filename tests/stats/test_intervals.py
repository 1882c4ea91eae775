"""The parts of the interval against known answers, and how they are put together."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from sublearn import stats
from sublearn.seeds import stream
from sublearn.stats import bounded, intervals, signs, skewed

NORMAL = stream(0, "tests/intervals").normal(0.3, 1, (40, 24))


def test_values_without_skewness_and_no_room_for_any_have_scipys_t_interval(monkeypatch):
    monkeypatch.setattr(skewed, "STANDARD_ERRORS", 0.0)
    values = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]) + 5
    low, high = skewed.skewed_bounds(values[None], 0.025)
    theirs = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high))


def test_a_seen_skewness_is_removed_by_halls_cubic_transformation(monkeypatch):
    """Hall's transformation of the studentized mean is at the bounds what Student's t is at this tail."""
    monkeypatch.setattr(skewed, "STANDARD_ERRORS", 0.0)
    values = np.exp(stream(1, "tests/hall").normal(0, 0.5, 60))
    g = scipy_stats.skew(values, bias=False)
    t = scipy_stats.t.isf(0.01, 59)
    low, high = skewed.skewed_bounds(values[None], 0.01)

    def transformed(mean: float) -> float:
        w = (values.mean() - mean) / values.std(ddof=1)
        return (w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * 60)) * math.sqrt(60)

    plain = values.mean() - t * values.std(ddof=1) / math.sqrt(60)  # without any skewness, which is also possible
    assert transformed(high[0]) == pytest.approx(-t)
    assert low[0] == pytest.approx(min(plain, low[0]))
    assert plain == pytest.approx(low[0])


def test_the_interval_is_mirrored_with_the_values_and_moves_with_them():
    rows = stream(2, "tests/mirror").exponential(1, (20, 15))
    found, mirrored = (intervals.intervals(one, 0.01) for one in (rows, -rows))
    assert np.allclose(found.low, -mirrored.high) and np.allclose(found.high, -mirrored.low)
    moved = intervals.intervals(3 * rows + 7, 0.01)
    assert np.allclose(moved.low, 3 * found.low + 7) and np.allclose(moved.high, 3 * found.high + 7)


def test_a_bettor_rejects_what_the_grown_stake_rejects():
    """Of values that are all 1 the stake on each bet is known: (1 + bet (1/m - 1)) ** n."""
    (low,), (high,) = bounded.bounded_bounds(np.ones((1, 10)), 0.01, (0.0, 1.0))
    grown = np.mean([(1 + bet * (1 / low - 1)) ** 10 for bet in bounded.BETS])
    assert grown == pytest.approx(100, rel=1e-6)
    assert high == 1


def test_bettors_seldom_lose_whatever_the_values():
    rng = stream(3, "tests/bets")
    for chance in (0.05, 0.5, 0.97):
        rows = (rng.random((2_000, 20)) < chance).astype(float)
        low, high = bounded.bounded_bounds(rows, 0.025, (0.0, 1.0))
        assert np.mean(low > chance) <= 0.025 and np.mean(high < chance) <= 0.025


def test_an_interval_holds_both_of_its_parts():
    found = intervals.intervals(NORMAL, 0.005)
    for low, high in (signs.sign_flip_bounds(NORMAL, 0.005), skewed.skewed_bounds(NORMAL, 0.005)):
        assert (found.low <= low).all() and (found.high >= high).all()
    assert np.isin(found.low, [signs.sign_flip_bounds(NORMAL, 0.005)[0], skewed.skewed_bounds(NORMAL, 0.005)[0]]).all()


def test_of_many_normal_runs_it_is_nearly_students():
    values = stream(4, "tests/many").normal(0, 1, 2_000)
    found = stats.estimate(values)
    theirs = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.low is not None and found.high is not None
    assert 1 <= (found.high - found.low) / (theirs.high - theirs.low) < 1.02


def test_below_five_runs_there_is_none():
    for n in range(1, 5):
        one = stats.estimate(np.arange(n, dtype=float), bounds=None)
        assert (one.low, one.high) == (None, None)
        assert one.method == f"interval undefined, {n} run{'' if n == 1 else 's'}"
    assert stats.estimate(np.arange(5.0)).low is not None


@pytest.mark.parametrize("n", [5, 6, 12, 24, 96])
def test_the_interval_of_a_share_lies_within_0_and_1(n):
    rng = stream(n, "tests/shares")
    for values in (rng.beta(35, 0.5, n), rng.beta(0.5, 35, n), np.r_[0.2, np.ones(n - 1)], np.ones(n), np.zeros(n)):
        found = stats.estimate(values, bounds=stats.SHARE)
        assert found.low is not None and found.high is not None
        assert 0 <= found.low <= values.mean() <= found.high <= 1
        assert found.low < found.high


def test_runs_that_are_nearly_all_alike_have_no_interval_but_for_a_share():
    values = np.r_[np.ones(23), 0.5]
    logits, share = stats.estimate(values), stats.estimate(values, bounds=stats.SHARE)
    assert (logits.low, logits.alike, logits.common) == (None, 23, 1.0)
    assert logits.method == "interval undefined, 23 of 24 runs are alike"
    assert (share.alike, share.common) == (23, 1.0) and share.low is not None and share.high is not None
    assert share.method.endswith("betting on bounded values")


@pytest.mark.parametrize(("n", "differ", "alike"), [(24, 6, False), (24, 5, True), (8, 4, False), (8, 3, True)])
def test_at_least_six_runs_or_half_of_few_must_differ(n, differ, alike):
    values = np.r_[np.arange(1, differ + 1) / 10, np.zeros(n - differ)]
    assert bool(stats.estimate(values).alike) == alike


def test_equal_differences_are_alike_whatever_their_rounding():
    same = np.array([0.3 - 0.1, 0.2, 0.5 - 0.3, 0.7 - 0.5, 0.4 - 0.2, 1.1 - 0.9])
    assert len(set(same)) > 1 and stats.estimate(same).alike == 6
