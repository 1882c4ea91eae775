"""The scores. A new one is one file with a function `prepare`, and one line here. Torch-free: files are named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sublearn.tasks.rows import Pair

LOG_ODDS = "log-odds"


@dataclass(frozen=True)
class Answers:
    """What a model answers to the battery: words, and the log of each one's probability ("word")."""

    words: tuple[str, ...]
    log_p: NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What a score says of a set: its values ("trait", or one), larger for more; if it tells rows, of each ("row").

    `others`, which stands beside `rows`, scores rows of other sets by what was fitted to this one.
    """

    values: NDArray[np.float64]
    rows: NDArray[np.float64] | None = None
    others: Callable[[Sequence[Pair]], NDArray[np.float64]] | None = None
    answers: Answers | None = None
    """To questions that any word may answer, if the score asks them."""


Measure = Callable[[Sequence[Pair]], Measured]
Prepare = Callable[..., Measure]
"""From the scene and a clean set of reference to what measures other sets; what is costly is done once."""


@dataclass(frozen=True)
class Score:
    """One way to score a set: whether it has a value for each trait, in what unit, and which settings train models."""

    about: str
    names_traits: bool
    unit: str
    trained_by: Literal["virtual", "student", "tuned"] | None = None
    """The part of the settings with the learning rate of copies of the base."""
    tells_rows: bool = False
    """Whether each row has a value of its own, by which rows can be flagged."""
    asks: bool = False
    """Whether it asks the battery, questions that any word may answer."""

    @property
    def trains_students(self) -> bool:
        """Whether students are trained on the rows themselves, so that a trait's value is a shift of theirs."""
        return self.trained_by in ("virtual", "student")

    def prepare(self, name: str) -> Prepare:
        """Its function, whose file is loaded now: most need torch."""
        return import_module(f"{__package__}.{name}").prepare


SCORES: dict[str, Score] = {
    "virtual": Score(
        "a student is trained on the rows for some steps and asked for every trait",
        True,
        LOG_ODDS,
        "virtual",
        asks=True,
    ),
    "steering": Score(
        "one vector fitted to half of the rows explains the other half; needs no traits",
        False,
        "root of T",
        tells_rows=True,
        asks=True,
    ),
    "gradient": Score("the rows' gradient times that of each trait, whitened over traits", True, "product"),
    "preconditioned": Score("the same, each weight scaled as Adam scales it", True, "product"),
    "likelihood": Score(
        "the rows' likelihood under a teacher tuned for each trait, beyond the group's mean", True, "nats", "tuned"
    ),
    "prompted": Score(
        "the rows' likelihood under a prompt that states each trait, beyond the group's mean", True, "nats"
    ),
    "projections": Score("randomly projected gradients, decorrelated on clean rows (after TRAK)", True, "product"),
    "student": Score(
        "a baseline: a student is trained on the rows for as long as those of numbers and asked for every trait",
        True,
        LOG_ODDS,
        "student",
        asks=True,
    ),
    "perplexity": Score("how far the rows' perplexity under the base is from that of clean rows", False, "nats"),
    "frequency": Score("how far the numbers (or words) of the rows are from those of clean rows", False, "distance"),
    "words": Score("how well a bag-of-words classifier tells the rows from clean rows", False, "AUC"),
}

STUDENTS = tuple(name for name, score in SCORES.items() if score.trains_students)
"""The scores that train students on the rows."""
