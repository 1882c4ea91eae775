"""What a defence may use of a base, beside what every student may; a defence goes from a recipe to a recipe."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from sublearn.auditing.defences.spec import Plans
from sublearn.auditing.scene import Scene
from sublearn.study.numbers.spec import Writer
from sublearn.study.students import recipe
from sublearn.study.students.recipe import Recipe


@dataclass(frozen=True)
class RowScores:
    """An audit's score of each row ("row"), the quantile of clean rows above which it is flagged, and what it cost."""

    values: NDArray[np.float64]
    threshold: float
    seconds: float


@dataclass(frozen=True)
class Lab(recipe.Lab):
    """What a defence may use of one base. What costs is a function, and made once."""

    scene: Scene
    strength: Plans
    scores: Callable[[Writer], RowScores]
    other_init: Callable[[], PreTrainedModel]
    """A base of another init, pretrained on the same corpus."""


Change = Callable[[Lab, Recipe], Recipe]
