"""The rule by which a published figure and ours agree, differ or cannot be told apart. Plain numbers; it runs nothing.

Figures are shares, and a difference is ours minus theirs. Its joint 95% interval has, on each side of it, the square
root of the summed squares of what the two intervals reach on that side (Zou and Donner 2008), and half of the last
published digit, since theirs was rounded.

- agrees: the whole of it lies within `WITHIN` of zero;
- differs: the whole of it lies beyond `WITHIN`, on one side;
- cannot tell: anything else, and whenever the verdict hangs on a number of runs or a spread that was not published.

What was not published is taken to be anything from the most favourable to the least: one run, where the number of runs
is unknown, and `SPREAD` times our own standard deviation, where theirs is. If both ends give one verdict, it stands.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sublearn import stats
from sublearn.stats import Estimate
from sublearn.study.published import Figure, Trend

Verdict = Literal["agrees", "differs", "cannot tell", "undetermined"]
RULE = 2
"""Which rule gave a verdict. The first, of version 0.1, held differences against the joint interval alone."""
WITHIN = 0.10
"""A difference of accuracies that is no larger counts as agreement."""
SPREAD = 5.0
"""Where a spread is known on both sides, theirs is at most 4.9 times ours (A/cross_init): so much is allowed for."""
CHANGE = (-1.0, 1.0)
"""The bounds of a change of a share."""
NORMAL = 1.96
"""Standard errors in a published ±."""
LEAST_WITH_SPREAD = 2
"""Runs that a published spread takes."""


@dataclass(frozen=True)
class Interval:
    """A difference, ours minus theirs, with its joint 95% interval."""

    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """What it says, were it all that is unknown."""
        if self.low >= -WITHIN and self.high <= WITHIN:
            return "agrees"
        return "differs" if self.low > WITHIN or self.high < -WITHIN else "cannot tell"

    def __str__(self) -> str:
        return f"{self.low:+.3f} to {self.high:+.3f}"


def compare(figure: Figure, values: Sequence[float]) -> tuple[Verdict, str]:
    """The verdict on a published figure from our values of it (shape "run"), and the reason in words."""
    ours = stats.estimate(values, bounds=stats.SHARE)
    if ours.low is None:
        return "cannot tell", f"ours has no interval: {ours.method.removeprefix('interval undefined, ')}"
    least, most = (joint(figure, ours, half) for half in possible(figure, values))
    said = f"difference {least.difference:+.3f}, joint 95% interval"
    if least == most:
        return least.verdict, f"{said} {least}{_aside(least)}"
    lacking = _lacking(figure)
    if least.verdict == most.verdict:
        return least.verdict, f"{said} at most {most}, whatever their {lacking}"
    return (
        "cannot tell",
        f"{said} {least} were theirs exact and {most} at worst; it hangs on their unpublished {lacking}",
    )


def compare_trend(trend: Trend, columns: Sequence[Sequence[float]]) -> tuple[Verdict, str]:
    """The verdict on a direction, from our values at each value of its setting, in their order and paired by seed.

    The change is that from the first value to the last. A published fall agrees with a change that is surely below
    zero and differs from one that is surely not; a published lack of effect is a figure of zero.
    """
    change = stats.contrast(columns[-1], columns[0], bounds=CHANGE)
    if change.mean is None or change.low is None or change.high is None:
        return "cannot tell", f"ours has no interval: {change.method.removeprefix('interval undefined, ')}"
    found = Interval(change.mean, change.low, change.high)
    said = f"last minus first {change.mean:+.3f}, 95% interval {found}, {change.n} runs"
    if trend.direction == "falls":
        return ("agrees" if found.high < 0 else "differs" if found.low > 0 else "cannot tell"), said
    return found.verdict, said + _aside(found)


def theirs_half(figure: Figure) -> float | None:
    """Half the width of their 95% interval by Student's t; None unless a spread and the number of runs are known."""
    if figure.n is None or figure.n < LEAST_WITH_SPREAD:
        return None
    sd = _published_sd(figure, figure.n)
    return None if sd is None else stats.half_width(sd, figure.n)


def possible(figure: Figure, values: Sequence[float]) -> tuple[float, float]:
    """The least and the largest half-width that their interval can have, given what was published and our values."""
    known = theirs_half(figure)
    if known is not None:
        return known, known
    if figure.half is not None or figure.sd is not None:
        sd = _published_sd(figure, LEAST_WITH_SPREAD) or 0.0
        return figure.half or 0.0, stats.half_width(sd, LEAST_WITH_SPREAD)
    single = SPREAD * stats.half_width(float(np.std(values, ddof=1)), len(values)) * math.sqrt(len(values))
    return 0.0, single / math.sqrt(figure.n or 1)


def joint(figure: Figure, ours: Estimate, half: float) -> Interval:
    """The joint interval of the difference from an estimate of ours that has one, if theirs has this half-width."""
    assert ours.mean is not None and ours.low is not None and ours.high is not None
    difference, rounding = ours.mean - figure.value, 0.5 * 10.0**-figure.digits
    low, high = within(figure, half)
    below = math.hypot(ours.mean - ours.low, high - figure.value) + rounding
    above = math.hypot(ours.high - ours.mean, figure.value - low) + rounding
    return Interval(difference, difference - below, difference + above)


def within(figure: Figure, half: float) -> tuple[float, float]:
    """The ends of their interval, of this half-width, as far as a share can lie there."""
    least, most = stats.SHARE
    return max(least, figure.value - half), min(most, figure.value + half)


def _published_sd(figure: Figure, n: int) -> float | None:
    """Their standard deviation over n runs, from whichever measure of spread was published."""
    return figure.sd if figure.half is None else figure.half * math.sqrt(n) / NORMAL


def _lacking(figure: Figure) -> str:
    absent = [] if figure.n else ["number of runs"]
    return " and ".join([*absent, *([] if figure.half or figure.sd else ["spread"])])


def _aside(found: Interval) -> str:
    if found.verdict != "agrees" or found.low <= 0 <= found.high:
        return ""
    return f"; not zero, but within {WITHIN:.2f}"
