"""One seed of a study step by step, as texts and numbers that a page shows. Values alone; torch-free.

A study that can be walked through has a module that trains one seed and keeps what it sees: a table of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, Literal

from sublearn.errors import unknown
from sublearn.seeds import whole_seeds
from sublearn.study.base import Study

WALKS = {"tutorial": "sublearn.study.tutorial.walk", "prompts": "sublearn.study.prompts.walk"}
"""The module of each study that can be walked through, which holds `walk(study, seed)`."""
Colour = Literal["same", "cross", "control"]


@dataclass(frozen=True)
class Table:
    """A titled table of texts; columns from `numeric` on hold numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: int


@dataclass(frozen=True)
class Curve:
    """The loss of each step of one training, and how its line is told from others."""

    name: str
    colour: Colour
    values: tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One step: what is done, in a sentence or two, with tables and curves of what was seen."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()


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
