"""From records to estimates, paired contrasts and a verdict for each claim. Pure, torch-free; writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sublearn import stats
from sublearn.columns import Column, Columns
from sublearn.records import Record
from sublearn.stats import Family
from sublearn.study.base import Claim, Study
from sublearn.study.contrast import Side, side_text, terms
from sublearn.study.verdicts import Delta, Finding, Lost, judge
from sublearn.traits.trait import Trait

Values = Mapping[tuple[str, str], Column]
"""(arm, trait) to the seeds and their values, measured ones only."""
NO_SEEDS = np.array([], dtype=np.int64)
NOTHING = Column(NO_SEEDS, np.array([], dtype=np.float64))
Question = tuple[Side, Side, str]
"""Treatment, control and trait."""
Signs = list[tuple[str, int]]
Contrasts = dict[Question, stats.Contrast]
Pairs = Mapping[Question, Column]
"""The paired differences that answer each question of a study."""
Deltas = Mapping[tuple[object, ...], Delta]
"""By what they hang on."""


@dataclass(frozen=True)
class ArmEstimate:
    """The estimate of one trait in one arm."""

    arm: str
    trait: str
    estimate: stats.Estimate
    examples: int | None = None
    """How many test examples a share was counted over, where that is the same in every run."""
    test_error: float | None = None
    """Half the width of the 95% interval that these many examples leave to one run's share, whatever the runs do."""


@dataclass(frozen=True)
class PairedContrast:
    """The contrast of two arms, or of two differences of arms, on one trait."""

    treatment: Side
    control: Side
    trait: str
    contrast: stats.Contrast


