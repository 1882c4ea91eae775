"""Plain text about a study before it is run: what it asks, and how many runs its claims need. No torch."""

from collections.abc import Iterable, Sequence
from textwrap import fill

import numpy as np

from sublearn.columns import Columns
from sublearn.config import dotted
from sublearn.errors import plain
from sublearn.records import Record
from sublearn.report.grid import grid
from sublearn.report.wording import called, capital, delta_text, expectation, says_more
from sublearn.stats import (
    MOST_RUNS,
    Family,
    Needed,
    needed_for_effect,
    needed_for_equivalence,
    runs_for_effect,
)
from sublearn.study.analysis import delta_of, family_of, in_units, paired
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import contrast_text
from sublearn.study.verdicts import units_of

MOST = 500
"""Letters of a setting's value."""
WIDTH = 110
POWERS = (0.8, 0.9)
MIN_PILOT = 3
EFFECTS = (0.2, 0.5, 0.8, 1.2, 2.0)


def study_text(study: Study) -> str:
    """A study resolved: question, arms with their controls, traits, claims and settings by dotted key."""
    lines = [f"{study.name}  ({study.id})", study.title, "", fill(study.question, 100), "", "Arms"]
    lines += grid(((arm.name, _label(arm, study) + arm.about + _control(arm)) for arm in study.arms), width=WIDTH)
    lines += ["", "Traits"]
    lines += grid(((trait.name, trait.about + _unit(trait)) for trait in study.traits), width=WIDTH)
    lines += ["", "Claims"]
    lines += grid(((f"{number}.", claim_text(claim)) for number, claim in enumerate(study.claims, 1)), width=WIDTH)
    lines += ["", "Settings (--set key=value)"]
    lines += grid((key, plain(value, MOST)) for key, value in dotted(study.settings).items())
    return "\n".join(lines)


def claim_text(claim: Claim) -> str:
    """The claim, with what exactly is compared, and why its delta is small enough."""
    sides = contrast_text(claim.treatment, claim.control)
    why = f"; {claim.reason.strip().removesuffix('.')}" if claim.reason else ""
    return f"{claim.claim}. [{claim.trait}: {sides} {expectation(claim)}{why}]"


def power_table(
    study: Study, records: Iterable[Record] = (), effect: float | None = None, earlier: Sequence[int] = ()
) -> str:
    """Runs needed for each claim at 80% and 90% power: from the records of a pilot, or for a given effect size.

    The effect is the mean paired difference in standard deviations of the difference. Without a pilot and without an
    effect, a table over common effects. They are those of the next look, if there were `earlier` ones.
    """
    rows = Columns.of(records)
    family = family_of(study, len(earlier) + 1)
    if effect is None and rows.measured:
        return "\n".join(_from_pilot(study, claim, rows, family) for claim in study.claims)
    lines = [
        f"{capital(units_of(study.seeds_a_unit))} needed by the interval that decides "
        f"({family.text}; no verdict with fewer than {family.least_runs}):",
        *_effects((effect,) if effect is not None else EFFECTS, family),
        *(f"Claim: {claim_text(claim)}" for claim in study.claims),
    ]
    return "\n".join(lines)


def _effects(effects: Sequence[float], family: Family) -> list[str]:
    """The runs that show an effect of each size, a line each."""
    table = [(size, *(runs_for_effect(abs(size), family, target) for target in POWERS)) for size in effects]
    cells = [(f"{size:g}", *map(_shown, needed)) for size, *needed in table]
    return grid(cells, ("effect (sd)", *(f"{target:.0%} power" for target in POWERS)), numeric=(0, 1, 2))


def _from_pilot(study: Study, claim: Claim, rows: Columns, family: Family) -> str:
    head = fill(claim_text(claim), WIDTH)
    pilot = in_units(study, paired(rows.measured, claim.treatment, claim.control, claim.trait))
    n, what = len(pilot), units_of(study.seeds_a_unit)
    if n < MIN_PILOT:
        return f"{head}\n  The pilot has {n} paired {what}; at least {MIN_PILOT} are needed."
    mean, sd = float(pilot.mean()), float(np.std(pilot, ddof=1))
    seen = f"  Pilot: {n} {what}, mean difference {mean:+.3f}, standard deviation {sd:.3f}."
    if sd <= 1e-12 * max(1.0, abs(mean)):
        return f"{head}\n{seen}\n  Its differences are all equal; nothing can be told from it."
    lines = [head, seen]
    if claim.kind == "positive":
        needed = [needed_for_effect(mean, sd, n, family, target) for target in POWERS]
        lines.append(f"  An effect as in the pilot ({mean / sd:+.2g} sd): {_at_both(needed, what)}")
    delta = delta_of(study, claim, rows.measured).value
    if delta is None:
        lines.append(f"  Within {delta_text(claim)}: that is not clearly there in the pilot.")
    else:
        needed = [needed_for_equivalence(delta, sd, n, family, target) for target in POWERS]
        lines.append(f"  Within {delta:.3g} of zero, if there is no effect: {_at_both(needed, what)}")
    return "\n".join(lines)


def _at_both(needed: Sequence[Needed], what: str) -> str:
    return "; ".join(f"{one} {what} for {target:.0%} power" for one, target in zip(needed, POWERS, strict=True)) + "."


def _shown(runs: int | None) -> str:
    return f"> {MOST_RUNS:,}" if runs is None else f"{runs:,}"


def _label(arm: Arm, study: Study) -> str:
    """What it is called, where that is not its name."""
    label = called(study)[arm.name]
    return f"{label}. " if says_more(label, arm.name) else ""


def _control(arm: Arm) -> str:
    return f" Control: {arm.control}." if arm.control else " A control itself."


def _unit(trait: Trait) -> str:
    return f" Unit: {trait.unit}." + ("" if trait.chance is None else f" Chance: {trait.chance:g}.")
