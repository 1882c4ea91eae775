"""The interval of a mean over runs: one rule for estimates, contrasts and verdicts. Plain arrays "study run".

It holds what sign flips and what a skewed distribution leave possible. Where nearly all runs have one value, neither
can be trusted: values that have bounds, as shares do, get the interval of a bettor, others get none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sublearn.stats.bounded import bounded_bounds
from sublearn.stats.signs import least_runs, sign_flip_bounds
from sublearn.stats.skewed import skewed_bounds
from sublearn.stats.values import Rows

MIN_RUNS = 5
"""Below it there is no interval of any kind."""
DIFFERING_RUNS = 6
"""So many runs, or half of few, must differ from the commonest value. Chosen by simulation: LOG.md."""
ROUNDING = 1e-9
"""Values that differ by so much of the largest one are alike."""
SIGNS, BETTING = "sign flips and skewness", "betting on bounded values"
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """The intervals of several studies of one number of runs; NaN where there is none.

    `alike` runs have the value `common` where these are nearly all of them; elsewhere it is 0.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    alike: NDArray[np.int64]
    common: NDArray[np.float64]


def intervals(rows: Rows, tail: float, bounds: Bounds | None = None, tested: bool = True) -> Intervals:
    """The interval of each study's mean, which may lie below and above it with a chance of `tail` each.

    `bounds` are those of a value, if it has any. With `tested` there is no interval below the fewest runs that sign
    flips need to find anything at this tail.
    """
    n = rows.shape[1]
    alike, common = _commonest(rows)
    low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if n >= MIN_RUNS and (n >= least_runs(tail) or not tested):
        spread = alike == 0
        if spread.any():
            low[spread], high[spread] = _of_spread(rows[spread], tail, bounds)
        if bounds is not None and not spread.all():
            low[~spread], high[~spread] = bounded_bounds(rows[~spread], tail, bounds)
    return Intervals(low, high, alike, common)


def _of_spread(rows: Rows, tail: float, bounds: Bounds | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = skewed_bounds(rows, tail)
    if rows.shape[1] >= least_runs(tail):
        least, most = sign_flip_bounds(rows, tail)
        low, high = np.minimum(low, least), np.maximum(high, most)
    return (low, high) if bounds is None else (np.maximum(low, bounds[0]), np.minimum(high, bounds[1]))


def _commonest(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many runs have the commonest value, and that value, where too few differ from it; else 0."""
    studies, n = rows.shape
    alike, common = np.zeros(studies, dtype=np.int64), np.full(studies, np.nan)
    if n < MIN_RUNS:
        return alike, common
    ordered = np.sort(rows, axis=1)
    same = ROUNDING * np.abs(ordered[:, [0, -1]]).max(axis=1, keepdims=True)
    many = int(n - min(DIFFERING_RUNS, n / 2)) + 1
    several = ordered[:, many - 1 :] - ordered[:, : n - many + 1] <= same
    for study in np.flatnonzero(several.any(axis=1)):
        common[study] = ordered[study, several[study].argmax()]
        alike[study] = np.count_nonzero(np.abs(rows[study] - common[study]) <= same[study])
    return alike, common
