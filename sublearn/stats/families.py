"""How the chance of an error is shared: by the claims of a study, the cells of a sweep, and looks at growing data."""

import math
from dataclasses import dataclass

from sublearn.errors import InputError
from sublearn.stats.intervals import MIN_RUNS
from sublearn.stats.signs import least_runs

ALPHA = 0.05
"""The chance that any interval of the family, at any look, leaves out what it is an interval of."""


@dataclass(frozen=True)
class Family:
    """The intervals that are to hold together: of how many claims, in how many studies, at the how-manieth look."""

    claims: int = 1
    cells: int = 1
    look: int = 1

    def __post_init__(self) -> None:
        if min(self.claims, self.cells, self.look) < 1:
            raise InputError(f"A family has at least one claim, cell and look; got {self}.")

    @property
    def tail(self) -> float:
        """The chance that is left to each end of one interval."""
        return alpha_at(self.look) / self.claims / self.cells / 2

    @property
    def least_runs(self) -> int:
        """The fewest runs that can reach a verdict."""
        return max(MIN_RUNS, least_runs(self.tail))

    @property
    def text(self) -> str:
        """What the intervals hold for.

        >>> Family(4, 1, 2).text
        '95% for all 4 claims and 2 looks together'
        """
        parts = ((self.claims, "claims"), (self.cells, "cells"), (self.look, "looks"))
        named = [f"{count} {what}" for count, what in parts if count > 1]
        if not named:
            return f"{1 - ALPHA:.0%}"
        joined = " and ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)
        return f"{1 - ALPHA:.0%} for all {joined} together"


def alpha_at(look: int) -> float:
    """What is spent at one look of any number of them: shares of 1, 1/4, 1/9, ... that sum to ALPHA.

    >>> round(alpha_at(1), 4), round(alpha_at(2), 4)
    (0.0304, 0.0076)
    """
    return ALPHA * 6 / math.pi**2 / look**2
