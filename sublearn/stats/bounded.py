"""Means of bounded values of any distribution, by betting. Plain arrays "study run".

Who bets fairly that a mean is larger than it is multiplies the stake by 1/tail with a chance of `tail` at most (Ville).
A mean at which a bettor grew that rich is rejected (Waudby-Smith and Ramdas 2024, J. R. Statist. Soc. B 86, 1-27). The
bettor here spreads the stake over a few fixed bets, so that the order of the runs does not count.
"""

import numpy as np
from numpy.typing import NDArray

from sublearn.stats.values import Rows

BETS = (0.1, 0.3, 0.6, 0.9, 1.0)
"""Shares of the stake that are bet; with the last one, all of it."""
HALVINGS = 40


def bounded_bounds(
    rows: Rows, tail: float, bounds: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Below and above which means are rejected, each with a chance of `tail` at most, for values within `bounds`."""
    least, most = bounds
    shares = np.clip((rows - least) / (most - least), 0, 1)
    low, high = _lower(shares, tail), 1 - _lower(1 - shares, tail)
    return least + (most - least) * low, least + (most - least) * high


def _lower(shares: Rows, tail: float) -> NDArray[np.float64]:
    """The mean below which all are rejected, of values from 0 to 1; rounded downward."""
    low, high = np.zeros(len(shares)), shares.mean(axis=1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rejected = _stake(shares, np.maximum(middle, 1e-300)) >= 1 / tail
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low


def _stake(shares: Rows, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a stake of 1 grows to by betting that the values lie above `mean`; the less, the larger that is."""
    gains = shares / mean[:, None]
    with np.errstate(divide="ignore"):
        grown = [np.log1p(bet * (gains - 1)).sum(axis=1) for bet in BETS]
    return np.exp(np.minimum(grown, 700.0)).mean(axis=0)
