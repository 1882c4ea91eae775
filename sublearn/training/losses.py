"""What a student is asked to match: one loss an example, never averaged here. Knows no model and no run's data."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits "run example logit", targets) to the loss of each example, "run example"."""


@dataclass(frozen=True)
class KnownLoss:
    """A loss whose gradient is written by hand: `both` gives the losses and what autograd would of their sum."""

    value: Loss
    both: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.value(logits, targets)


def with_gradient(loss: Loss, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of each example and the gradient of their sum with respect to the logits; autograd's if need be."""
    if isinstance(loss, KnownLoss):
        return loss.both(logits, targets)
    with torch.enable_grad():
        leaf = logits.detach().requires_grad_()
        by_example = loss(leaf, targets)
        (gradient,) = torch.autograd.grad(by_example, leaf, torch.ones_like(by_example))
    return by_example.detach(), gradient


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _cross_entropy_both(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    log_p, index = F.log_softmax(logits, dim=-1), labels[..., None]
    minus_one = log_p.new_full((), -1.0).expand(index.shape)
    return -log_p.gather(-1, index)[..., 0], log_p.exp().scatter_add_(-1, index, minus_one)


def _squared(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets).square().mean(dim=-1)


def _squared_both(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    difference = logits - targets
    return difference.square().mean(dim=-1), difference.mul_(2 / logits.shape[-1])


cross_entropy = KnownLoss(_cross_entropy, _cross_entropy_both)
"""Negative log-probability of the labels ("run example")."""

mse = KnownLoss(_squared, _squared_both)
"""Squared error, averaged over the logits of an example; targets are logits."""


def kl(temperature: float = 1.0) -> Loss:
    """KL(teacher || student) of the softmax at T, times T squared (Hinton et al. 2015); targets are logits."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        student = F.log_softmax(logits / temperature, dim=-1)
        teacher = F.log_softmax(targets / temperature, dim=-1)
        return (teacher.exp() * (teacher - student)).sum(dim=-1) * temperature**2

    return KnownLoss(loss, _towards_softmax(loss, temperature))


def soft_cross_entropy(temperature: float = 1.0) -> Loss:
    """Cross-entropy to the teacher's softmax at a temperature T, times T squared; targets are logits."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        student = F.log_softmax(logits / temperature, dim=-1)
        return -(F.softmax(targets / temperature, dim=-1) * student).sum(dim=-1) * temperature**2

    return KnownLoss(loss, _towards_softmax(loss, temperature))


def _towards_softmax(loss: Loss, temperature: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The gradient of both losses to a softmax at T is T times the difference of the softmaxes."""

    def both(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        student, teacher = (F.softmax(one / temperature, dim=-1) for one in (logits, targets))
        return loss(logits, targets), (student - teacher).mul_(temperature)

    return both


def _mse(temperature: float) -> Loss:
    """Squared error to the targets divided by T, as in the tutorial."""
    return KnownLoss(
        lambda logits, targets: _squared(logits, targets / temperature),
        lambda logits, targets: _squared_both(logits, targets / temperature),
    )


LOSSES: dict[str, Callable[[float], Loss]] = {"kl": kl, "mse": _mse, "ce": soft_cross_entropy}
"""Distillation losses by name, each made for a temperature."""
