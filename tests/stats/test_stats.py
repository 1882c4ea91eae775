import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from sublearn import stats
from sublearn.errors import InputError
from sublearn.seeds import stream

RNG = stream(0, "tests/stats")
LEFT, RIGHT = RNG.normal(0.3, 1, 20), RNG.normal(0, 1, 20)


def test_estimate_is_scipys_t_interval():
    ours = stats.estimate(LEFT)
    theirs = scipy_stats.ttest_1samp(LEFT, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.se == pytest.approx(scipy_stats.sem(LEFT))


def test_one_run_has_no_interval():
    one = stats.estimate([0.5])
    assert (one.mean, one.se, one.low, one.high) == (0.5, None, None, None)
    assert str(one) == "0.500 (interval undefined, 1 run)"
    assert stats.contrast([1.0], [0.0]).p is None


def test_exact_sign_flip_is_scipys_permutation_test():
    difference = LEFT[:9] - RIGHT[:9]
    theirs = scipy_stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert stats.sign_flip_p(difference) == pytest.approx(theirs.pvalue)


def test_drawn_sign_flip_is_near_the_t_test_and_repeatable():
    difference = LEFT - RIGHT
    p = stats.sign_flip_p(difference)
    assert p == stats.sign_flip_p(difference)
    assert p == pytest.approx(scipy_stats.ttest_1samp(difference, 0).pvalue, abs=0.02)


def test_differences_that_share_their_signs_give_what_each_gives_alone():
    rng = stream(4, "tests/shared")
    several = [rng.normal(0.1, 1, n) for n in (5, 150, 0, 5, 150, 24, 3000, 1, 150)]
    assert stats.contrasts(several) == [stats.contrast(one, np.zeros_like(one)) for one in several]
    assert stats.sign_flip_p_values(several, seed=3) == [stats.sign_flip_p(one, seed=3) for one in several]


@pytest.mark.parametrize("n", [13, 100, 101, 400])
def test_drawn_sign_flips_are_those_of_one_plain_draw(n):
    """However they are cut into blocks; at 101 runs the draws no longer are one block."""
    difference = stream(n, "tests/flips").integers(-9, 11, n) / 8  # sums without rounding
    rng = stream(0, "stats/sign-flip")
    rows = min(10_000, 1_000_000 // n)
    flips = np.concatenate([rng.integers(0, 2, size=(rows, n), dtype=np.int8) for _ in range(0, 10_000, rows)])
    total = difference.sum()
    sums = [total, *(total - 2 * (flips[:10_000] @ difference))]
    assert stats.sign_flip_p(difference) == np.mean(np.abs(sums) >= abs(total))


def test_effect_size_has_hedges_exact_factor():
    difference = np.array([1.0, 2.0, 4.0])
    df = 2
    factor = math.gamma(df / 2) / (math.sqrt(df / 2) * math.gamma((df - 1) / 2))
    assert stats.hedges_g(difference) == pytest.approx(difference.mean() / difference.std(ddof=1) * factor)
    assert stats.hedges_g([1.0, 1.0, 1.0]) is None
    assert stats.hedges_g([1.0, 2.0]) is None


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.0])
def test_equivalence_is_statsmodels_tost(delta):
    assert stats.equivalence_p(LEFT - RIGHT, delta) == pytest.approx(ttost_paired(LEFT, RIGHT, -delta, delta)[0])


def test_holm_is_statsmodels_holm():
    p = [0.01, 0.04, 0.03, 0.5, 0.005]
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 1.0])
def test_runs_needed_is_statsmodels_power(effect):
    needed = stats.runs_needed(effect)
    assert needed is not None
    assert TTestPower().power(effect, needed, 0.05) >= 0.9
    assert needed == 2 or TTestPower().power(effect, needed - 1, 0.05) < 0.9


@pytest.mark.parametrize("family", [1, 3, 7])
def test_with_the_least_runs_sign_flips_can_find_the_clearest_effect_and_with_one_less_they_cannot(family):
    least = stats.least_runs(family)
    found, not_found = (stats.holm([stats.sign_flip_p(np.ones(n))] * family)[0] for n in (least, least - 1))
    assert found < 0.05 < not_found


def test_power_is_never_undefined_and_grows_with_the_runs():
    powers = [stats.power(0.217, n) for n in range(2, 40_000, 97)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(powers))
    assert stats.runs_needed(0.2171) == 225


def test_runs_needed_for_equivalence_reach_the_power_by_simulation():
    needed = stats.runs_needed_for_equivalence(sd=1.0, delta=0.5)
    assert needed is not None
    rng = stream(2, "tests/equivalence")
    shown = [(stats.equivalence_p(rng.normal(0, 1, needed), 0.5) or 0.0) < 0.05 for _ in range(2000)]
    assert np.mean(shown) == pytest.approx(0.9, abs=0.02)
    assert stats.runs_needed_for_equivalence(0.0, 0.5) == 2
    assert stats.runs_needed_for_equivalence(1e6, 0.5) is None


def test_rank_correlation_is_scipys_with_an_interval_that_covers_it():
    rng = stream(3, "tests/rank")
    x = rng.normal(size=(20, 5))
    y = x + rng.normal(size=(20, 5))
    found = stats.rank_correlation(x, y)
    assert found.mean == pytest.approx(scipy_stats.spearmanr(x.ravel(), y.ravel()).statistic)
    assert found.low is not None and found.high is not None and found.mean is not None
    assert found.low < found.mean < found.high
    assert stats.rank_correlation(x[:1], y[:1]).low is None
    with pytest.raises(InputError, match="one shape"):
        stats.rank_correlation(x, y[:3])


def test_no_number_of_runs_finds_no_effect():
    assert stats.runs_needed(0.0) is None


def test_under_no_effect_tests_and_intervals_keep_their_rates():
    rng = stream(1, "tests/calibration")
    contrasts = [stats.contrast(*rng.normal(0, 1, (2, 15)), seed=index) for index in range(1000)]
    rejected = np.mean([one.p is not None and one.p <= 0.05 for one in contrasts])
    covered = np.mean([one.low is not None and one.high is not None and one.low <= 0 <= one.high for one in contrasts])
    assert 0.03 <= rejected <= 0.07
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("values", [[float("nan")], [[1.0, 2.0]]])
def test_values_that_are_not_one_finite_number_a_run_are_refused(values):
    with pytest.raises(InputError, match="one finite number a run"):
        stats.estimate(values)


def test_runs_that_cannot_be_paired_are_refused():
    with pytest.raises(InputError, match="2 treatment and 1 control"):
        stats.contrast([1.0, 2.0], [1.0])
