"""The verdict on a claim: from one interval, which holds for the whole family of claims, and delta. Pure, torch-free.

Supported, negligible, refuted and inconclusive are said of where the interval lies; nothing else decides.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sublearn import stats
from sublearn.stats import Contrast, Family
from sublearn.study.base import Claim, Verdict

MOST_LOST = 0.05
"""No more than this share of the runs may be without a value."""


@dataclass(frozen=True)
class Lost:
    """The runs of a claim that have no value: how many of all, by arm, and what the mean could be at worst and best."""

    runs: int
    of: int
    by_arm: Mapping[str, int]
    worst: float | None = None
    best: float | None = None

    @property
    def matters(self) -> bool:
        """Whether they may bias what is left: they are many, or not equally many in every arm."""
        return self.runs > MOST_LOST * self.of or len(set(self.by_arm.values())) > 1


@dataclass(frozen=True)
class Delta:
    """The smallest difference that matters; None where it is a share of a shift that is not there to be measured."""

    value: float | None
    text: str = ""
    """What it is a share of, if it is one."""


@dataclass(frozen=True)
class Finding:
    """A claim's verdict with its reason, the interval that decides, delta, and the range of delta of the same verdict.

    `holds_to` is None where the range has no end.
    """

    claim: str
    verdict: Verdict
    because: str
    low: float | None = None
    high: float | None = None
    delta: float | None = None
    reason: str = ""
    holds_from: float | None = None
    holds_to: float | None = None


def judge(claim: Claim, result: Contrast, delta: Delta, lost: Lost, family: Family) -> Finding:
    """The finding on a claim whose contrast has an interval of this family."""
    known = {"delta": delta.value, "reason": claim.reason}
    if result.low is None or result.high is None:
        return Finding(claim.claim, "inconclusive", _no_interval(result, family), **known)
    known |= {"low": result.low, "high": result.high}
    shown = _shown(result, family)
    if lost.matters:
        return Finding(claim.claim, "inconclusive", f"{shown}. {_lost_text(lost)}", **known)
    if delta.value is None:
        because = f"{shown}. delta is {delta.text}, which is not clearly there: nothing can be measured by it."
        return Finding(claim.claim, "inconclusive", because, **known)
    verdict = verdict_of(claim.kind, result.low, result.high, delta.value)
    start, end = _range(claim.kind, result.low, result.high, verdict)
    because = f"{shown}: {_place(result.low, result.high, delta)}. {_holds(start, end, result)}"
    if verdict == "inconclusive":
        because += f" {_needed(claim, result, delta.value, family)}"
    return Finding(claim.claim, verdict, because, **known, holds_from=start, holds_to=end)


def verdict_of(kind: str, low: float, high: float, delta: float) -> Verdict:
    """Where an interval lies to zero and delta, said of a claim of this kind.

    >>> verdict_of("positive", 0.2, 0.4, 0.1), verdict_of("positive", 0.02, 0.08, 0.1)
    ('supported', 'negligible')
    """
    within = -delta < low and high < delta
    if kind == "equivalent":
        return "supported" if within else "refuted" if low > delta or high < -delta else "inconclusive"
    if within:
        return "negligible"
    return "supported" if low > 0 else "refuted" if high < 0 else "inconclusive"


def _range(kind: str, low: float, high: float, verdict: Verdict) -> tuple[float, float | None]:
    """From which delta to which the verdict is the same; None for no end."""
    farther, nearer = max(abs(low), abs(high)), max(low, -high, 0.0)
    if verdict == "negligible" or (kind, verdict) == ("equivalent", "supported"):
        return farther, None
    if kind == "equivalent":
        return (0.0, nearer) if verdict == "refuted" else (nearer, farther)
    return 0.0, farther


def _shown(result: Contrast, family: Family) -> str:
    mean, low, high = (_number(value, result, "+") for value in (result.mean, result.low, result.high))
    return f"The difference is {mean}, interval {low} to {high} ({_units(result)}; {family.text})"


def units_of(each: int) -> str:
    """What is counted, where so many runs share something: runs, or units of several."""
    return "runs" if each == 1 else f"units of {each} runs"


def _units(result: Contrast) -> str:
    plural = "" if result.n == 1 else "s"
    return f"{result.n:,} run{plural}" if result.each == 1 else f"{result.n:,} unit{plural} of {result.each} runs"


def _place(low: float, high: float, delta: Delta) -> str:
    """Where the interval lies."""
    assert delta.value is not None
    side = "wholly above zero" if low > 0 else "wholly below zero" if high < 0 else "zero is in it"
    bound = f"delta, {delta.value:.3g}" + (f" ({delta.text})" if delta.text else "")
    if -delta.value < low and high < delta.value:
        return f"{side}, and all of it is smaller than {bound}"
    if low > delta.value or high < -delta.value:
        return f"{side}, and beyond {bound}"
    return f"{side}, and it reaches beyond {bound}"


def _holds(start: float, end: float | None, result: Contrast) -> str:
    ends = [None if end is None else _number(end, result) for end in (start, end)]
    if end is None:
        return f"It is the same verdict for every delta above {ends[0]}."
    between = f"below {ends[1]}" if start == 0 else f"between {ends[0]} and {ends[1]}"
    return f"It is the same verdict for every delta {between}."


def _no_interval(result: Contrast, family: Family) -> str:
    if result.n < family.least_runs:
        family_text = f" ({family.text})" if family.claims * family.cells * family.look > 1 else ""
        return f"{_units(result)}: no verdict can be reached with fewer than {family.least_runs}{family_text}."
    common = 0.0 if result.common is None else result.common
    return f"{result.alike} of {result.n} differences are {common:+.3g}: they are too much alike for an interval."


def _lost_text(lost: Lost) -> str:
    arms = ", ".join(f"{arm} {count}" for arm, count in lost.by_arm.items())
    said = (
        f"{lost.runs} of {lost.of} runs have no value ({arms}). What is left may be a selection, so there is no verdict"
    )
    if lost.worst is None or lost.best is None:
        return f"{said}."
    return f"{said}: with them the mean could lie anywhere from {lost.worst:+.3f} to {lost.best:+.3f}."


def _needed(claim: Claim, result: Contrast, delta: float, family: Family) -> str:
    """How many runs would be needed at the next look."""
    following = Family(family.claims, family.cells, family.look + 1)
    if result.mean is None or not result.se:
        return ""
    sd, what = result.se * math.sqrt(result.n), units_of(result.each)
    if claim.kind == "equivalent":
        needed = stats.needed_for_equivalence(delta, sd, result.n, following)
        return f"If there is no effect, {needed} {what} would be needed to show it with 90% power."
    if result.mean <= 0:
        return "The mean is not above zero: more runs would hardly show an effect."
    needed = stats.needed_for_effect(result.mean, sd, result.n, following)
    return f"If the effect is what it looks like here, {needed} {what} would be needed to show it with 90% power."


def _number(value: float | None, result: Contrast, sign: str = "") -> str:
    """Three decimals, or more where the interval is narrow."""
    width = (result.high or 0.0) - (result.low or 0.0)
    decimals = min(max(3, 1 - math.floor(math.log10(width))), 8) if width > 0 else 3
    return f"{value:{sign}.{decimals}f}"
