"""What a score's values mean: held against clean sets that give it its scale, and others that test it. Torch-free.

Sets are exchangeable if the audited rows are clean: all are of one size, on the same prompts, scored in one way. Then
the rank of the audited set among the test sets is uniform, whatever the score is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

Values = NDArray[np.float64]
PRIOR = 10.0
"""How many sets the spread that a score's traits have in common counts for, beside those of each trait itself."""
LEVEL = 0.05


@dataclass(frozen=True)
class Scale:
    """The mean and spread of a score on clean sets, for each of its values ("trait"), and the spread's degrees."""

    mean: Values
    sd: Values
    df: float
    sets: int

    @classmethod
    def of(cls, clean: Values) -> Self:
        """The scale of values of clean sets ("set trait")."""
        own, degrees = clean.var(axis=0, ddof=1), len(clean) - 1
        prior = PRIOR if own.size > 1 else 0.0
        pooled = (prior * own.mean() + degrees * own) / (prior + degrees)
        return cls(clean.mean(axis=0), np.sqrt(np.maximum(pooled, 1e-24)), prior + degrees, len(clean))

    def z(self, values: Values) -> Values:
        """Values in units of what clean sets differ by, the error of their mean included."""
        return (values - self.mean) / (self.sd * np.sqrt(1 + 1 / self.sets))

    def surprise(self, values: Values) -> float:
        """How surprising the largest value is, comparable between scores: minus the log of its tail, times how many."""
        tail = special.stdtr(self.df, -np.max(self.z(values)))
        return float(-np.log(max(tail, 1e-300)) - np.log(values.size))

    def needed(self, surprise: float, size: int) -> float:
        """The z at which one of so many values is as surprising."""
        return float(-special.stdtrit(self.df, min(np.exp(-surprise - np.log(size)), 0.5)))


def most_surprising(scales: Mapping[str, Scale], values: Mapping[str, Values]) -> float:
    """The largest surprise over all scores."""
    return max(scale.surprise(values[name]) for name, scale in scales.items())


def rank_p(value: float, clean: Sequence[float]) -> float:
    """The share of sets, the audited one among them, in which a value is as large: exact for exchangeable sets.

    >>> rank_p(3.0, [1.0, 2.0, 4.0])
    0.5
    """
    return (1 + sum(one >= value for one in clean)) / (1 + len(clean))


def allowed(sets: int) -> int:
    """At how many of so many clean sets and the audited one p is still at most the level; 0 where it never is.

    >>> allowed(18), allowed(19), allowed(39)
    (0, 1, 2)
    """
    return math.floor(LEVEL * (1 + sets) + 1e-9)


def fewest() -> int:
    """Clean sets with which p can be at most the level.

    >>> fewest()
    19
    """
    return math.ceil(1 / LEVEL) - 1


def half_width(sd: Values, sets: int, level: float = LEVEL) -> Values:
    """Half the interval in which a set's value lies beyond the mean of so many clean sets."""
    return special.stdtrit(sets - 1, 1 - level / 2) * sd * np.sqrt(1 + 1 / sets)


def power_z(needed: float, power: float = 0.8) -> float:
    """The shift in units of the spread that passes a threshold in a share of sets, if noise is normal."""
    return needed + float(special.ndtri(power))
