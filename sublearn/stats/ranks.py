"""Rank correlation over runs and settings, with an interval for more runs like these. Knows no study, no torch."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sublearn.errors import InputError
from sublearn.stats.intervals import MIN_RUNS
from sublearn.stats.values import Estimate, half_width

Values = NDArray[np.float64]
_LARGEST = 1 - 1e-9
"""Of a correlation: Fisher's z of 1 is infinite."""


def rank_correlation(x: ArrayLike, y: ArrayLike, level: float = 0.95, within: bool = False) -> Estimate:
    """Spearman's correlation over all pairs of x and y (both "run setting"), and its interval over runs.

    With `within`, values are ranked among the runs of their own setting alone, so that what differs from setting to
    setting adds nothing. The interval is the jackknife's over runs, each left out with all its settings, on Fisher's z:
    in 400 simulated studies each of 5, 8, 12 and 24 runs that share something over their settings, it held the true
    correlation in 90 to 99.5% (`tests/stats/test_ranks.py`, slow). Below five runs there is none, and no
    correlation where nothing varies.
    """
    left, right = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if left.shape != right.shape or left.ndim != 2:
        raise InputError(f"Expected two arrays of one shape, run by setting, got {left.shape} and {right.shape}.")
    correlation, n = partial(_spearman, within=within), len(left)
    found = correlation(left, right)
    if found is None:
        return Estimate(None, None, None, None, n, "Spearman undefined, nothing varies")
    without = [correlation(np.delete(left, run, 0), np.delete(right, run, 0)) for run in range(n)]
    if n < MIN_RUNS or None in without:
        return Estimate(found, None, None, None, n, f"interval undefined, {n} run{'s' * (n != 1)}")
    z, others = _fisher(np.array(found)), _fisher(np.array(without, dtype=float))
    sd = float((n * z - (n - 1) * others).std(ddof=1))
    half = half_width(sd, n, level)
    return Estimate(
        found,
        None,
        float(np.tanh(z - half)),
        float(np.tanh(z + half)),
        n,
        f"{level:.0%} Spearman{' within settings' * within}, jackknife over runs on Fisher's z",
    )


def _fisher(correlation: Values) -> Values:
    return np.arctanh(np.clip(correlation, -_LARGEST, _LARGEST))


def _spearman(x: Values, y: Values, within: bool) -> float | None:
    from scipy.stats import rankdata  # late: it takes half a second, and only traces rank

    if x.size < 2:
        return None
    left, right = (rankdata(values, axis=0 if within else None).reshape(x.shape) for values in (x, y))
    axis = 0 if within else None
    left, right = (ranks - ranks.mean(axis=axis, keepdims=True) for ranks in (left, right))
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / size) if size else None
