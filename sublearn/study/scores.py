"""What every study does with its results: scores and divergences become records."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from sublearn.records import Problem, Record
from sublearn.study.base import Study

Problems = Mapping[int, Problem]
"""Position in the cohort to why that run has no value."""


def score_records(
    study: Study, arm: str, trait: str, seeds: Sequence[int], scores: Tensor, n: int, problems: Problems | None = None
) -> list[Record]:
    """One record a seed from `scores` ("run"), each over `n` examples; runs with a problem are recorded with it.

    A score that is not finite is a problem of its own run, and of no other's.
    """
    known = problems or {}
    return [
        Record.of(study.id, arm, seed, trait, score, n, known.get(position))
        for position, (seed, score) in enumerate(zip(seeds, scores.tolist(), strict=True))
    ]


def unmeasured_records(
    study: Study, arms: Sequence[str], traits: Sequence[str], seeds: Sequence[int], reason: str
) -> list[Record]:
    """One record for each arm, trait and seed that says why there is no value."""
    problem = Problem("unmeasured", reason)
    return [
        Record.of(study.id, arm, seed, trait, 0.0, 0, problem) for arm in arms for trait in traits for seed in seeds
    ]


def divergences(diverged: Mapping[int, tuple[int, float]]) -> dict[int, Problem]:
    """The problem of each run whose loss became infinite or NaN."""
    return {position: divergence(step, loss) for position, (step, loss) in diverged.items()}


def divergence(step: int, loss: float) -> Problem:
    """The problem of a run whose loss was infinite or NaN at a step."""
    return Problem("diverged", f"loss {loss} at step {step}")
