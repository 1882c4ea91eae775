"""Plain text about a study before it is run: what it asks, and how many runs its claims need. No torch."""

from collections.abc import Iterable, Sequence
from textwrap import fill

import numpy as np

from sublearn import stats
from sublearn.config import dotted
from sublearn.errors import plain
from sublearn.records import Record
from sublearn.report.grid import grid
from sublearn.study.analysis import MOST_RUNS, Values, differences, values_of
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import contrast_text

MOST = 500
"""Letters of a setting's value."""
WIDTH = 110
EFFECTS = (0.2, 0.5, 0.8, 1.2, 2.0)


def study_text(study: Study) -> str:
    """A study resolved: question, arms with their controls, traits, claims and settings by dotted key."""
    lines = [f"{study.name}  ({study.id})", study.title, "", fill(study.question, 100), "", "Arms"]
    lines += grid(((arm.name, arm.about + _control(arm)) for arm in study.arms), width=WIDTH)
    lines += ["", "Traits"]
    lines += grid(((trait.name, trait.about + _unit(trait)) for trait in study.traits), width=WIDTH)
    lines += ["", "Claims"]
    lines += grid(((f"{number}.", claim_text(claim)) for number, claim in enumerate(study.claims, 1)), width=WIDTH)
    lines += ["", "Settings (--set key=value)"]
    lines += grid((key, plain(value, MOST)) for key, value in dotted(study.settings).items())
    return "\n".join(lines)


def claim_text(claim: Claim) -> str:
    """The claim, with what exactly is compared."""
    sides = contrast_text(claim.treatment, claim.control)
    kind = "is above zero" if claim.kind == "positive" else "is equivalent to zero"
    return f"{claim.claim}. [{claim.trait}: {sides} {kind}; differences within {claim.delta:g} count as none]"


def power_table(study: Study, records: Iterable[Record], effect: float | None) -> str:
    """Runs needed for each claim at 80% and 90% power: from the records of a pilot, or for a given effect size.

    The effect is the mean paired difference in standard deviations of the difference. Without a pilot and without an
    effect, a table over common effects.
    """
    values = values_of(records)
    if effect is None and values:
        return "\n".join(_from_pilot(claim, values, len(study.claims)) for claim in study.claims)
    claims = f"{len(study.claims)} claim{'' if len(study.claims) == 1 else 's'}"
    least = stats.least_runs(max(1, len(study.claims)))
    effects = (effect,) if effect is not None else EFFECTS
    lines = [f"Runs needed by a two-sided 5% paired test (with {claims}, sign-flips need {least} or more):"]
    table = [(size, *(_runs(size, target, least) for target in (0.8, 0.9))) for size in effects]
    cells = [(f"{size:g}", _shown(some), _shown(more)) for size, some, more in table]
    lines += grid(cells, ("effect (sd)", "80% power", "90% power"), numeric=(0, 1, 2))
    if any(needed is None for row in table for needed in row):
        lines += [f"  {_shown(None)} runs: too small an effect to show"]
    lines += [f"Claim: {claim_text(claim)}" for claim in study.claims]
    return "\n".join(lines)


def _from_pilot(claim: Claim, values: Values, family: int) -> str:
    pilot = differences(values, claim.treatment, claim.control, claim.trait)
    head = fill(claim_text(claim), WIDTH)
    if len(pilot) < 2:
        return f"{head}\n  The pilot has {len(pilot)} paired runs; at least 2 are needed."
    sd = float(np.std(pilot, ddof=1))
    seen = f"  Pilot: {len(pilot)} runs, mean difference {pilot.mean():+.3f}, standard deviation {sd:.3f}."
    equivalence = [stats.runs_needed_for_equivalence(sd, claim.delta, target, most=MOST_RUNS) for target in (0.8, 0.9)]
    lines = [head, seen]
    if claim.kind == "positive":
        size = stats.hedges_g(pilot)
        if size is None:
            flaw = "has only 2 runs" if len(pilot) == 2 else "has differences that are all equal"
            return "\n".join([*lines, f"  The pilot {flaw}; it gives no effect size."])
        needed = [_runs(size, target, stats.least_runs(family)) for target in (0.8, 0.9)]
        lines += [f"  Effect as large as in the pilot ({size:+.3g} sd): {_at_both(needed, 'too small an effect')}"]
    lines += [f"  Equivalence within {claim.delta:g}, if there is no effect: {_at_both(equivalence, 'too narrow')}"]
    return "\n".join(lines)


def _runs(effect: float, target: float, least: int) -> int | None:
    """The runs needed, by the t-test's power and by what sign-flips can find at all; None for too many."""
    needed = stats.runs_needed(effect, target, most=MOST_RUNS)
    return None if needed is None else max(needed, least)


def _at_both(needed: Sequence[int | None], flaw: str) -> str:
    if needed[0] is None:
        return f"more than {MOST_RUNS:,} runs: {flaw} to show."
    return f"{_shown(needed[0])} runs at 80% power, {_shown(needed[1])} at 90%."


def _shown(runs: int | None) -> str:
    return f"> {MOST_RUNS:,}" if runs is None else f"{runs:,}"


def _control(arm: Arm) -> str:
    return f" Control: {arm.control}." if arm.control else " A control itself."


def _unit(trait: Trait) -> str:
    return f" Unit: {trait.unit}." + ("" if trait.chance is None else f" Chance: {trait.chance:g}.")
