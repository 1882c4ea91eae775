"""What happened, in one plain sentence: in how many runs each claim's difference came out above zero. No statistic."""

from collections.abc import Iterable, Mapping

import numpy as np

from sublearn.errors import plain
from sublearn.records import Record
from sublearn.report.wording import runs
from sublearn.study.analysis import Analysis, differences, values_of
from sublearn.study.base import Arm, Claim, Study
from sublearn.study.contrast import Difference, Side, side_text

MOST = 4
"""More claims than this are not told of."""
STUDENTS = {"same": "the student of the same {}", "cross": "the student of another {}"}
"""A student's name by what it shares with its teacher, or not: the init, and of language models the whole base."""


def outcome(analysis: Analysis, records: Iterable[Record]) -> str:
    """One sentence on a study's claims, as "In 23 of 24 runs the student of the same init scored higher ..."; or none.

    Counted are the runs in which all arms of a claim were measured.
    """
    study, values = analysis.study, values_of(records)
    names, said, before = _names(study), list[str](), ""
    for claim in study.claims[:MOST]:
        found = differences(values, claim.treatment, claim.control, claim.trait)
        if not len(found):
            continue
        who, did = _words(claim, study, names)
        above, equal = int(np.sum(found > 0)), int(np.sum(found == 0))
        counted = f"{above:,} of {len(found):,}" if said else f"{above:,} of {runs(len(found))}"
        counted += f" ({equal:,} equal)" if equal else ""
        said.append(f"in {counted} {who} {'did' if did == before else did}")
        before = did
    more = len(study.claims) - MOST
    end = f"; {more} more claims are below" if said and more > 0 else ""
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}{end}." if text else ""


def _names(study: Study) -> Mapping[str, str]:
    """What the arms of the claims are called: a student by its init or base, if none of the others shares it."""
    arms = {arm.name: arm for arm in study.arms}
    leading = dict.fromkeys(_first(side) for claim in study.claims for side in (claim.treatment, claim.control))
    students = [arms[name] for name in leading if _is_taught(arms[name])]
    inits = [arm.init for arm in students]
    alone = {arm.name: _student(arm) for arm in students if inits.count(arm.init) == 1}
    return {name: alone.get(name, plain(name)) for name in arms}


def _student(arm: Arm) -> str:
    return STUDENTS[arm.init].format("base" if arm.logits == "text" else "init")


def _is_taught(arm: Arm) -> bool:
    return arm.teacher == "trained" and arm.logits != "none"


def _first(side: Side) -> str:
    return side.arm if isinstance(side, Difference) else side


def _words(claim: Claim, study: Study, names: Mapping[str, str]) -> tuple[str, str]:
    """Who a claim is about, and what it did where the difference is above zero."""
    arms, trait = {arm.name: arm for arm in study.arms}, plain(claim.trait)
    controls = {arm.name: arm.control for arm in study.arms}
    sides = (claim.treatment, claim.control)
    mine, other = map(_first, sides)
    if not any(isinstance(side, Difference) for side in sides):
        control = controls[mine] == other and arms[other].teacher != "trained"
        against = "its control" if control else names[other]
        return names[mine], f"scored higher than {against} on {trait}"
    if all(isinstance(side, Difference) and controls[side.arm] == side.minus for side in sides):
        return names[mine], f"was further above its control on {trait} than {names[other]}"
    return plain(side_text(sides[0])), f"exceeded {plain(side_text(sides[1]))} on {trait}"
