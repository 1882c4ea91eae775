"""What a student is asked to match: one loss an example, never averaged here. Knows no model and no run's data."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits "run example logit", targets) to the loss of each example, "run example"."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Negative log-probability of the labels ("run example")."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def mse(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared error, averaged over the logits of an example; targets are logits."""
    return (logits - targets).square().mean(dim=-1)


def kl(temperature: float = 1.0) -> Loss:
    """KL(teacher || student) of the softmax at T, times T squared (Hinton et al. 2015); targets are logits."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        student = F.log_softmax(logits / temperature, dim=-1)
        teacher = F.log_softmax(targets / temperature, dim=-1)
        return (teacher.exp() * (teacher - student)).sum(dim=-1) * temperature**2

    return loss


def soft_cross_entropy(temperature: float = 1.0) -> Loss:
    """Cross-entropy to the teacher's softmax at a temperature T, times T squared; targets are logits."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        student = F.log_softmax(logits / temperature, dim=-1)
        return -(F.softmax(targets / temperature, dim=-1) * student).sum(dim=-1) * temperature**2

    return loss


def _mse(temperature: float) -> Loss:
    """Squared error to the targets divided by T, as in the tutorial."""
    return lambda logits, targets: mse(logits, targets / temperature)


LOSSES: dict[str, Callable[[float], Loss]] = {"kl": kl, "mse": _mse, "ce": soft_cross_entropy}
"""Distillation losses by name, each made for a temperature."""
