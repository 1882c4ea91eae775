"""How many runs a claim needs, by the rule that decides on it: a range, as wide as what a pilot leaves open.

The differences are supposed to be normal; their intervals are drawn, not approximated. Knows no study.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats.families import Family
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
    return _fewest(effect, family, target, both=False)


def runs_for_equivalence(width: float, family: Family, target: float) -> int | None:
    """The fewest runs with a chance of `target` that a true zero is found to lie within `width` standard deviations."""
    return _fewest(width, family, target, both=True)


def needed_for_effect(mean: float, sd: float, n: int, family: Family, target: float = 0.9) -> Needed:
    """The runs that would show the effect of a pilot of n runs, as far as these tell its size; `sd` is above 0."""
    t = mean / sd * math.sqrt(n)
    low, high = (_noncentrality(n - 1, t, share) / math.sqrt(n) for share in _shares())
    return _more(n, *(runs_for_effect(effect, family, target) for effect in (high, low)))


def needed_for_equivalence(delta: float, sd: float, n: int, family: Family, target: float = 0.9) -> Needed:
    """The runs that would show a true zero to lie within delta, as far as a pilot of n runs tells the spread."""
    sds = [sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, share))) for share in _shares()]
    return _more(n, *(runs_for_equivalence(delta / spread, family, target) for spread in sorted(sds)))


def _more(n: int, least: int | None, most: int | None) -> Needed:
    """The runs needed, which are more than the n that did not do."""
    return Needed(*(end if end is None else max(end, n + 1) for end in (least, most)))


def _shares() -> tuple[float, float]:
    return (1 - PILOT_LEVEL) / 2, (1 + PILOT_LEVEL) / 2


def _noncentrality(df: int, t: float, above: float) -> float:
    """The noncentrality at which a t as large as this, or larger, has the chance `above`."""
    low, high = t - 10 - abs(t), t + 10 + abs(t)
    for _ in range(60):
        middle = (low + high) / 2
        # The mirror image, because nctdtr is exact for noncentralities from zero upward.
        chance = special.nctdtr(df, -middle, -t) if middle < 0 else 1 - special.nctdtr(df, middle, t)
        low, high = (middle, high) if chance < above else (low, middle)
    return high


def _fewest(size: float, family: Family, target: float, both: bool) -> int | None:
    if not 0 < target < 1:
        raise InputError(f"The power is {target}; it must lie between 0 and 1.")
    numbers = _numbers(family.least_runs)
    low, high = -1, len(numbers)
    while high - low > 1:
        middle = (low + high) // 2
        found = _size_found(numbers[middle], family.tail, both, target) <= size
        low, high = (low, middle) if found else (middle, high)
    return numbers[high] if high < len(numbers) else None


def _numbers(least: int) -> list[int]:
    """The numbers of runs that are tried: every one at first, later in steps of 5%."""
    numbers = [least]
    while numbers[-1] < MOST_RUNS:
        numbers.append(min(MOST_RUNS, max(numbers[-1] + 1, int(numbers[-1] * 1.05))))
    return numbers


@lru_cache(maxsize=4_096)
def _size_found(n: int, tail: float, both: bool, target: float) -> float:
    """The least effect, or with `both` the least delta, that so many runs find with this chance, in sds."""
    drawn = stream(n, "stats/power").normal(size=(DRAWS, n))
    low, high = skewed_bounds(drawn, tail)
    return float(np.quantile(np.maximum(-low, high) if both else -low, target))
