"""How a number, a count and a list of seeds are said. Knows estimates and contrasts; no table, no page, no torch."""

import math
from collections.abc import Iterable, Mapping, Sequence

from sublearn.errors import plain
from sublearn.stats import Contrast, Estimate
from sublearn.study import contrast
from sublearn.study.analysis import ArmEstimate
from sublearn.study.base import Claim, Study, Verdict
from sublearn.study.labels import labels
from sublearn.study.verdicts import Finding

UNMEASURED = "unmeasured"
MOST_DECIMALS = 6
LEADS: dict[Verdict, str] = {
    "supported": "The runs support this",
    "negligible": "The runs show no difference that matters",
    "refuted": "The runs speak against this",
    "inconclusive": "The runs cannot tell",
}


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return f"{text[:1].upper()}{text[1:]}"


def called(study: Study) -> dict[str, str]:
    """What each arm is called at the beginning of a line, fit for a page."""
    return {name: capital(plain(label)) for name, label in labels(study).items()}


def says_more(label: str, name: str) -> bool:
    """Whether what an arm is called says more than its name in code does.

    >>> says_more("Placebo teacher", "placebo_teacher"), says_more("Untrained reference", "reference")
    (False, True)
    """
    return label.lower() != name.replace("_", " ").lower()


def runs(n: int) -> str:
    """A number of runs.

    >>> runs(1), runs(2000)
    ('1 run', '2,000 runs')
    """
    return f"{n:,} run{'' if n == 1 else 's'}"


def number(value: float, decimals: int = 2, signed: bool = False) -> str:
    """A number with fixed decimals, and never a negative zero.

    >>> number(-0.001, signed=True)
    '+0.00'
    """
    sign = "+" if signed else ""
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


def units(result: Estimate | Contrast) -> str:
    """How many independent runs, or units of runs that share something, a result is of."""
    if result.each == 1:
        return runs(result.n)
    return f"{result.n:,} unit{'' if result.n == 1 else 's'} of {runs(result.each)}"


def mean_text(result: Estimate | Contrast) -> str:
    """Mean and half-width of the interval, "0.73 ± 0.03"; with the ends of a lopsided one, "0.98, 0.90 to 1.00".

    The mean alone without an interval; or "unmeasured".
    """
    if result.mean is None or result.low is None or result.high is None:
        return point_text(result)
    decimals = _decimals((result.high - result.low) / 2, result.mean)
    down, up = (number(width, decimals) for width in (result.mean - result.low, result.high - result.mean))
    return f"{point_text(result)} ± {up}" if up == down else f"{point_text(result)}, {interval_text(result)}"


def point_text(result: Estimate | Contrast) -> str:
    """The mean alone, or "unmeasured"."""
    if result.mean is None:
        return UNMEASURED
    half = 0.0 if result.low is None or result.high is None else (result.high - result.low) / 2
    return number(result.mean, _decimals(half, result.mean), isinstance(result, Contrast))


def interval_text(result: Estimate | Contrast) -> str:
    """The interval, "0.70 to 0.76", or why there is none."""
    if result.low is None or result.high is None:
        return f"undefined, {alike_text(result) or units(result)}"
    signed = isinstance(result, Contrast)
    decimals = _decimals((result.high - result.low) / 2, result.low)
    return f"{number(result.low, decimals, signed)} to {number(result.high, decimals, signed)}"


def alike_text(result: Estimate | Contrast) -> str:
    """How many runs have one value, where nearly all have: "23 of 24 runs at 1.00"; empty elsewhere."""
    if not result.alike or result.common is None:
        return ""
    common = number(result.common, _decimals(0, result.common), isinstance(result, Contrast))
    return f"{result.alike:,} of {units(result)} at {common}"


def sentence(result: Estimate | Contrast, unit: str = "share", chance: float | None = None, test: str = "") -> str:
    """A number with its n, unit and method: "0.50 ± 0.03 (95% CI, 24 runs, paired; chance 0.50)".

    A share is not followed by its unit. `test` is what `examples_text` says of its test examples.
    """
    if result.mean is None:
        return f"{UNMEASURED} ({runs(result.n)})"
    shown = mean_text(result) if unit == "share" else f"{mean_text(result)} {plain(unit)}"
    how = "interval undefined" if result.low is None else f"{level_text(result)} CI"
    how += f", {alike_text(result) or units(result)}{', paired' if isinstance(result, Contrast) else ''}"
    if isinstance(result, Contrast) and result.p is not None:
        how += f"; p = {p_text(result.p)}, effect size {effect_text(result.effect_size)}"
    return "; ".join(part for part in (f"{shown} ({how}", chance_part(chance), test) if part) + ")"


