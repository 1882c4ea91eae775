"""95% intervals over bases, of what is no plain share of them. Torch-free.

Values from 0 to 1 (AUROC, reciprocal ranks, a base's share of several sets) have Wilson's interval of a share of n
bases that is as large, whether or not that many bases make it: `as_a_share`. A mean of n values from 0 to 1 varies at
most as much as such a share (Bhatia and Davis 2000, Am. Math. Monthly 107, 353-357), an AUROC of n against n or more
values at most as much (Birnbaum and Klose 1957, Ann. Math. Statist. 28, 933-945). So it is wider than it must be where
bases are alike, up to twice; but it depends on the value and on n alone and rises with the value, so that a worse
result never has a better interval, and with all bases at an end it is that of n of n. A jackknife on the logit scale
and a bootstrap are narrower, but leave out an AUROC of .99 in one of six times or more often with 6 or 20 bases:
nearly all of them are then at the end and differ too little (`python -m benchmarks audit_intervals`).

What has no such ends (seconds, correlations on Fisher's scale) has Student's interval of the values that are left
without one base each, a delete-one jackknife with n - 1 degrees (Efron and Tibshirani 1993, ch. 11).
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import special

Ends = tuple[float | None, float | None]
TAIL = 0.975


def as_a_share(value: float, n: int) -> tuple[float, float]:
    """Wilson's interval, of any value from 0 to 1: for k / n it is that of k of n."""
    square = float(special.ndtri(TAIL)) ** 2 / n
    middle, half = value + square / 2, float(np.sqrt(square * (value * (1 - value) + square / 4)))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def jackknifed(bases: Sequence[int], value: Callable[[Sequence[int]], float]) -> Ends:
    """Around the value of all bases, by those of all but one; none of one base."""
    n = len(bases)
    if n < 2:
        return None, None
    without = np.array([value([*bases[:place], *bases[place + 1 :]]) for place in range(n)])
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    middle, half = value(bases), float(special.stdtrit(n - 1, TAIL)) * error
    return middle - half, middle + half
