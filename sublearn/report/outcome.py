"""What happened, run by run: in how many runs one arm had more of a trait than another. Counts, and no statistic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sublearn.errors import plain
from sublearn.records import Record
from sublearn.report.wording import runs
from sublearn.study.analysis import Analysis, differences, values_of
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import Difference, Side, contrast_text
from sublearn.study.labels import bare_label, is_student, labels

MOST = 4
"""More kinds of pairs than this are not told of."""


@dataclass(frozen=True)
class Pair:
    """Two arms that are compared run by run on a trait: who had more of it, than whom, and in which group of arms."""

    who: str
    nobody: str
    did: str
    colour: str
    group: str
    trait: Trait
    differences: NDArray[np.float64]

    @property
    def above(self) -> int:
        """The runs in which the difference is above zero."""
        return int(np.sum(self.differences > 0))

    @property
    def equal(self) -> int:
        """The runs in which there is none."""
        return int(np.sum(self.differences == 0))

    @property
    def notes(self) -> list[str]:
        """What is said beside the count: how many are equal, and of which group."""
        return [f"{self.equal:,} equal"] * bool(self.equal) + [self.group] * bool(self.group)

    def counted(self, first: bool = True) -> str:
        """In how many runs, as in "23 of 24 runs"; after the first time runs are not named again."""
        n, above = len(self.differences), self.above
        of_all = runs(n) if first else f"{n:,}"
        if n == above > 0:
            return "the one run" if n == 1 else "both runs" if n == 2 else f"all {of_all}"
        return f"{f'{above:,}' if above else 'none'} of {of_all}"


def outcome(analysis: Analysis, records: Iterable[Record]) -> str:
    """One sentence, as "In 23 of 24 runs the student of the same init scored higher ..."; never empty.

    Counted are the runs in which both arms of a pair were measured.
    """
    return told(analysis, pairs_of(analysis, records))


def told(analysis: Analysis, pairs: Sequence[Pair]) -> str:
    """The sentence on these pairs."""
    if not analysis.seeds:
        return "There are no runs yet."
    if not pairs:
        count = len(analysis.study.arms)
        return (
            f"{runs(len(analysis.seeds)).capitalize()} of {count:,} arm{'' if count == 1 else 's'}; none is compared."
        )
    kinds = _alike(pairs)
    said, before = list[str](), None
    for alike in kinds[:MOST]:
        said.append(_clause(alike, before))
        before = alike[0]
    more = len(kinds) - MOST
    text = "; ".join(said)
    if more > 0:
        text += f"; {more} more comparison{' is' if more == 1 else 's are'} below"
    return f"{text[:1].upper()}{text[1:]}."


def told_of(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that the sentence tells, in its order."""
    return [pair for alike in _alike(pairs)[:MOST] for pair in alike]


