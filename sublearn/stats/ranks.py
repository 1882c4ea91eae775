"""Rank correlation over runs and settings, with an interval by drawing runs anew. Knows no study, no torch."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats.values import Estimate


def rank_correlation(x: ArrayLike, y: ArrayLike, level: float = 0.95, draws: int = 2000) -> Estimate:
    """Spearman's correlation over all pairs of x and y (both "run setting"), with a bootstrap interval over runs.

    The runs are drawn anew, each with all its settings, from a named stream; the interval is that of percentiles.
    Where x or y is the same everywhere there is no correlation; draws of which that is true are left out.
    """
    left, right = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if left.shape != right.shape or left.ndim != 2:
        raise InputError(f"Expected two arrays of one shape, run by setting, got {left.shape} and {right.shape}.")
    n = len(left)
    found = _spearman(left, right)
    if found is None:
        return Estimate(None, None, None, None, n, "Spearman undefined, nothing varies")
    if n < 2:
        return Estimate(found, None, None, None, n, f"interval undefined, {n} run")
    rng = stream(0, "stats/rank-correlation")
    chosen = rng.integers(0, n, size=(draws, n))
    some = [_spearman(left[rows], right[rows]) for rows in chosen]
    drawn = np.array([one for one in some if one is not None])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        found, float(drawn.std(ddof=1)), float(low), float(high), n, f"{level:.0%} Spearman, bootstrap over runs"
    )


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import rankdata  # late: it takes half a second, and only traces rank

    return float(np.corrcoef(rankdata(x.ravel()), rankdata(y.ravel()))[0, 1])
