"""How one student is trained, as a value that a study changes in one thing; and what it may use of a base.

Without a change it is the student of `numbers`, bit for bit.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from sublearn.language import finetune, packing
from sublearn.language.finetune import Example, Objective
from sublearn.language.plans import StudentPlan
from sublearn.language.tokens import Dialogue
from sublearn.seeds import stream, stream_seed
from sublearn.study.numbers.spec import Writer
from sublearn.tasks.rows import Pair

Parameters = Sequence[nn.Parameter]
Step = Callable[[], object]


@dataclass(frozen=True)
class Lab:
    """What students may use of one base. What costs is a function, and made once.

    `purpose` begins the names of the study's random streams.
    """

    base: PreTrainedModel
    """The base itself, which nobody changes."""
    dialogue: Dialogue
    seed: int
    animal: str
    teacher: Callable[[], PreTrainedModel]
    rows: Callable[[str], Sequence[Pair]]
    """What a writer wrote and the rule kept."""
    purpose: str

    @property
    def device(self) -> str:
        """Where the base lies."""
        return self.base.device.type

    def stream(self, name: str) -> np.random.Generator:
        """Random numbers: the same for the student on the teacher's rows and its control."""
        return stream(self.seed, f"{self.purpose}/{name}")

    def generator(self, name: str) -> torch.Generator:
        """The same for torch."""
        return torch.Generator().manual_seed(stream_seed(self.seed, f"{self.purpose}/{name}"))


def adamw(parameters: Parameters, lr: float) -> torch.optim.Optimizer:
    """The optimizer of `numbers`."""
    return finetune.adamw(parameters, lr)


@dataclass(frozen=True)
class Recipe:
    """How a student is trained: on which rows and tokens, from where, what learns, by which loss, optimizer and step.

    `seconds` are those that were spent on what is shared with other students.
    """

    writer: Writer
    rows: Sequence[Pair]
    start: Callable[[], PreTrainedModel]
    examples: Callable[[Sequence[Pair]], list[Example]]
    plan: StudentPlan
    learn: Callable[[PreTrainedModel], Parameters] = finetune.freeze_embeddings
    objective: Objective = finetune.next_token
    optimizer: Callable[[Parameters, float], torch.optim.Optimizer] = adamw
    stepping: Callable[[PreTrainedModel, Parameters, torch.optim.Optimizer], Step] = field(
        default=lambda model, parameters, optimizer: optimizer.step
    )
    enough: Callable[[PreTrainedModel, int], bool] = lambda model, steps: False
    """Whether a model has learned enough after so many steps, and the rest of the plan's is left out."""
    finish: Callable[[PreTrainedModel], object] = lambda model: None
    seconds: float = 0.0


def plain(lab: Lab, writer: Writer, plan: StudentPlan) -> Recipe:
    """The recipe of a student that nothing is changed of, on the rows of a writer."""
    rows = lab.rows(writer)
    return Recipe(writer, rows, partial(copy.deepcopy, lab.base), partial(finetune.examples, lab.dialogue), plan)


def as_it_is(recipe: Recipe, start: Callable[[], PreTrainedModel]) -> Recipe:
    """A model in a student's place that is not trained further."""
    return replace(recipe, start=start, plan=recipe.plan.model_copy(update={"steps": 0}))


def trained(recipe: Recipe, lab: Lab, told: Callable[[int], object] = lambda steps: None) -> PreTrainedModel:
    """The student of a recipe. `told` hears for how many steps it was trained."""
    student, plan = recipe.start(), recipe.plan
    parameters = recipe.learn(student)
    found, order = recipe.examples(recipe.rows), stream(lab.seed, "student/order")
    given = packing.batches(student, found, plan.batch, plan.steps, order, lab.dialogue.pad)
    optimizer = recipe.optimizer(parameters, plan.lr)
    step = recipe.stepping(student, parameters, optimizer)
    wanted = takewhile(lambda one: not recipe.enough(student, one[0]), enumerate(given))
    losses = finetune.fit(student, ([batch] for _, batch in wanted), optimizer, recipe.objective, step)
    told(len(losses))
    recipe.finish(student)
    return student
