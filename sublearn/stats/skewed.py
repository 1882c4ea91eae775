"""Means of skewed values: an interval for whatever skewness the values may have. Plain arrays "study run".

Student's t misses too often on the side of the longer tail. Hall (1992, J. R. Statist. Soc. B 54, 221-228) removes the
skewness from t by a cubic transformation. The skewness that is seen in few runs is mostly less than there is, so the
interval here is that of every skewness within half a standard error of the one seen, and of none.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sublearn.stats.values import Rows, t_above

STANDARD_ERRORS = 0.5
"""By so many of them the skewness may differ from the one seen. Chosen by simulation: LOG.md."""
SYMMETRIC = 1e-6
"""A smaller skewness is none."""


def skewed_bounds(rows: Rows, tail: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Below and above which means lie with a chance of about `tail` each; for three runs or more that are not alike."""
    mean, sd, n = rows.mean(axis=1), rows.std(axis=1, ddof=1), rows.shape[1]
    t, room = t_above(tail, n - 1) / math.sqrt(n), STANDARD_ERRORS * math.sqrt(6 / n)
    seen = _skewness(rows)
    supposed = [seen - room, seen, seen + room, np.zeros(len(rows))]
    low = np.min([mean - sd * _untransformed(t, skewness, n) for skewness in supposed], axis=0)
    high = np.max([mean - sd * _untransformed(-t, skewness, n) for skewness in supposed], axis=0)
    return low, high


def widest_t(tail: float, n: int) -> float:
    """Half the width of the interval of values without any skewness, in standard deviations of a value."""
    room = STANDARD_ERRORS * math.sqrt(6 / n)
    supposed = np.array([-room, 0.0, room])
    return float(_untransformed(t_above(tail, n - 1) / math.sqrt(n), supposed, n).max())


def _untransformed(t: float, skewness: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The studentized mean, over root n, at which Hall's transformation of it, of this skewness, comes to t."""
    g = np.where(np.abs(skewness) < SYMMETRIC, SYMMETRIC, skewness)
    found = 3 / g * (np.cbrt(1 + g * (t - g / (6 * n))) - 1)
    return np.where(np.abs(skewness) < SYMMETRIC, t, found)


def _skewness(rows: Rows) -> NDArray[np.float64]:
    """The sample skewness with the usual correction for few runs (G1 of Joanes and Gill 1998)."""
    n, deviations = rows.shape[1], rows - rows.mean(axis=1, keepdims=True)
    squares = deviations * deviations
    second, third = squares.mean(axis=1), (squares * deviations).mean(axis=1)
    return third / np.maximum(second, 1e-300) ** 1.5 * math.sqrt(n * (n - 1)) / (n - 2)
