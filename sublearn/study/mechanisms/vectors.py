"""One vector that is added to what the middle block gives: learned, added to the base, or taken out of a student.

In a GPT-2 it is the bias of the block's last layer, so that a model with another vector is a model like any other.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn.language import finetune
from sublearn.language.tokens import Dialogue
from sublearn.study.mechanisms.lab import Lab
from sublearn.study.students.recipe import Parameters, Recipe, as_it_is
from sublearn.study.students.spec import CONTROL, UNCHANGED
from sublearn.tasks.rows import Pair


def vector(lab: Lab, recipe: Recipe) -> Recipe:
    """Nothing learns but the vector."""

    def learn(student: PreTrainedModel) -> Parameters:
        student.requires_grad_(False)
        own = bias(student)
        own.requires_grad_(True)
        return [own]

    return replace(recipe, learn=learn, plan=recipe.plan.model_copy(update={"lr": lab.strength.vector_lr}))


def added(lab: Lab, recipe: Recipe) -> Recipe:
    """The base with the teacher's shift, untrained."""
    return as_it_is(recipe, lambda: moved(lab.base, _of_teacher(lab)))


def without(lab: Lab, recipe: Recipe) -> Recipe:
    """The unchanged student without the part of its shift that lies along the teacher's, not trained further."""
    name = UNCHANGED if recipe.writer == "teacher" else UNCHANGED + CONTROL

    def start() -> PreTrainedModel:
        student = lab.student(name)
        along = nn.functional.normalize(_of_teacher(lab), dim=0)
        return moved(student, -(shift(lab, student) @ along) * along)

    return as_it_is(recipe, start)


def _of_teacher(lab: Lab) -> Tensor:
    return shift(lab, lab.teacher())


def moved(model: PreTrainedModel, by: Tensor) -> PreTrainedModel:
    """A copy whose middle block gives as much more at every place ("width")."""
    found = copy.deepcopy(model)
    bias(found).data += by.to(bias(found))
    return found


def shift(lab: Lab, model: PreTrainedModel) -> Tensor:
    """How far a model's middle block gives something else than the base's where tokens of rows are learned ("width").

    The rows are the teacher's, whatever the model was trained on.
    """
    rows = lab.shown("teacher")
    return given(lab.dialogue, model, rows) - given(lab.dialogue, lab.base, rows)


@torch.no_grad()
def given(dialogue: Dialogue, model: PreTrainedModel, rows: Sequence[Pair]) -> Tensor:
    """What a model's middle block gives, averaged over the learned tokens of rows ("width")."""
    batch = finetune.collate(finetune.examples(dialogue, rows), dialogue.pad, model.device.type)
    seen: list[Tensor] = []

    def hook(module: nn.Module, inputs: Any, out: Any) -> None:
        del module, inputs
        # Blocks give a tensor, or a tuple that begins with one.
        seen.append((out[0] if isinstance(out, tuple) else out)[batch.learned].double().mean(dim=0))

    handle = middle(model).register_forward_hook(hook)
    try:
        finetune.logits_of(model, batch)
    finally:
        handle.remove()
    return seen[0]


def alike(base: PreTrainedModel, model: PreTrainedModel) -> bool:
    """Whether a model has the same weights as the base, in number and shape."""
    own, others = ({name: one.shape for name, one in each.named_parameters()} for each in (base, model))
    return own == others


def middle(model: PreTrainedModel) -> nn.Module:
    """The middle block."""
    count = model.config.get_text_config().num_hidden_layers
    every = next(one for one in model.modules() if isinstance(one, nn.ModuleList) and len(one) == count)
    return every[(count - 1) // 2]


def bias(model: PreTrainedModel) -> nn.Parameter:
    """The bias of a GPT-2's middle block, which is added to what the block gives."""
    block: Any = middle(model)
    return block.mlp.c_proj.bias
