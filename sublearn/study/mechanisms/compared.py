"""What is published of each mechanism beside what came out here, from a study's analysis. Pure, torch-free.

It is compared by direction and not by size, since the models are others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sublearn.study.analysis import Analysis
from sublearn.study.base import Verdict
from sublearn.study.contrast import contrast_text
from sublearn.study.mechanisms.parts import Mechanism
from sublearn.study.mechanisms.table import EVERY

FILE = "mechanisms.json"
Outcome = Literal["agrees", "holds", "opposite", "fails", "absent", "cannot tell"]
OUTCOMES: dict[Verdict, Outcome] = {
    "supported": "agrees",
    "refuted": "opposite",
    "negligible": "absent",
    "inconclusive": "cannot tell",
}
"""What a verdict says of what was published: absent is an effect that is surely smaller than delta."""
OF_OURS: dict[Outcome, Outcome] = {"agrees": "holds", "opposite": "fails"}
"""Of a claim that nobody published: there is nothing to agree with."""


@dataclass(frozen=True)
class Held:
    """One claim beside what came out: the difference with the interval that decides, and what that says."""

    claim: str
    difference: str
    trait: str
    mean: float | None
    low: float | None
    high: float | None
    n: int
    delta: float | None
    verdict: Verdict
    outcome: Outcome
    because: str
    published: bool = True
    """Whether the mechanism's source makes the claim."""


@dataclass(frozen=True)
class Compared:
    """One mechanism: what is published by whom, what is otherwise here, its students and what each does, its claims."""

    name: str
    title: str
    published: str
    source: str
    otherwise: Sequence[str]
    students: Sequence[tuple[str, str]]
    claims: Sequence[Held]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compared(analysis: Analysis) -> tuple[Compared, ...]:
    """Every mechanism that a study of mechanisms asks about, in the table's order."""
    found = {held.claim: held for held in _held(analysis)}
    shown = []
    for name, one in EVERY.items():
        if all(claim.claim in found for claim in one.claims):
            claims = tuple(_said(one, found[claim.claim]) for claim in one.claims)
            students = tuple((arm, student.about) for arm, student in one.students.items())
            shown.append(Compared(name, one.title, one.published, one.source, one.otherwise, students, claims))
    return tuple(shown)


def _held(analysis: Analysis) -> Iterator[Held]:
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in analysis.contrasts}
    for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        own = contrasts[claim.treatment, claim.control, claim.trait]
        yield Held(
            claim=claim.claim,
            difference=contrast_text(claim.treatment, claim.control),
            trait=claim.trait,
            mean=own.mean,
            low=own.low,
            high=own.high,
            n=own.n,
            delta=finding.delta,
            verdict=finding.verdict,
            outcome=OUTCOMES[finding.verdict],
            because=finding.because,
        )


def _said(one: Mechanism, held: Held) -> Held:
    if one.publishes(held.claim):
        return held
    return replace(held, outcome=OF_OURS.get(held.outcome, held.outcome), published=False)
