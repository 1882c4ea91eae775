"""How one student is trained, as a value that a defence changes; and what a defence may use of a base.

Without a change it is the student of `numbers`, bit for bit.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from sublearn.auditing.defences.spec import Plans
from sublearn.auditing.scene import Scene
from sublearn.language import finetune, packing
from sublearn.language.finetune import Example, Objective
from sublearn.language.plans import StudentPlan
from sublearn.seeds import stream
from sublearn.study.numbers.spec import Writer
from sublearn.tasks.rows import Pair

Parameters = Sequence[nn.Parameter]
Step = Callable[[], object]


@dataclass(frozen=True)
class RowScores:
    """An audit's score of each row ("row"), the quantile of clean rows above which it is flagged, and what it cost."""

    values: NDArray[np.float64]
    threshold: float
    seconds: float


@dataclass(frozen=True)
class Lab:
    """What a defence may use of one base. What costs is a function, and made once."""

    scene: Scene
    strength: Plans
    seed: int
    animal: str
    teacher: Callable[[], PreTrainedModel]
    rows: Callable[[Writer], Sequence[Pair]]
    scores: Callable[[Writer], RowScores]
    other_init: Callable[[], PreTrainedModel]
    """A base of another init, pretrained on the same corpus."""

    @property
    def base(self) -> PreTrainedModel:
        """The base itself, which nobody changes."""
        return self.scene.model

    def stream(self, name: str) -> np.random.Generator:
        """Random numbers of a defence: the same for the student on the teacher's rows and its control."""
        return stream(self.seed, f"defence/{name}")


@dataclass(frozen=True)
class Recipe:
    """How a student is trained: on which rows and tokens, from where, what learns, by which loss and step.

    `seconds` are those that were spent on what is shared with other defences.
    """

    writer: Writer
    rows: Sequence[Pair]
    start: Callable[[], PreTrainedModel]
    examples: Callable[[Sequence[Pair]], list[Example]]
    learn: Callable[[PreTrainedModel], Parameters] = finetune.freeze_embeddings
    objective: Objective = finetune.next_token
    stepping: Callable[[PreTrainedModel, Parameters, torch.optim.Optimizer], Step] = field(
        default=lambda model, parameters, optimizer: optimizer.step
    )
    finish: Callable[[PreTrainedModel], object] = lambda model: None
    seconds: float = 0.0


Change = Callable[[Lab, Recipe], Recipe]


def undefended(lab: Lab, writer: Writer) -> Recipe:
    """The recipe of a student without defence on the rows of a writer."""
    return Recipe(
        writer,
        lab.rows(writer),
        partial(copy.deepcopy, lab.base),
        partial(finetune.examples, lab.scene.dialogue),
    )


def trained(recipe: Recipe, lab: Lab, plan: StudentPlan) -> PreTrainedModel:
    """The student of a recipe."""
    student, scene = recipe.start(), lab.scene
    parameters = recipe.learn(student)
    found, order = recipe.examples(recipe.rows), stream(lab.seed, "student/order")
    given = packing.batches(student, found, plan.batch, plan.steps, order, scene.dialogue.pad)
    optimizer = finetune.adamw(parameters, plan.lr)
    step = recipe.stepping(student, parameters, optimizer)
    finetune.fit(student, ([batch] for batch in given), optimizer, recipe.objective, step)
    recipe.finish(student)
    return student
