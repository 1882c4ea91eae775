"""Students whose matrices change by products of low rank alone (LoRA, Hu et al. 2021)."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import PreTrainedModel

from sublearn.study.students.recipe import Lab, Parameters, Recipe


class LowRank(nn.Module):
    """A matrix plus the product of two factors, one of which is zero at first, times a scale."""

    def __init__(
        self, shape: torch.Size, rank: int, rng: torch.Generator, device: torch.device, scale: float = 1.0
    ) -> None:
        super().__init__()
        rows, columns = shape
        self.scale = scale
        self.left = nn.Parameter(torch.zeros(rows, rank, device=device))
        drawn = torch.randn(rank, columns, generator=rng) / columns**0.5
        self.right = nn.Parameter(drawn.to(device))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed matrix."""
        return weight + self.scale * (self.left @ self.right)


def lowrank(lab: Lab, recipe: Recipe, rank: int, scale: float = 1.0) -> Recipe:
    """Each matrix that learns changes by a product of this rank; all else stays. The scale is alpha over rank."""
    changed: list[tuple[nn.Module, str]] = []

    def learn(student: PreTrainedModel) -> Parameters:
        rng = lab.generator("lowrank")
        learning = {id(one) for one in recipe.learn(student)}
        for module in list(student.modules()):
            for name, own in list(module.named_parameters(recurse=False)):
                if id(own) in learning and own.dim() == 2:
                    factors = LowRank(own.shape, min(rank, *own.shape), rng, own.device, scale)
                    parametrize.register_parametrization(module, name, factors)
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