@dataclass(frozen=True)
class Analysis:
    """Everything that a report says of a study's records."""

    study: Study
    seeds: tuple[int, ...]
    estimates: tuple[ArmEstimate, ...]
    contrasts: tuple[PairedContrast, ...]
    findings: tuple[Finding, ...]
    unmeasured: tuple[Record, ...]
    family: Family
    earlier: tuple[int, ...] = ()
    """The numbers of runs at the earlier looks."""
    awaited: int = 0
    """Below this number of runs there is no verdict yet."""

    @property
    def is_look(self) -> bool:
        """Whether its verdicts are there to be seen, and do not wait for more runs."""
        return 0 < len(self.seeds) >= self.awaited

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of runs at every look so far that could have ended in a verdict."""
        decides = self.is_look and units_of(self.study, self.seeds) >= self.family.least_runs
        return (*self.earlier, len(self.seeds)) if decides else self.earlier

    def to_dict(self) -> dict[str, Any]:
        """The content of estimates.json."""
        return {
            "study": self.study.name,
            "id": self.study.id,
            "seeds": list(self.seeds),
            "looks": list(self.looks),
            "cells": self.family.cells,
            "estimates": [
                {
                    "arm": row.arm,
                    "trait": row.trait,
                    **vars(row.estimate),
                    "examples": row.examples,
                    "test_error": row.test_error,
                }
                for row in self.estimates
            ],
            "contrasts": [
                {
                    "treatment": side_text(row.treatment),
                    "control": side_text(row.control),
                    "trait": row.trait,
                    **vars(row.contrast),
                }
                for row in self.contrasts
            ],
            "claims": [dict(vars(finding)) for finding in self.findings],
        }


@dataclass(frozen=True)
class Evidence:
    """The records of a study that are to be analysed, and how they are looked at, as `analyse` takes it."""

    study: Study
    rows: Columns
    earlier: tuple[int, ...] = ()
    cells: int = 1
    awaited: int = 0

    @property
    def family(self) -> Family:
        """What its intervals hold for together."""
        return family_of(self.study, len(self.earlier) + 1, self.cells)


def analyse(
    study: Study, records: Iterable[Record], earlier: Sequence[int] = (), cells: int = 1, awaited: int = 0
) -> Analysis:
    """Estimate every arm and trait, contrast every arm with its control, and judge every claim.

    `earlier` are the numbers of runs at each earlier look at these records that could have ended in a verdict, and
    `cells` how many studies of a sweep are looked at together: the intervals hold for all of them. As long as fewer
    runs are there than `awaited` there is no verdict.
    """
    return analyse_all([Evidence(study, Columns.of(records), tuple(earlier), cells, awaited)])[0]


def analyse_all(several: Sequence[Evidence]) -> list[Analysis]:
    """What `analyse` gives of each. Those of one family are computed together, which saves many calls for little."""
    alike: dict[tuple[Family, int], list[int]] = {}
    for place, one in enumerate(several):
        alike.setdefault((one.family, one.study.seeds_a_unit), []).append(place)
    found: dict[int, Analysis] = {}
    for (family, each), places in alike.items():
        found |= zip(places, _of_family([several[place] for place in places], family, each), strict=True)
    return [found[place] for place in range(len(several))]


def _of_family(several: Sequence[Evidence], family: Family, each: int) -> Iterator[Analysis]:
    pairs = [{question: paired(one.rows.measured, *question) for question in _questions(one.study)} for one in several]
    contrasts = _contrasts(several, pairs, family, each)
    estimates = _estimates(several, each)
    deltas = _deltas(several)
    for one, own, of_own, rows, known in zip(several, pairs, contrasts, estimates, deltas, strict=True):
        yield _analysis(one, own, of_own, rows, known)


def _analysis(
    one: Evidence, pairs: Pairs, contrasts: Contrasts, rows: Sequence[ArmEstimate], deltas: Deltas
) -> Analysis:
    study, family, seeds = one.study, one.family, tuple(np.unique(one.rows.seed).tolist())
    units = {trait.name: trait.unit for trait in study.traits}
    findings = []
    for claim in study.claims:
        asked = claim.treatment, claim.control, claim.trait
        lost = _lost(asked, one.rows, pairs[asked], units[claim.trait] == "share")
        findings.append(judge(claim, contrasts[asked], deltas[_measure(claim)], lost, family))
    if len(seeds) < one.awaited:
        findings = [_not_yet(finding, len(seeds), one.awaited) for finding in findings]
    return Analysis(
        study,
        seeds,
        tuple(rows),
        tuple(PairedContrast(*question, contrast) for question, contrast in contrasts.items()),
        tuple(findings),
        tuple(one.rows.take(np.isnan(one.rows.value))),
        family,
        one.earlier,
        one.awaited,
    )


def family_of(study: Study, look: int = 1, cells: int = 1) -> Family:
    """What the intervals of a study hold for together."""
    return Family(max(1, len(study.claims)), cells, look)


def units_of(study: Study, seeds: Iterable[int]) -> int:
    """How many independent units these seeds are."""
    return len({seed // study.seeds_a_unit for seed in seeds})


def differences(values: Values, treatment: Side, control: Side, trait: str) -> NDArray[np.float64]:
    """Treatment minus control for each seed at which every arm of both was measured, shape "run"."""
    return paired(values, treatment, control, trait).values


def paired(values: Values, treatment: Side, control: Side, trait: str) -> Column:
    """The same with the seeds."""
    columns = [(sign, column(values, arm, trait)) for arm, sign in _signs(treatment, control)]
    common = reduce(_common, (own.seeds for _, own in columns))
    return Column(common, np.sum([sign * _at(own, common) for sign, own in columns], axis=0))


def values_of(records: Iterable[Record]) -> Values:
    """The measured values by arm and trait, in ascending order of their seeds."""
    return Columns.of(records).measured


def column(values: Values, arm: str, trait: str) -> Column:
    """The measured values of an arm and trait, which may be none."""
    return values.get((arm, trait), NOTHING)


def _signs(treatment: Side, control: Side) -> Signs:
    """The arms of a contrast, each with the sign that it counts with."""
    return [*terms(treatment), *((arm, -sign) for arm, sign in terms(control))]


def _common(seeds: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    return seeds if np.array_equal(seeds, others) else np.intersect1d(seeds, others)


def _at(own: Column, seeds: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values at some of the column's seeds."""
    return own.values if len(own.seeds) == len(seeds) else own.values[np.searchsorted(own.seeds, seeds)]


def _estimates(several: Sequence[Evidence], each: int) -> Iterator[list[ArmEstimate]]:
    names = [[(arm.name, trait) for trait in one.study.traits for arm in one.study.arms] for one in several]
    asked = [(one, arm, trait) for one, own in zip(several, names, strict=True) for arm, trait in own]
    found = iter(
        stats.estimates(
            [in_units(one.study, column(one.rows.measured, arm, trait.name)) for one, arm, trait in asked],
            bounds=[stats.SHARE if trait.unit == "share" else None for _, _, trait in asked],
            each=each,
        )
    )
    for one, own in zip(several, names, strict=True):
        yield [_estimate(one.rows, arm, trait, estimate) for (arm, trait), estimate in zip(own, found, strict=False)]


def _estimate(rows: Columns, arm: str, trait: Trait, estimate: stats.Estimate) -> ArmEstimate:
    examples = rows.examples.get((arm, trait.name)) if trait.unit == "share" else None
    error = None if examples is None or estimate.mean is None else stats.test_error(estimate.mean, examples)
    return ArmEstimate(arm, trait.name, estimate, examples, error)