def chance_part(chance: float | None) -> str:
    """What is said of chance, if there is such a level."""
    return "" if chance is None else f"chance {chance_text(chance)}"


def examples_text(row: ArmEstimate) -> str:
    """What the number of test examples leaves open about a share: "test error ± 0.02, 397 examples"; or nothing."""
    if row.test_error is None or row.examples is None:
        return ""
    return f"test error ± {number(row.test_error, _decimals(row.test_error, 0))}, {row.examples:,} examples"


def level_text(result: Estimate | Contrast) -> str:
    """The confidence level, as the method names it.

    >>> level_text(Estimate(0.5, 0.1, 0.3, 0.7, 24, "95%, sign flips and skewness"))
    '95%'
    """
    return result.method.split()[0].removesuffix(",")


def chance_text(chance: float) -> str:
    """A chance level with two decimals, or more where two would change it.

    >>> chance_text(0.5), chance_text(0.125)
    ('0.50', '0.125')
    """
    return f"{chance:.2f}" if chance == round(chance, 2) else f"{chance:.3g}"


def p_text(p: float | None) -> str:
    """A p-value with two figures, or that there is none."""
    return "undefined" if p is None else f"{p:.2g}"


def effect_text(effect: float | None) -> str:
    """An effect size in standard deviations of the paired difference, or that there is none."""
    return "undefined" if effect is None else f"{effect:+.2f}"


def contrast_text(treatment: contrast.Side, control: contrast.Side) -> str:
    """What is subtracted from what, fit for a page.

    >>> contrast_text("a", "b")
    'a - b'
    """
    return plain(contrast.contrast_text(treatment, control))


def contrast_label(treatment: contrast.Side, control: contrast.Side, study: Study, names: Mapping[str, str]) -> str:
    """What is subtracted from what, by what the arms are called: "Student of the same init \u2212 its control"."""
    controls = {arm.name: arm.control for arm in study.arms}

    def difference(arm: str, minus: str) -> str:
        return f"{names[arm]} \u2212 {'its control' if controls[arm] == minus else names[minus]}"

    if isinstance(treatment, str) and isinstance(control, str):
        return capital(plain(difference(treatment, control)))
    sides = (
        names[side] if isinstance(side, str) else f"({difference(side.arm, side.minus)})"
        for side in (treatment, control)
    )
    return capital(plain(" \u2212 ".join(sides)))


def expectation(claim: Claim, finding: Finding | None = None) -> str:
    """What the claim says must come out; with its finding, what delta came to."""
    delta = delta_text(claim, finding)
    if claim.kind == "positive":
        return f"is above zero; differences within {delta} count as none"
    return f"is zero within {delta}"


def delta_text(claim: Claim, finding: Finding | None = None) -> str:
    """The smallest difference that matters: a number, or the share of what, and what that came to."""
    if claim.of is None:
        return f"{claim.delta:g}"
    came = "" if finding is None or finding.delta is None else f", here {finding.delta:.3g}"
    return f"{100 * claim.delta:.3g}% of {plain(contrast.side_text(claim.of))}{came}"


def looks_text(earlier: Sequence[int]) -> str:
    """What is said of earlier looks at the same records; empty where there were none."""
    if not earlier:
        return ""
    at = ", ".join(f"{n:,}" for n in earlier)
    return (
        f"This is look {len(earlier) + 1} at growing records; the verdict was seen before, at {at} runs. Each look has "
        "a part of the 5% for errors, and intervals are the wider for it."
    )


def seeds_text(seeds: Iterable[int]) -> str:
    """Seeds in ascending order, with neighbours as ranges.

    >>> seeds_text([0, 1, 2, 11, 23])
    '0 to 2, 11, 23'
    """
    ranges: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1].append(seed)
        else:
            ranges.append([seed])
    return ", ".join(f"{some[0]} to {some[-1]}" if len(some) > 2 else ", ".join(map(str, some)) for some in ranges)


def _decimals(half: float, mean: float) -> int:
    """Enough decimals for one figure of the half-width, 2 as a rule; without one, 3 where 2 would change the mean."""
    if half <= 0:
        return 2 if math.isclose(mean, round(mean, 2), abs_tol=1e-9) else 3
    return min(max(2, math.ceil(-math.log10(half))), MOST_DECIMALS)
