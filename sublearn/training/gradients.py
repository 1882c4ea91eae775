"""Gradients of a scalar of each run's logits with respect to its parameters, without training. Knows no study."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sublearn.training.cohort import stack, unstack
from sublearn.training.lift import State


def gradient(model: nn.Module, state: State, inputs: Tensor, score: Callable[[Tensor, int], Tensor]) -> State:
    """The gradient of `score(logits "example logit", run)` for each run; tensors have a leading run axis.

    The model is in evaluation mode: the scores of interest are those of a trained model's function.
    """
    names = [name for name, _ in model.named_parameters()]
    model.eval()
    found = []
    for run, own in enumerate(unstack(state)):
        leaves = {name: own[name].detach().clone().requires_grad_() for name in names}
        value = score(functional_call(model, {**own, **leaves}, (inputs[run],)), run)
        grads = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
        found.append(
            {
                name: torch.zeros_like(leaves[name]) if grad is None else grad
                for name, grad in zip(names, grads, strict=True)
            }
        )
    return stack(found)


def flat(state: State, names: list[str]) -> Tensor:
    """The named tensors of each run as one vector, "run parameter"."""
    return torch.cat([state[name].flatten(1) for name in names], dim=1)


def cosine(left: Tensor, right: Tensor) -> Tensor:
    """The cosine of each run's two vectors ("run"); 0 where one of them is zero."""
    return torch.nn.functional.cosine_similarity(left.double(), right.double(), dim=1, eps=1e-30)
