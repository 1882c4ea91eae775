"""How many runs a claim needs, by the rule that decides on it: a range, as wide as what a pilot leaves open.

The differences are supposed to be normal; their intervals are drawn, not approximated. Knows no study.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats.families import Family
from sublearn.stats.signs import VALUES_AT_ONCE, Column
from sublearn.stats.skewed import skewed_bounds

MOST_RUNS = 1_000
"""What would need more is said to need more than this."""
DRAWS = 1_000
PILOT_LEVEL = 0.8
"""Of the interval of a pilot's effect size and standard deviation."""


@dataclass(frozen=True)
class Needed:
    """The runs that are needed at the least and at the most; None for more than MOST_RUNS."""

    least: int | None
    most: int | None

    def __str__(self) -> str:
        ends = [f"more than {MOST_RUNS:,}" if end is None else f"{end:,}" for end in (self.least, self.most)]
        return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def runs_for_effect(effect: float, family: Family, target: float) -> int | None:
    """The fewest runs with a chance of `target` that a mean of so many standard deviations is found above zero."""
    if not math.isfinite(effect):
        raise InputError(f"The effect size is {effect}; it must be a finite number of standard deviations.")
    return _fewest(lambda size: size <= effect, family, target, both=False)


def runs_for_equivalence(width: float, family: Family, target: float) -> int | None:
    """The fewest runs with a chance of `target` that a true zero is found to lie within `width` standard deviations."""
    return _fewest(lambda size: size <= width, family, target, both=True)


def needed_for_effect(mean: float, sd: float, n: int, family: Family, target: float = 0.9) -> Needed:
    """The runs that would show the effect of a pilot of n runs, as far as these tell its size; `sd` is above 0."""
    t = mean / sd * math.sqrt(n)

    def runs(share: float) -> int | None:
        # An effect is among those that the pilot leaves open where a t as large as the pilot's is seldom enough.
        return _fewest(lambda size: _chance_of(t, n - 1, size * math.sqrt(n)) <= share, family, target, both=False)

    low, high = _shares()
    return _more(n, runs(high), runs(low))


def needed_for_equivalence(delta: float, sd: float, n: int, family: Family, target: float = 0.9) -> Needed:
    """The runs that would show a true zero to lie within delta, as far as a pilot of n runs tells the spread."""
    sds = [sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, share))) for share in _shares()]
    return _more(n, *(runs_for_equivalence(delta / spread, family, target) for spread in sorted(sds)))


def _more(n: int, least: int | None, most: int | None) -> Needed:
    """The runs needed, which are more than the n that did not do."""
    return Needed(*(end if end is None else max(end, n + 1) for end in (least, most)))


def _shares() -> tuple[float, float]:
    return (1 - PILOT_LEVEL) / 2, (1 + PILOT_LEVEL) / 2


def _chance_of(t: float, df: int, noncentrality: float) -> float:
    """The chance of a t as large as this, or larger."""
    if noncentrality < 0:  # the mirror image, because nctdtr is exact for noncentralities from zero upward
        return float(special.nctdtr(df, -noncentrality, -t))
    return float(1 - special.nctdtr(df, noncentrality, t))


def _fewest(found: Callable[[float], bool], family: Family, target: float, both: bool) -> int | None:
    """The fewest runs whose least size that is found, in standard deviations, is small enough for `found`."""
    if not 0 < target < 1:
        raise InputError(f"The power is {target}; it must lie between 0 and 1.")
    numbers, tail = _numbers(family.least_runs), family.tail
    low, high = -1, len(numbers) - 1
    if not found(_size_found(numbers[high], tail, both, target)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(_size_found(numbers[middle], tail, both, target)) else (middle, high)
    return numbers[high]


@lru_cache(maxsize=256)
def _numbers(least: int) -> tuple[int, ...]:
    """The numbers of runs that are tried: every one at first, later in steps of 5%."""
    numbers = [least]
    while numbers[-1] < MOST_RUNS:
        numbers.append(min(MOST_RUNS, max(numbers[-1] + 1, int(numbers[-1] * 1.05))))
    return tuple(numbers)


@lru_cache(maxsize=4_096)
def _size_found(n: int, tail: float, both: bool, target: float) -> float:
    """The least effect, or with `both` the least delta, that so many runs find with this chance, in sds."""
    low, high = _drawn_bounds(n, tail)
    return float(np.quantile(np.maximum(-low, high) if both else -low, target))


@lru_cache(maxsize=64)
def _drawn_bounds(n: int, tail: float) -> tuple[Column, Column]:
    """The ends of the intervals of studies of so many runs that were drawn with a mean of zero, in sds."""
    drawn = stream(n, "stats/power").normal(size=(DRAWS, n))
    # Part by part, since large arrays come from the system anew each time, which takes most of the time.
    ends = [skewed_bounds(part, tail) for part in np.array_split(drawn, -(-drawn.size // VALUES_AT_ONCE))]
    low, high = (np.concatenate(own) for own in zip(*ends, strict=True))
    return low, high
