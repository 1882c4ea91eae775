"""What a mean over runs comes to: estimates and contrasts as values, and the checks that arrays must pass. No torch."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

# Not scipy.stats, whose distributions are these functions behind half a second of import and much checking.
from scipy import special

from sublearn.errors import InputError

Finite = Annotated[float, Field(ge=-1e100, le=1e100)]
"""A float that can be drawn: checked where an estimate is read back. Intervals may pass the bound of records."""
Rows = NDArray[np.float64]
"""One finite value a run, shape "study run"."""


@dataclass(frozen=True)
class Estimate:
    """A mean over n runs with its standard error and interval; undefined parts are None.

    Where nearly all runs have one value, `alike` of them have `common`; else `alike` is 0. Where runs share something,
    n counts units of `each` of them, of which the means were taken.
    """

    mean: Finite | None
    se: Finite | None
    low: Finite | None
    high: Finite | None
    n: int
    method: str
    alike: int = 0
    common: Finite | None = None
    each: int = 1

    def __str__(self) -> str:
        return _sentence(self)


@dataclass(frozen=True)
class Contrast:
    """A mean paired difference over n independent units, with interval, sign-flip p and Hedges-corrected effect size.

    The p is two-sided and not adjusted for the family; the interval is. `alike`, `common` and `each` are as in an
    estimate.
    """

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    n: int
    p: float | None
    effect_size: float | None
    method: str
    alike: int = 0
    common: float | None = None
    each: int = 1

    def __str__(self) -> str:
        return _sentence(self)


def checked_runs(values: ArrayLike) -> NDArray[np.float64]:
    """The values (shape "run"). Raises InputError unless there is one finite number a run."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(f"Expected one finite number a run, got shape {array.shape}; leave out unmeasured runs.")
    return array


def paired_differences(treatment: ArrayLike, control: ArrayLike) -> NDArray[np.float64]:
    """Treatment minus control, by position. Raises InputError for runs that cannot be paired."""
    left, right = checked_runs(treatment), checked_runs(control)
    if len(left) != len(right):
        raise InputError(f"{len(left)} treatment and {len(right)} control runs cannot be paired; keep common seeds.")
    return left - right


def hedges_g(n: int, mean: float | None, sd: float | None) -> float | None:
    """Paired effect size: mean over standard deviation, times the exact small-sample factor (Hedges 1981).

    None where there is no spread or where there are fewer than three runs: with two the factor is zero.
    """
    df = n - 1
    if df < 2 or mean is None or not sd:
        return None
    factor = math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    return mean / sd * factor


def t_above(share: float, df: int) -> float:
    """The t that `share` of the distribution lies above."""
    return -float(special.stdtrit(df, share))


def test_error(share: float, examples: int, level: float = 0.95) -> float:
    """Half the width of Wilson's interval of a share over this many test examples (Wilson 1927)."""
    z = -float(special.ndtri((1 - level) / 2))
    return z / (1 + z * z / examples) * math.sqrt(max(share * (1 - share), 0) / examples + (z / 2 / examples) ** 2)


def half_width(sd: float, n: int, level: float = 0.95) -> float:
    """Half the width of the t-interval of the mean of `n` runs, two or more, with this standard deviation."""
    return t_above((1 - level) / 2, n - 1) * sd / math.sqrt(n)


def _sentence(result: Estimate | Contrast) -> str:
    if result.mean is None:
        return f"unmeasured ({result.method})"
    if result.low is None or result.high is None:
        return f"{result.mean:.3f} ({result.method})"
    return f"{result.mean:.3f}, {result.low:.3f} to {result.high:.3f} ({result.method}, {result.n} runs)"
