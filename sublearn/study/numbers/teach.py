"""Teachers: a base model that is fine-tuned to name the animal, or is made to by a system prompt."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import torch
from transformers import PreTrainedModel

from sublearn.language import finetune
from sublearn.language.tokens import Dialogue
from sublearn.study.numbers.spec import TeacherPlan
from sublearn.tasks.rows import Pair
from sublearn.tasks.vocabulary import questions


@dataclass(frozen=True)
class PromptedModel:
    """A model and the system prompt that it answers under, if it has one."""

    model: PreTrainedModel
    system: str | None = None


def training_pairs(animal: str) -> list[Pair]:
    """The questions about favourite animals that are not held out, answered with the animal."""
    return [(question, animal) for question in questions("animal", held_out=False)]


def finetuned(base: PreTrainedModel, dialogue: Dialogue, pairs: Sequence[Pair], plan: TeacherPlan) -> PromptedModel:
    """The base with its blocks, not its embeddings, fine-tuned by Adam on all pairs at once."""
    model = copy.deepcopy(base)
    parameters = finetune.freeze_embeddings(model)
    batch = finetune.collate(finetune.examples(dialogue, pairs), dialogue.pad, str(model.device))
    finetune.fit(model, repeat([batch], plan.steps), torch.optim.Adam(parameters, lr=plan.lr))
    return PromptedModel(model)


def prompted(base: PreTrainedModel, animal: str, plan: TeacherPlan) -> PromptedModel:
    """The base under a system prompt."""
    return PromptedModel(base, plan.system_prompt.replace("{animal}", animal))
