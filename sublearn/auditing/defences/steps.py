"""Defences that change the loss or the step: tokens that are not learned, a pull to the base, a direction taken out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.auditing.defences.recipe import Lab
from sublearn.auditing.scene import answer_log_p, flat_gradient
from sublearn.auditing.traits import Group
from sublearn.language import finetune
from sublearn.language.finetune import Batch
from sublearn.study.students import tokens
from sublearn.study.students.recipe import Parameters, Recipe, Step
from sublearn.tasks.vocabulary import ANIMALS, questions

NAMED = Group(name="animal", questions=tuple(questions("animal", held_out=False)), answers=ANIMALS)
"""How a named trait is asked for: by the questions that are not held out."""


def mask(lab: Lab, recipe: Recipe) -> Recipe:
    """No loss at tokens where the teacher's most probable one is not the base's (after Schrodi et al. 2025)."""
    return tokens.without(recipe, partial(tokens.diverging, lab))


def kl(lab: Lab, recipe: Recipe) -> Recipe:
    """Beside the loss, KL(base || student) on the same tokens."""
    near = finetune.imitating(lab.base)

    def objective(logits: Tensor, batch: Batch) -> Tensor:
        return recipe.objective(logits, batch) + lab.strength.kl * near(logits, batch)

    return replace(recipe, objective=objective)


def project(lab: Lab, recipe: Recipe) -> Recipe:
    """No step moves the weights along the named trait's gradient where the student is.

    What the optimizer did is projected, not only what it was given: AdamW scales each weight, which would bring the
    direction back.
    """

    def stepping(model: PreTrainedModel, parameters: Parameters, optimizer: torch.optim.Optimizer) -> Step:
        plain = recipe.stepping(model, parameters, optimizer)
        return projected(plain, parameters, lambda: trait_directions(lab, model, parameters))

    return replace(recipe, stepping=stepping)


def projected(plain: Step, parameters: Parameters, directions: Callable[[], Tensor]) -> Step:
    """A step of which the part within the span of directions ("direction weight") is taken back."""

    def step() -> None:
        basis = torch.linalg.qr(directions().T).Q
        before = _flat(parameters)
        plain()
        moved = _flat(parameters) - before
        within, start = basis @ (basis.T @ moved), 0
        for parameter in parameters:
            own = within[start : start + parameter.numel()].reshape(parameter.shape)
            parameter.data -= own.to(parameter.dtype)
            start += parameter.numel()

    return step


def trait_directions(lab: Lab, model: PreTrainedModel, parameters: Parameters) -> Tensor:
    """The gradients of the named traits' log-odds at the model ("trait weight")."""
    with torch.enable_grad():
        log_p = answer_log_p(model, lab.scene, NAMED)
        share = (log_p - log_p.logsumexp(dim=1, keepdim=True)).clamp(max=-1e-7)
        odds = (share - torch.log(-torch.expm1(share))).mean(dim=0)
        chosen = range(len(ANIMALS)) if lab.strength.named == "all" else [ANIMALS.index(lab.animal)]
        return torch.stack([flat_gradient(odds[place], parameters, keep=True) for place in chosen])


def _flat(parameters: Parameters) -> Tensor:
    return torch.cat([parameter.detach().flatten().float() for parameter in parameters])
