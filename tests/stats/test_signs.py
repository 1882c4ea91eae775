"""Sign flips against SciPy and against full enumeration."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from sublearn import stats
from sublearn.seeds import stream
from sublearn.stats import signs

LEFT, RIGHT = stream(0, "tests/stats").normal(0.3, 1, (2, 20))
SHAPES = {
    "normal": lambda rng, size: rng.normal(0.2, 1, size),
    "skewed": lambda rng, size: rng.exponential(1, size) - 0.7,
    "heavy": lambda rng, size: rng.standard_t(2, size),
    "tied": lambda rng, size: np.round(rng.normal(0, 0.05, size) * 200) / 200,
}


def by_enumeration(difference: np.ndarray) -> float:
    """Two-sided p over all signs, without the subsets that `signs` counts by."""
    n, total = len(difference), abs(difference.sum())
    flips = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return float(np.mean(np.abs((1 - 2 * flips) @ difference) >= total * (1 - 1e-12)))


def test_exact_sign_flip_is_scipys_permutation_test():
    difference = LEFT[:9] - RIGHT[:9]
    theirs = scipy_stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert stats.sign_flip_p(difference) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("n", [13, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_up_to_16_runs_every_flip_is_counted(n, shape):
    for difference in SHAPES[shape](stream(n, f"tests/flips/{shape}"), (5, n)):
        assert stats.sign_flip_p(difference) == pytest.approx(by_enumeration(difference), abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_above_16_runs_the_tail_is_that_of_enumeration_but_for_some_percent(shape):
    rows = SHAPES[shape](stream(20, f"tests/flips/{shape}"), (4, 20))
    for difference, p in zip(rows, signs.sign_flip_p_values(rows), strict=True):
        exact = by_enumeration(difference)
        # Of ties half an atom is counted; far from the tail, where nothing is decided, it is a little worse.
        assert p == pytest.approx(exact, rel=0.15 if shape == "tied" else 0.07, abs=0.03)


def test_a_sum_of_zero_and_of_no_differences_at_all_speaks_against_nothing():
    assert stats.sign_flip_p([1.0, -1.0, 2.0, -2.0]) == 1
    assert stats.sign_flip_p(np.zeros(8)) == 1
    assert stats.sign_flip_p(np.zeros(30)) == 1
    assert stats.sign_flip_p([]) == 1


@pytest.mark.parametrize("n", [9, 16, 17, 40])
def test_differences_of_one_sign_have_the_least_p_there_is(n):
    assert stats.sign_flip_p(stream(n, "tests/one-sided").random(n) + 0.1) == pytest.approx(2 / 2**n)


@pytest.mark.parametrize("n", [10, 14, 20, 60])
@pytest.mark.parametrize("tail", [0.025, 0.004])
def test_the_bounds_are_where_p_passes_the_tail(n, tail):
    rows = SHAPES["skewed"](stream(n, "tests/bounds"), (6, n))
    low, high = signs.sign_flip_bounds(rows, tail)
    width = (high - low) / 1e4
    for bound, inward in ((low, width), (high, -width)):
        outside = signs.sign_flip_p_values(rows - (bound - inward)[:, None])
        inside = signs.sign_flip_p_values(rows - (bound + inward)[:, None])
        assert (outside <= 2 * tail * 1.001).all() and (inside >= 2 * tail * 0.98).all()


def test_below_the_least_runs_there_are_no_bounds_and_with_them_there_are():
    for tail in (0.025, 0.005, 0.0004):
        least = signs.least_runs(tail)
        assert 2.0**-least <= tail < 2.0 ** (1 - least)
        assert np.isinf(signs.sign_flip_bounds(np.ones((1, least - 1)) + np.arange(least - 1) / 10, tail)).all()
        assert np.isfinite(signs.sign_flip_bounds(np.ones((1, least)) + np.arange(least) / 10, tail)).all()


@pytest.mark.parametrize("n", [12, 30])
def test_studies_do_not_change_each_others_bounds(n):
    rows = stream(n, "tests/alone").normal(0, 1, (50, n))
    together = signs.sign_flip_bounds(rows, 0.01)
    alone = [signs.sign_flip_bounds(row[None], 0.01) for row in rows]
    assert np.array_equal(np.array(together).T, np.array(alone)[:, :, 0])
