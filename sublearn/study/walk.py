"""Which studies can be walked through, one seed step by step: a table of modules that train it and tell of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from sublearn.errors import unknown
from sublearn.seeds import whole_seeds
from sublearn.study.base import Study
from sublearn.study.steps import Step

WALKS = {"tutorial": "sublearn.study.tutorial.walk", "prompts": "sublearn.study.prompts.walk"}
"""The module of each study that can be walked through, which holds `walk(study, seed)`."""


@dataclass(frozen=True)
class Walk:
    """One seed of a study from its reference to its evaluation."""

    study: str
    seed: int
    steps: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def walk(study: Study, seed: int) -> Walk:
    """Train one seed and tell what was seen. Raises InputError for a study that cannot be walked through."""
    [seed] = whole_seeds([seed])
    if study.name not in WALKS:
        raise unknown("study with a step-through", study.name, WALKS)
    made: Callable[[Study, int], Sequence[Step]] = import_module(WALKS[study.name]).walk
    return Walk(study.id, seed, tuple(made(study, seed)))
