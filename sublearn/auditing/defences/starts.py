"""Defences that change what the student starts from, or what of it can change."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import PreTrainedModel

from sublearn.auditing.defences.recipe import Lab, Parameters, Recipe
from sublearn.seeds import stream_seed


def reinitialized(lab: Lab, recipe: Recipe) -> Recipe:
    """From a base of another init, pretrained on the same corpus."""
    return replace(recipe, start=lambda: copy.deepcopy(lab.other_init()))


def perturbed(lab: Lab, recipe: Recipe) -> Recipe:
    """From the base with Gaussian noise on all that learns, in units of each tensor's own spread."""

    def start() -> PreTrainedModel:
        student = recipe.start()
        rng = torch.Generator().manual_seed(stream_seed(lab.seed, "defence/perturbed"))
        for parameter in recipe.learn(student):
            noise = torch.randn(parameter.shape, generator=rng).to(parameter)
            parameter.data += lab.strength.noise * parameter.data.std(correction=0) * noise
        return student

    return replace(recipe, start=start)


class LowRank(nn.Module):
    """A matrix plus the product of two factors, one of which is zero at first."""

    def __init__(self, shape: torch.Size, rank: int, rng: torch.Generator, device: torch.device) -> None:
        super().__init__()
        rows, columns = shape
        self.left = nn.Parameter(torch.zeros(rows, rank, device=device))
        drawn = torch.randn(rank, columns, generator=rng) / columns**0.5
        self.right = nn.Parameter(drawn.to(device))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed matrix."""
        return weight + self.left @ self.right


def lowrank(lab: Lab, recipe: Recipe) -> Recipe:
    """Each matrix that learns changes by a product of this rank (Hu et al. 2021); all else stays."""
    changed: list[tuple[nn.Module, str]] = []

    def learn(student: PreTrainedModel) -> Parameters:
        rng = torch.Generator().manual_seed(stream_seed(lab.seed, "defence/lowrank"))
        learning = {id(one) for one in recipe.learn(student)}
        for module in list(student.modules()):
            for name, own in list(module.named_parameters(recurse=False)):
                if id(own) in learning and own.dim() == 2:
                    rank = min(lab.strength.rank, *own.shape)
                    parametrize.register_parametrization(module, name, LowRank(own.shape, rank, rng, own.device))
                    changed.append((module, name))
        student.requires_grad_(False)
        factors = [one for module in student.modules() if isinstance(module, LowRank) for one in module.parameters()]
        for factor in factors:
            factor.requires_grad_(True)
        return factors

    def finish(student: PreTrainedModel) -> None:
        for module, name in changed:
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)

    return replace(recipe, learn=learn, finish=finish)
