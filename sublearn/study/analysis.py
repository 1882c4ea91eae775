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

Values = Mapping[tuple[str, str], Column]
"""(arm, trait) to the seeds and their values, measured ones only."""
NO_SEEDS = np.array([], dtype=np.int64)
NOTHING = Column(NO_SEEDS, np.array([], dtype=np.float64))
Question = tuple[Side, Side, str]
"""Treatment, control and trait."""
Signs = list[tuple[str, int]]
Contrasts = dict[Question, stats.Contrast]


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


def analyse(
    study: Study, records: Iterable[Record], earlier: Sequence[int] = (), cells: int = 1, awaited: int = 0
) -> Analysis:
    """Estimate every arm and trait, contrast every arm with its control, and judge every claim.

    `earlier` are the numbers of runs at each earlier look at these records that could have ended in a verdict, and
    `cells` how many studies of a sweep are looked at together: the intervals hold for all of them. As long as fewer
    runs are there than `awaited` there is no verdict.
    """
    rows = Columns.of(records)
    family = family_of(study, len(earlier) + 1, cells)
    contrasts = _contrasts(study, rows.measured, family)
    seeds = tuple(np.unique(rows.seed).tolist())
    # Claims of one trait mostly share their delta.
    deltas = {_measure(claim): claim for claim in study.claims}
    known = {key: delta_of(study, claim, rows.measured) for key, claim in deltas.items()}
    findings = [_finding(study, claim, contrasts, rows, family, known[_measure(claim)]) for claim in study.claims]
    if len(seeds) < awaited:
        findings = [_not_yet(finding, len(seeds), awaited) for finding in findings]
    return Analysis(
        study,
        seeds,
        tuple(_estimates(study, rows)),
        tuple(PairedContrast(*question, contrast) for question, contrast in contrasts.items()),
        tuple(findings),
        tuple(rows.take(np.isnan(rows.value))),
        family,
        tuple(earlier),
        awaited,
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


def _estimates(study: Study, rows: Columns) -> Iterator[ArmEstimate]:
    names = [(arm.name, trait) for trait in study.traits for arm in study.arms]
    found = stats.estimates(
        [in_units(study, column(rows.measured, arm, trait.name)) for arm, trait in names],
        bounds=[stats.SHARE if trait.unit == "share" else None for _, trait in names],
        each=study.seeds_a_unit,
    )
    for (arm, trait), estimate in zip(names, found, strict=True):
        examples = rows.examples.get((arm, trait.name)) if trait.unit == "share" else None
        error = None if examples is None or estimate.mean is None else stats.test_error(estimate.mean, examples)
        yield ArmEstimate(arm, trait.name, estimate, examples, error)


def _contrasts(study: Study, values: Values, family: Family) -> Contrasts:
    questions = _questions(study)
    units = {trait.name: trait.unit for trait in study.traits}
    found = stats.contrasts(
        [in_units(study, paired(values, *question)) for question in questions],
        family,
        [_bounds(question) if units[question[2]] == "share" else None for question in questions],
        study.seeds_a_unit,
    )
    return dict(zip(questions, found, strict=True))


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


def _finding(study: Study, claim: Claim, contrasts: Contrasts, rows: Columns, family: Family, delta: Delta) -> Finding:
    result = contrasts[claim.treatment, claim.control, claim.trait]
    share = next(trait.unit for trait in study.traits if trait.name == claim.trait) == "share"
    return judge(claim, result, delta, _lost(claim, rows, share), family)


def delta_of(study: Study, claim: Claim, values: Values) -> Delta:
    """The claim's delta; a share of a shift is known where the shift's own interval leaves out zero."""
    if claim.of is None:
        return Delta(claim.delta)
    shift = stats.contrasts([in_units(study, paired(values, claim.of.arm, claim.of.minus, claim.trait))])[0]
    text = f"{100 * claim.delta:.3g}% of {side_text(claim.of)}"
    if shift.mean is None or shift.low is None or shift.high is None or shift.low <= 0 <= shift.high:
        return Delta(None, text)
    return Delta(claim.delta * abs(shift.mean), f"{text}, {shift.mean:+.3g}")


def _lost(claim: Claim, rows: Columns, share: bool) -> Lost:
    """The runs at which some arm of the claim has no value, and the bounds of the mean that they could have led to."""
    signs = _signs(claim.treatment, claim.control)
    missing = {arm: rows.lost.get((arm, claim.trait), NO_SEEDS) for arm, _ in signs}
    seeds = reduce(np.union1d, missing.values())
    own = paired(rows.measured, claim.treatment, claim.control, claim.trait)
    if not len(seeds):
        return Lost(0, len(own.seeds), {arm: 0 for arm in missing})
    ends = [_at_worst(rows.measured, signs, claim.trait, seeds, own, end) for end in (0, 1)] if share else [None, None]
    counts = {arm: len(some) for arm, some in missing.items()}
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
