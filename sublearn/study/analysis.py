"""From records to estimates, paired contrasts and a verdict for each claim. Pure, torch-free; writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sublearn import stats
from sublearn.columns import Column, Columns
from sublearn.records import Record
from sublearn.study.base import Claim, Study, Verdict
from sublearn.study.contrast import Side, side_text, terms

ALPHA = 0.05
MOST_RUNS = 100_000
"""What would need more runs than this is said to be out of reach, and not in how many runs."""
Values = Mapping[tuple[str, str], Column]
"""(arm, trait) to the seeds and their values, measured ones only."""
NOTHING = Column(np.array([], dtype=np.int64), np.array([], dtype=np.float64))
Question = tuple[Side, Side, str]
"""Treatment, control and trait."""
Contrasts = dict[Question, stats.Contrast]


@dataclass(frozen=True)
class ArmEstimate:
    """The estimate of one trait in one arm."""

    arm: str
    trait: str
    estimate: stats.Estimate


@dataclass(frozen=True)
class PairedContrast:
    """The contrast of two arms, or of two differences of arms, on one trait."""

    treatment: Side
    control: Side
    trait: str
    contrast: stats.Contrast


@dataclass(frozen=True)
class Finding:
    """A claim's verdict, with the reason in one sentence."""

    claim: str
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Analysis:
    """Everything that a report says of a study's records."""

    study: Study
    seeds: tuple[int, ...]
    estimates: tuple[ArmEstimate, ...]
    contrasts: tuple[PairedContrast, ...]
    findings: tuple[Finding, ...]
    unmeasured: tuple[Record, ...]

    def to_dict(self) -> dict[str, Any]:
        """The content of estimates.json."""
        return {
            "study": self.study.name,
            "id": self.study.id,
            "seeds": list(self.seeds),
            "estimates": [{"arm": row.arm, "trait": row.trait, **vars(row.estimate)} for row in self.estimates],
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


def analyse(study: Study, records: Iterable[Record]) -> Analysis:
    """Estimate every arm and trait, contrast every arm with its control, and judge every claim."""
    rows = Columns.of(records)
    values = rows.measured
    contrasts = _contrasts(study, values)
    return Analysis(
        study,
        tuple(np.unique(rows.seed).tolist()),
        tuple(_estimates(study, values)),
        tuple(PairedContrast(*question, contrast) for question, contrast in contrasts.items()),
        tuple(_judge(study.claims, contrasts)),
        tuple(rows.take(np.isnan(rows.value))),
    )


def differences(values: Values, treatment: Side, control: Side, trait: str) -> NDArray[np.float64]:
    """Treatment minus control for each seed at which every arm of both was measured, shape "run"."""
    signed = [*terms(treatment), *((arm, -sign) for arm, sign in terms(control))]
    columns = [(sign, column(values, arm, trait)) for arm, sign in signed]
    common = reduce(_common, (own.seeds for _, own in columns))
    return np.sum([sign * _at(own, common) for sign, own in columns], axis=0)


def can_support(study: Study, runs: int) -> bool:
    """Whether so many runs could support a claim of an effect at all; True where none is claimed.

    At best its p comes behind those of all claims of equivalence, so that Holm multiplies it by fewer.
    """
    effects = sum(claim.kind == "positive" for claim in study.claims)
    return not effects or runs >= stats.least_runs(effects, ALPHA)


def values_of(records: Iterable[Record]) -> Values:
    """The measured values by arm and trait, in ascending order of their seeds."""
    return Columns.of(records).measured


def column(values: Values, arm: str, trait: str) -> Column:
    """The measured values of an arm and trait, which may be none."""
    return values.get((arm, trait), NOTHING)


def _common(seeds: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    return seeds if np.array_equal(seeds, others) else np.intersect1d(seeds, others)


def _at(own: Column, seeds: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values at some of the column's seeds."""
    return own.values if len(own.seeds) == len(seeds) else own.values[np.searchsorted(own.seeds, seeds)]


def _estimates(study: Study, values: Values) -> Iterator[ArmEstimate]:
    names = [(arm.name, trait.name) for trait in study.traits for arm in study.arms]
    found = stats.estimates([column(values, *name).values for name in names])
    return (ArmEstimate(*name, estimate) for name, estimate in zip(names, found, strict=True))


def _contrasts(study: Study, values: Values) -> Contrasts:
    questions = _questions(study)
    found = stats.contrasts([differences(values, *question) for question in questions])
    return dict(zip(questions, found, strict=True))


def _questions(study: Study) -> list[Question]:
    """Each arm against its control on each trait, and each claim's own contrast, no question twice."""
    own = [(arm.name, arm.control, trait.name) for trait in study.traits for arm in study.arms if arm.control]
    return list(dict.fromkeys([*((c.treatment, c.control, c.trait) for c in study.claims), *own]))


def _judge(claims: Sequence[Claim], contrasts: Contrasts) -> list[Finding]:
    own = [contrasts[claim.treatment, claim.control, claim.trait] for claim in claims]
    p_values = [_p(claim, result) for claim, result in zip(claims, own, strict=True)]
    adjusted = stats.holm(p_values) if claims else []
    return [
        Finding(claim.claim, *_verdict(claim, result, float(p), len(claims)))
        for claim, result, p in zip(claims, own, adjusted, strict=True)
    ]


def _p(claim: Claim, result: stats.Contrast) -> float:
    """The p that decides on the claim, which is 1 where there is none."""
    p = stats.within_p(result, claim.delta) if claim.kind == "equivalent" else result.p
    return 1.0 if p is None else p


def _verdict(claim: Claim, result: stats.Contrast, p: float, family: int) -> tuple[Verdict, str]:
    """The verdict at 5% with its reason; p is adjusted for the family of claims."""
    n = result.n
    if result.mean is None or result.low is None or result.high is None or result.se is None:
        return "inconclusive", f"The interval is undefined with {n} run{'' if n == 1 else 's'}; at least 2 are needed."
    shown = f"The difference is {result.mean:+.3f}, 95% interval {result.low:+.3f} to {result.high:+.3f}, {n} runs"
    within = f"equivalent to zero within {claim.delta:g}"
    equivalence = stats.within_p(result, claim.delta)
    if claim.kind == "equivalent":
        if p < ALPHA:
            return "supported", f"{shown}: {within} (two one-sided tests, Holm-adjusted p = {p:.2g})."
        if result.low > claim.delta or result.high < -claim.delta:
            return "refuted", f"{shown}: beyond {claim.delta:g} either way."
        return "inconclusive", f"{shown}. {_needed_for_equivalence(result.se * n**0.5, claim.delta, n)}"
    if equivalence is not None and equivalence < ALPHA:
        return "refuted", f"{shown}: {within} (two one-sided tests, p = {equivalence:.2g})."
    if result.high < 0:
        return "refuted", f"{shown}: below zero."
    if p < ALPHA and result.mean > 0:
        return "supported", f"{shown}: above zero (sign-flip test, Holm-adjusted p = {p:.2g})."
    return "inconclusive", f"{shown}. {_needed(result, family)}"


def _needed(result: stats.Contrast, family: int) -> str:
    effect = result.effect_size
    if effect is None:
        return "At least 3 runs that are not all alike are needed to tell how many more would show an effect."
    if effect <= 0:
        return "No number of runs would show an effect above zero as large as the one seen, which is none."
    needed = stats.runs_needed(effect, most=MOST_RUNS)
    if needed is None:
        return (
            f"An effect as small as this one ({effect:.2g} standard deviations) would need more than {MOST_RUNS:,} "
            "runs: it is too small to show."
        )
    most = max(needed, stats.least_runs(family, ALPHA), result.n + 1)
    return (
        f"If the effect is as large as it looks here ({effect:.2f} standard deviations), about {most} runs would be "
        "needed to show it at 90% power."
    )


def _needed_for_equivalence(sd: float, delta: float, n: int) -> str:
    needed = stats.runs_needed_for_equivalence(sd, delta, most=MOST_RUNS)
    if needed is None:
        return (
            f"If there is no effect, more than {MOST_RUNS:,} runs would be needed to show equivalence within {delta:g}."
        )
    runs = max(needed, n + 1)
    return (
        f"If there is no effect, about {runs} runs would be needed to show equivalence within {delta:g} at 90% power."
    )
