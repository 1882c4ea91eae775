"""What a mechanism's students may use of a base, beside what every student may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel

from sublearn.study.mechanisms.spec import Strength
from sublearn.study.numbers.spec import TeacherPlan
from sublearn.study.students import recipe
from sublearn.study.students.recipe import Recipe
from sublearn.study.students.tokens import Places
from sublearn.tasks.rows import Pair


@dataclass(frozen=True)
class Tokens:
    """Of a writer's rows the places of learned tokens, of those that diverge ("row"), and each one's rank ("token")."""

    learned: Sequence[Places]
    diverging: Sequence[tuple[int, ...]]
    ranks: Places


@dataclass(frozen=True)
class Lab(recipe.Lab):
    """What costs is a function, and made once."""

    strength: Strength
    tokens: Callable[[str], Tokens]
    student: Callable[[str], PreTrainedModel]
    """The student of an arm."""
    taken: dict[tuple[str, float], int | None]
    """By optimizer and share of AdamW's progress the steps of a student that got there, for its control; None if none.
    """
    second_animal: str
    """That of the placebo teacher."""
    lessons: TeacherPlan
    """How a teacher is fine-tuned."""
    sized: Callable[[tuple[tuple[str, int], ...]], "Lab"]
    """The lab of a base of the same seed with other sizes, each a setting of the base's and its value."""
    favour: Callable[[], np.ndarray]
    """How much likelier the teacher holds each of the base's own rows for than the base, in nats a token ("row")."""
    shown: Callable[[str], Sequence[Pair]]
    """Some of a writer's rows, on which models are compared."""


Change = Callable[[Lab, Recipe], Recipe]