def _alike(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs of whom the same is said stand together."""
    kinds: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        kinds.setdefault((pair.who, pair.did), []).append(pair)
    return list(kinds.values())


def pairs_of(analysis: Analysis, records: Iterable[Record]) -> list[Pair]:
    """The pairs of arms that a study's claims are about, on the trait that is told of first.

    Without claims they are the students with their controls, on the study's first trait; without students, all arms
    that have a control.
    """
    study, values = analysis.study, values_of(records)
    if not analysis.seeds:
        return []
    trait = chosen_trait(study)
    compared = dict.fromkeys(pair for claim in study.claims for pair in _compared(claim)) or _controlled(study)
    # Against its own control before against another student: what is controlled is said first.
    own = {(arm.name, arm.control) for arm in study.arms}
    ordered = sorted(compared, key=lambda pair: pair not in own or _taught(study, pair[1]))
    return [
        _pair(study, treatment, control, trait, differences(values, treatment, control, trait.name))
        for treatment, control in ordered
    ]


def chosen_trait(study: Study) -> Trait:
    """The trait that is told of first: the first claimed one that is a share, or else the first claimed one."""
    traits = {trait.name: trait for trait in study.traits}
    claimed = [traits[claim.trait] for claim in study.claims] or list(study.traits)
    return next((trait for trait in claimed if trait.unit == "share"), claimed[0])


def _compared(claim: Claim) -> list[tuple[Side, Side]]:
    """The arms that a claim compares: of a difference of differences, those of each."""
    sides = (claim.treatment, claim.control)
    if all(isinstance(side, Difference) for side in sides):
        return [(side.arm, side.minus) for side in sides if isinstance(side, Difference)]
    return [sides]


def _controlled(study: Study) -> Sequence[tuple[Side, Side]]:
    with_control = [arm for arm in study.arms if arm.control]
    chosen = [arm for arm in with_control if is_student(arm) and arm.teacher == "trained"] or with_control
    return [(arm.name, arm.control) for arm in chosen if arm.control]


def _taught(study: Study, side: Side) -> bool:
    return any(arm.name == side and arm.teacher == "trained" for arm in study.arms)


def _pair(study: Study, treatment: Side, control: Side, trait: Trait, found: NDArray[np.float64]) -> Pair:
    arms, names = {arm.name: arm for arm in study.arms}, labels(study)
    if isinstance(treatment, Difference) or isinstance(control, Difference):
        text = plain(contrast_text(treatment, control))
        did = f"was above zero on {plain(trait.name)}"
        return Pair(f"the difference {text}", f"no difference {text}", did, "same", "", trait, found)
    mine, other = arms[treatment], arms[control]
    alone = mine.group and mine.group == other.group
    called = bare_label if alone else lambda arm: names[arm.name]
    who, nobody = _named(mine, called(mine))
    own = mine.control == control and other.teacher != "trained"
    did = trait.more or f"scored higher on {trait.name}"
    than = "its control" if own else _named(other, called(other))[0]
    group = mine.group if alone else ""
    return Pair(who, nobody, plain(f"{did} than {than}"), mine.init, plain(group), trait, found)


def _named(arm: Arm, label: str) -> tuple[str, str]:
    """Who did something, and who did not."""
    if label not in (arm.name, arm.name.replace("_", " ")):
        return plain(f"the {label}"), plain(f"no {label}")
    return plain(f"the arm {arm.name}"), plain(f"no run of the arm {arm.name}")


def _clause(alike: Sequence[Pair], before: Pair | None) -> str:
    """What is said of one pair, or of the same pair in several groups of arms; `before` is what was told last."""
    first, later = alike[0], before is not None
    did = "did" if before and first.did == before.did else first.did
    if len(alike) > 1:
        return f"{first.who} {did} {_by_group(alike)}"
    n = len(first.differences)
    if not n:
        return f"{first.who} cannot be counted, for no run has both values"
    if first.above:
        return f"in {first.counted(not later)}{_brackets(first.notes)} {first.who} {did}"
    known = before is not None and len(before.differences) == n
    among = "" if known else " in the one run" if n == 1 else f" in any of {runs(n)}"
    return f"{first.nobody} {did}{among}{_brackets(first.notes)}"


def _by_group(alike: Sequence[Pair]) -> str:
    """In how many runs of each group; what most groups have in common is said once, last."""
    sets: dict[tuple[int, int, int], list[Pair]] = {}
    for pair in alike:
        sets.setdefault((len(pair.differences), pair.above, pair.equal), []).append(pair)
    most = max(sets.values(), key=len)
    said = list[str]()
    for some in sorted(sets.values(), key=lambda own: own is most and len(own) > 1):
        equal = [f"{some[0].equal:,} equal"] * bool(some[0].equal)
        common = some is most and len(some) > 1
        where = ["in each of the others" if said else "in each"] if common else [pair.group for pair in some]
        said.append(f"in {some[0].counted(not said)}{_brackets([*equal, *where])}")
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _brackets(notes: Sequence[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
