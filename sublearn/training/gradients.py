"""Gradients of a scalar of each run's logits with respect to its parameters, without training. Knows no study."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sublearn.training.cohort import trained_names
from sublearn.training.lift import State
from sublearn.training.trainers import Trainer


def gradient(
    by: Trainer, model: nn.Module, state: State, inputs: Tensor, score: Callable[[Tensor, int], Tensor]
) -> State:
    """The gradient of `score(logits "example logit", run)` for each run; tensors have a leading run axis.

    The model is in evaluation mode: the scores of interest are those of a trained model's function.
    """
    leaves = {name: state[name].detach().clone().requires_grad_() for name in trained_names(model, ())}
    logits = by.logits(model, state | leaves, inputs)
    # A run's score depends on its own parameters alone, so that the gradient of the sum is each run's own.
    total = torch.stack([score(own, run) for run, own in enumerate(logits)]).sum()
    grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    pairs = zip(leaves.items(), grads, strict=True)
    return {name: torch.zeros_like(leaf) if grad is None else grad for (name, leaf), grad in pairs}


def flat(state: State, names: list[str]) -> Tensor:
    """The named tensors of each run as one vector, "run parameter"."""
    return torch.cat([state[name].flatten(1) for name in names], dim=1)


def cosine(left: Tensor, right: Tensor) -> Tensor:
    """The cosine of each run's two vectors ("run"); 0 where one of them is zero."""
    return torch.nn.functional.cosine_similarity(left.double(), right.double(), dim=1, eps=1e-30)
