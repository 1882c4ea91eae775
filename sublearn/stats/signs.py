"""Sign flips: what a mean could be if differences were as likely above it as below. Plain arrays "study run".

A mean is kept unless flipping the signs of the deviations from it at random would seldom give a sum as large (Fisher
1935). Up to 16 runs every flip is counted, by the means of all subsets of the runs (Hartigan 1969); above, the tail is
that of a saddlepoint approximation (Barndorff-Nielsen 1986), which needs no draws and holds far out in the tail.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sublearn.stats.values import Rows

EXACT_RUNS = 16
SUMS_AT_ONCE = 1 << 21
"""Sums of subsets in memory at a time."""
VALUES_AT_ONCE = 1 << 15
"""Values of runs that are worked on at a time above that, few enough for a core's cache."""
TIE = 1e-12
"""Sums that differ by so much of the largest possible one are equal but for rounding."""
POSITIONS, NEWTON_STEPS = 12, 12
"""At the most. Each study stops at its own, so that its interval does not depend on those computed along with it."""
FAR = 4.0
"""Roots further above the wanted one than this count as this far."""
CLOSE = 1e-12
"""Roots are sought until they are this close."""
Column = NDArray[np.float64]
"""One value a study."""


def least_runs(tail: float) -> int:
    """The fewest runs whose sign flips can have so small a one-sided p: with n of them it is at least 1 / 2**n."""
    return math.ceil(-math.log2(tail) - 1e-9)


def sign_flip_bounds(rows: Rows, tail: float) -> tuple[Column, Column]:
    """Below and above which means are rejected, each with a chance of `tail`; infinite with too few runs."""
    n = rows.shape[1]
    if n < least_runs(tail):
        return np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    if n > EXACT_RUNS:
        # The lower bound is the upper one of the values with other signs; both at once, since few studies are slow by
        # their number of calls.
        upper = _in_blocks(np.concatenate([rows, -rows]), partial(_saddlepoint_bound, tail=tail))
        return -upper[len(rows) :], upper[: len(rows)]
    rank = math.floor(tail * 2**n + 1e-9)

    def ends(some: Rows) -> Rows:
        means = _subset_sums(some)[:, 1:] / _subset_sizes(n)
        means.partition((rank - 1, means.shape[1] - rank), axis=1)
        return means[:, (rank - 1, -rank)]

    found = _in_blocks(rows, ends)
    return found[:, 0], found[:, 1]


def sign_flip_p_values(rows: Rows) -> Column:
    """Two-sided p of the mean of each study under random signs."""
    n = rows.shape[1]
    if n == 0:
        return np.ones(len(rows))
    upward = np.where(rows.sum(axis=1, keepdims=True) < 0, -rows, rows)
    if n > EXACT_RUNS:
        one_sided = np.maximum(special.ndtr(-_in_blocks(upward, _root)), 0.5**n)
    else:
        tied = TIE * np.abs(rows).sum(axis=1, keepdims=True)
        # Flipping the signs of a subset gives as large a sum where the subset's own sum is at most zero.
        one_sided = _in_blocks(np.hstack([upward, tied]), _share_at_most)[:, 0]
    return np.minimum(1.0, 2 * one_sided)


def _share_at_most(some: Rows) -> Rows:
    return (_subset_sums(some[:, :-1]) <= some[:, -1:]).mean(axis=1, keepdims=True)


def _subset_sums(rows: Rows) -> Rows:
    """The sum of each subset of the runs, shape "study subset"; the empty one comes first."""
    sums = np.zeros((len(rows), 1))
    for run in range(rows.shape[1]):
        sums = np.hstack([sums, sums + rows[:, run : run + 1]])
    return sums


def _subset_sizes(n: int) -> NDArray[np.float64]:
    return np.bitwise_count(np.arange(1, 2**n, dtype=np.uint32)).astype(float)