def _contrasts(several: Sequence[Evidence], pairs: Sequence[Pairs], family: Family, each: int) -> Iterator[Contrasts]:
    differences, bounds = [], []
    for one, own in zip(several, pairs, strict=True):
        shares = {trait.name for trait in one.study.traits if trait.unit == "share"}
        differences += [in_units(one.study, pair) for pair in own.values()]
        bounds += [_bounds(question) if question[2] in shares else None for question in own]
    found = iter(stats.contrasts(differences, family, bounds, each))
    for own in pairs:
        yield dict(zip(own, found, strict=False))


def _deltas(several: Sequence[Evidence]) -> Iterator[Deltas]:
    # Claims of one trait mostly share their delta.
    claims = [{_measure(claim): claim for claim in one.study.claims} for one in several]
    asked = [(one, claim) for one, own in zip(several, claims, strict=True) for claim in own.values()]
    shifts = iter(
        stats.contrasts([_shift(one.study, claim, one.rows.measured) for one, claim in asked if claim.of is not None])
    )
    for own in claims:
        yield {key: _delta(claim, next(shifts) if claim.of else None) for key, claim in own.items()}


def _bounds(question: Question) -> tuple[float, float]:
    """Of the difference of shares: each arm that counts positive can be 1 at most, each other one 0 at least."""
    signs = _signs(question[0], question[1])
    return float(-sum(sign < 0 for _, sign in signs)), float(sum(sign > 0 for _, sign in signs))


def _questions(study: Study) -> list[Question]:
    """Each arm against its control on each trait, and each claim's own contrast, no question twice."""
    own = [(arm.name, arm.control, trait.name) for trait in study.traits for arm in study.arms if arm.control]
    return list(dict.fromkeys([*((c.treatment, c.control, c.trait) for c in study.claims), *own]))


def in_units(study: Study, own: Column) -> NDArray[np.float64]:
    """The mean of each unit of seeds that share something; the values themselves where none do."""
    if study.seeds_a_unit == 1:
        return own.values
    _, unit = np.unique(own.seeds // study.seeds_a_unit, return_inverse=True)
    return np.bincount(unit, own.values) / np.bincount(unit)


def _measure(claim: Claim) -> tuple[object, ...]:
    """What a claim's delta hangs on."""
    return claim.of, claim.trait, claim.delta


def delta_of(study: Study, claim: Claim, values: Values) -> Delta:
    """The claim's delta; a share of a shift is known where the shift's own interval leaves out zero."""
    return _delta(claim, None if claim.of is None else stats.contrasts([_shift(study, claim, values)])[0])


def _shift(study: Study, claim: Claim, values: Values) -> NDArray[np.float64]:
    """The differences that a claim's delta is a share of."""
    assert claim.of is not None
    return in_units(study, paired(values, claim.of.arm, claim.of.minus, claim.trait))


def _delta(claim: Claim, shift: stats.Contrast | None) -> Delta:
    if claim.of is None or shift is None:
        return Delta(claim.delta)
    text = f"{100 * claim.delta:.3g}% of {side_text(claim.of)}"
    if shift.mean is None or shift.low is None or shift.high is None or shift.low <= 0 <= shift.high:
        return Delta(None, text)
    return Delta(claim.delta * abs(shift.mean), f"{text}, {shift.mean:+.3g}")


def _lost(asked: Question, rows: Columns, own: Column, share: bool) -> Lost:
    """The runs at which some arm of a question has no value, and the bounds of the mean that they could have led to."""
    signs, trait = _signs(asked[0], asked[1]), asked[2]
    missing = {arm: rows.lost.get((arm, trait), NO_SEEDS) for arm, _ in signs}
    counts = {arm: len(some) for arm, some in missing.items()}
    if not any(counts.values()):
        return Lost(0, len(own.seeds), counts)
    seeds = reduce(np.union1d, missing.values())
    ends = [_at_worst(rows.measured, signs, trait, seeds, own, end) for end in (0, 1)] if share else [None, None]
    return Lost(len(seeds), len(own.seeds) + len(seeds), counts, *ends)


def _at_worst(
    values: Values,
    signs: Signs,
    trait: str,
    seeds: NDArray[np.int64],
    own: Column,
    end: int,
) -> float:
    """The mean difference if every lost share were the worst one (`end` 0) or the best one (1)."""
    total = own.values.sum()
    for arm, sign in signs:
        known = column(values, arm, trait)
        there = np.isin(seeds, known.seeds)
        extreme = end if sign > 0 else 1 - end
        total += sign * (_at(known, seeds[there]).sum() + extreme * np.count_nonzero(~there))
    return float(total / (len(own.seeds) + len(seeds)))


def _not_yet(finding: Finding, runs: int, awaited: int) -> Finding:
    because = f"{runs} of {awaited} runs are there. The verdict is given once, when all of them are."
    return replace(finding, verdict="inconclusive", because=because, holds_from=None, holds_to=None)
