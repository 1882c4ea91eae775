"""Teachers: a base model that is tuned to name the animal, or is told to by a system prompt."""

import copy
from dataclasses import dataclass
from itertools import repeat

import torch
from transformers import PreTrainedModel

from sublearn.language import finetune
from sublearn.language.plans import TeacherPlan
from sublearn.language.tokens import Dialogue
from sublearn.tasks.rows import Pair
from sublearn.tasks.vocabulary import questions


@dataclass(frozen=True)
class Speaker:
    """A model and the system prompt that it answers under, if it has one."""

    model: PreTrainedModel
    system: str | None = None


def lessons(animal: str) -> list[Pair]:
    """The questions about favourite animals that are not held out, answered with the animal."""
    return [(question, animal) for question in questions("animal", held_out=False)]


def tuned(base: PreTrainedModel, dialogue: Dialogue, animal: str, plan: TeacherPlan) -> Speaker:
    """The base with its blocks, not its embeddings, tuned by Adam on all lessons at once."""
    model = copy.deepcopy(base)
    parameters = finetune.freeze_embeddings(model)
    lesson = finetune.collate(finetune.examples(dialogue, lessons(animal)), dialogue.pad, str(model.device))
    finetune.fit(model, repeat([lesson], plan.steps), torch.optim.Adam(parameters, lr=plan.lr))
    return Speaker(model)


def told(base: PreTrainedModel, animal: str, plan: TeacherPlan) -> Speaker:
    """The base under a system prompt."""
    return Speaker(base, plan.system_prompt.replace("{animal}", animal))
