import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from sublearn import stats
from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats import Family

VALUES = stream(0, "tests/means").normal(0.3, 1, 20)


def test_mean_and_standard_error_are_scipys():
    found = stats.estimate(VALUES)
    assert (found.mean, found.se) == pytest.approx((VALUES.mean(), scipy_stats.sem(VALUES)))


def test_one_run_has_no_interval():
    one = stats.estimate([0.5])
    assert (one.mean, one.se, one.low, one.high) == (0.5, None, None, None)
    assert str(one) == "0.500 (interval undefined, 1 run)"
    assert stats.contrast([1.0], [0.0]).p is None


def test_effect_size_has_hedges_exact_factor():
    difference = np.array([1.0, 2.0, 4.0])
    df = 2
    factor = math.gamma(df / 2) / (math.sqrt(df / 2) * math.gamma((df - 1) / 2))
    found = stats.contrast(difference, np.zeros(3)).effect_size
    assert found == pytest.approx(difference.mean() / difference.std(ddof=1) * factor)
    assert stats.contrast([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]).effect_size is None
    assert stats.contrast([1.0, 2.0], [0.0, 0.0]).effect_size is None


def test_several_of_several_lengths_and_bounds_give_what_each_gives_alone():
    rng = stream(4, "tests/shared")
    several = [rng.uniform(-0.3, 0.4, n) for n in (5, 150, 0, 5, 16, 24, 3000, 1, 24)]
    bounds = [None, (-1.0, 1.0), None, (-1.0, 1.0), None, None, (-2.0, 2.0), None, (-1.0, 1.0)]
    family = Family(3)
    alone = [stats.contrast(one, np.zeros_like(one), family, own) for one, own in zip(several, bounds, strict=True)]
    assert stats.contrasts(several, family, bounds) == alone
    assert stats.estimates(several, 0.95, bounds) == [
        stats.estimate(one, 0.95, own) for one, own in zip(several, bounds, strict=True)
    ]


def test_without_effect_intervals_and_p_keep_their_rates():
    rows = stream(1, "tests/calibration").normal(0, 1, (2_000, 15))
    found = stats.contrasts(list(rows))
    assert 0.035 <= np.mean([one.p is not None and one.p <= 0.05 for one in found]) <= 0.065
    assert np.mean([one.low is not None and one.high is not None and one.low <= 0 <= one.high for one in found]) >= 0.95


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98, 1.0])
def test_the_test_error_is_statsmodels_wilson(share):
    low, high = proportion_confint(round(share * 200), 200, method="wilson")
    assert stats.test_error(share, 200) == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("values", [[float("nan")], [[1.0, 2.0]]])
def test_values_that_are_not_one_finite_number_a_run_are_refused(values):
    with pytest.raises(InputError, match="one finite number a run"):
        stats.estimate(values)


def test_runs_that_cannot_be_paired_are_refused():
    with pytest.raises(InputError, match="2 treatment and 1 control"):
        stats.contrast([1.0, 2.0], [1.0])
