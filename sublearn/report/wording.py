"""How a number, a count and a list of seeds are said. Knows estimates and contrasts; no table, no page, no torch."""

import math
from collections.abc import Iterable

from sublearn.errors import plain
from sublearn.stats import Contrast, Estimate
from sublearn.study import contrast
from sublearn.study.base import Claim, Verdict

UNMEASURED = "unmeasured"
MOST_DECIMALS = 6
LEADS: dict[Verdict, str] = {
    "supported": "The runs support this",
    "refuted": "The runs speak against this",
    "inconclusive": "The runs cannot tell",
}


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


def mean_text(result: Estimate | Contrast) -> str:
    """Mean and half-width of the interval, "0.73 ± 0.03"; the mean alone without an interval; or "unmeasured"."""
    signed = isinstance(result, Contrast)
    if result.mean is None:
        return UNMEASURED
    if result.low is None or result.high is None:
        return number(result.mean, _decimals(0, result.mean), signed)
    half = (result.high - result.low) / 2
    decimals = _decimals(half, result.mean)
    return f"{number(result.mean, decimals, signed)} ± {number(half, decimals)}"


def interval_text(result: Estimate | Contrast) -> str:
    """The interval, "0.70 to 0.76", or why there is none."""
    if result.low is None or result.high is None:
        return f"undefined, {runs(result.n)}"
    signed = isinstance(result, Contrast)
    decimals = _decimals((result.high - result.low) / 2, result.low)
    return f"{number(result.low, decimals, signed)} to {number(result.high, decimals, signed)}"


def sentence(result: Estimate | Contrast, unit: str = "share", chance: float | None = None) -> str:
    """A number with its n, unit and method: "0.50 ± 0.03 (95% CI, 24 runs, paired; chance 0.50)".

    A share is not followed by its unit.
    """
    if result.mean is None:
        return f"{UNMEASURED} ({runs(result.n)})"
    shown = mean_text(result) if unit == "share" else f"{mean_text(result)} {plain(unit)}"
    if result.low is None:
        how = f"interval undefined, {runs(result.n)}"
    else:
        how = f"{level_text(result)} CI, {runs(result.n)}"
    how += ", paired" if isinstance(result, Contrast) else ""
    if isinstance(result, Contrast) and result.p is not None:
        how += f"; p = {p_text(result.p)}, effect size {effect_text(result.effect_size)}"
    return f"{shown} ({how}{'' if chance is None else f'; chance {chance_text(chance)}'})"


def level_text(result: Estimate | Contrast) -> str:
    """The confidence level, as the method names it.

    >>> level_text(Estimate(0.5, 0.1, 0.3, 0.7, 24, "95% t-interval"))
    '95%'
    """
    return result.method.split()[0]


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


def expectation(claim: Claim) -> str:
    """What the claim says must come out."""
    if claim.kind == "positive":
        return f"is above zero; differences within {claim.delta:g} count as none"
    return f"is zero within {claim.delta:g}"


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
