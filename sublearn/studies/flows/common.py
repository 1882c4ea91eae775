"""What every flow does with its results: scores and divergences become records."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from sublearn.records import Record
from sublearn.studies.base import Study

Problems = Mapping[int, str]
"""Position in the cohort to why that run has no value."""


def score_records(
    study: Study, arm: str, trait: str, seeds: Sequence[int], scores: Tensor, n: int, problems: Problems | None = None
) -> list[Record]:
    """One record a seed from `scores` ("run"), each over `n` examples; runs with a problem are recorded with it."""
    problems = problems or {}
    base = {"study": study.id, "arm": arm, "trait": trait}
    records = []
    for position, (seed, score) in enumerate(zip(seeds, scores.tolist(), strict=True)):
        if position in problems:
            status = "diverged" if problems[position].startswith("loss") else "unmeasured"
            row = {"value": None, "n": 0, "status": status, "reason": problems[position]}
        else:
            row = {"value": score, "n": n}
        records.append(Record.model_validate({**base, "seed": seed, **row}))
    return records


def unmeasured_records(
    study: Study, arms: Sequence[str], traits: Sequence[str], seeds: Sequence[int], reason: str
) -> list[Record]:
    """One record for each arm, trait and seed that says why there is no value."""
    return [
        Record(study=study.id, arm=arm, seed=seed, trait=trait, value=None, n=0, status="unmeasured", reason=reason)
        for arm in arms
        for trait in traits
        for seed in seeds
    ]


def divergences(diverged: Mapping[int, tuple[int, float]]) -> dict[int, str]:
    """The reason for each run whose loss became infinite or NaN."""
    return {position: f"loss {loss} at step {step}" for position, (step, loss) in diverged.items()}