def _in_blocks(rows: Rows, work: Callable[[Rows], Rows]) -> Rows:
    n = rows.shape[1]
    step = max(1, SUMS_AT_ONCE >> n if n <= EXACT_RUNS else VALUES_AT_ONCE // n)
    return np.concatenate([work(rows[start : start + step]) for start in range(0, len(rows), step)])


def _saddlepoint_bound(rows: Rows, tail: float) -> Column:
    """The mean above which all are rejected."""
    z, mean = -float(special.ndtri(tail)), rows.mean(axis=1)
    # Between the mean, whose root is 0, and the outermost value, where all signs are alike; the best guess is first
    # that of normal deviations, later that of the false position (Illinois' variant, Dowell and Jarratt 1971).
    near, far = np.zeros(len(rows)), np.maximum(rows - mean[:, None], 0).max(axis=1)
    below, above = np.full(len(rows), -z), np.full(len(rows), FAR)
    step = np.minimum(z * rows.std(axis=1) / math.sqrt(max(rows.shape[1] - z * z, 1.0)), far)
    last, found, excess = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool), np.zeros(len(rows))
    for _ in range(POSITIONS):
        sought = ~found
        excess[sought] = np.minimum(_root((mean + step)[sought, None] - rows[sought]) - z, FAR)
        found |= np.abs(excess) < CLOSE
        if found.all():
            break
        low = excess < 0
        above = np.where(low & (last < 0), above / 2, above)
        below = np.where(~low & (last > 0), below / 2, below)
        near, below = np.where(low, step, near), np.where(low, excess, below)
        far, above = np.where(low, far, step), np.where(low, above, excess)
        last = np.where(low, -1, 1)
        step = np.where(found, step, far - (far - near) * above / np.maximum(above - below, 1e-300))
    return mean + step


def _root(deviations: Rows) -> Column:
    """The modified signed root r* of the chance that random signs give at least the sum that is there, 0 or above.

    The chance is that a standard normal exceeds it; infinite where all deviations are of one sign or zero.
    """
    scale = np.abs(deviations).max(axis=1, keepdims=True)
    c = deviations / np.where(scale > 0, scale, 1.0)
    total, most = c.sum(axis=1), np.abs(c).sum(axis=1)
    root, mixed = np.where(total > 0, np.inf, 0.0), total < most * (1 - TIE)
    root[mixed] = _root_of_mixed(c[mixed], total[mixed])
    return root


def _root_of_mixed(c: Rows, total: Column) -> Column:
    t = _tilt(c, total)
    tc = np.abs(t[:, None] * c)
    # log cosh, without overflow
    generating = (tc + np.log1p(np.exp(-2 * tc)) - math.log(2)).sum(axis=1)
    curve = (c * c / np.cosh(np.minimum(tc, 300)) ** 2).sum(axis=1)
    w = np.sqrt(np.maximum(2 * (t * total - generating), 0))
    u = t * np.sqrt(curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(w > 1e-3, w + np.log(u / w) / w, w)


def _tilt(c: Rows, total: Column) -> Column:
    """The tilt of the signs that makes the total their mean, by Newton's method."""
    squares, slopes, spread = c * c, np.empty_like(c), np.empty_like(c)
    t, found = total / np.maximum(squares.sum(axis=1), 1e-300), np.zeros(len(c), dtype=bool)
    for _ in range(NEWTON_STEPS):
        # Into the same arrays each time: to ask the system for new ones would take most of the time.
        np.tanh(np.multiply(t[:, None], c, out=slopes), out=slopes)
        pull = np.multiply(c, slopes, out=spread).sum(axis=1)
        np.subtract(1, np.multiply(slopes, slopes, out=slopes), out=spread)
        curve = np.multiply(squares, spread, out=spread).sum(axis=1)
        # The pull is concave in t and t is below its root, so no step goes too far.
        step = (total - pull) / np.maximum(curve, 1e-12)
        t = np.where(found, t, np.minimum(t + step, 1e6))
        found |= np.abs(step) <= CLOSE * t
        if found.all():
            break
    return t
