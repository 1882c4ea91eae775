"""Lifts a plain module, written for one run, to a leading run axis; the only place that knows how stacked runs compute.

The module is traced once; each of its operations has a row in a table that says what it is for many runs at once.
Inside, activations are (run, feature, example): a linear layer is then one batched matrix product, and BatchNorm over
all runs is one call of the plain kernel, with a channel for each run and feature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from sublearn.errors import InputError

State = dict[str, Tensor]


@dataclass(frozen=True)
class Pass:
    """What an operation may look at: the stacked state, padding weights ("run example" or None), training or not."""

    state: Mapping[str, Tensor]
    weights: Tensor | None
    training: bool


@dataclass(frozen=True)
class Embedded:
    """Tokens ("run example position") that are to be looked up in a table ("run token feature")."""

    table: Tensor
    tokens: Tensor


class Lifted:
    """A module for many runs: call it with a stacked state and inputs "run example ..." to get "run example logit"."""

    def __init__(self, model: nn.Module) -> None:
        self._modules = dict(model.named_modules())
        self._nodes = [(node, _operation(node, self._modules)) for node in fx.symbolic_trace(model).graph.nodes]

    def __call__(
        self, state: Mapping[str, Tensor], inputs: Tensor, weights: Tensor | None = None, training: bool = False
    ) -> Tensor:
        known: dict[str, Any] = {}
        current = Pass(state, weights, training)
        for node, operation in self._nodes:
            if node.op == "placeholder":
                known[node.name] = inputs.transpose(-1, -2) if inputs.is_floating_point() else inputs
            elif node.op == "output":
                return known[node.args[0].name].transpose(-1, -2)
            else:
                known[node.name] = operation(current, known[node.args[0].name])
        raise InputError("The model returns nothing.")


Operation = Callable[[Pass, Any], Any]


def _operation(node: fx.Node, modules: Mapping[str, nn.Module]) -> Operation:
    if node.op in ("placeholder", "output"):
        return lambda _, value: value
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) in MODULES:
            return MODULES[type(module)](str(node.target), module)
        raise _unknown(type(module).__name__)
    if node.op == "call_function" and node.target in FUNCTIONS:
        return FUNCTIONS[node.target]
    if node.op == "call_method" and node.target == "mean" and (node.kwargs.get("dim") == 1 or node.args[1:] == (1,)):
        return _mean_of_embedded
    raise _unknown(str(node.target))


def _unknown(what: str) -> InputError:
    known = [kind.__name__ for kind in MODULES]
    return InputError(f"A cohort cannot compute '{what}'. Known: {', '.join(known)}, relu, and the mean of embeddings.")


def _linear(name: str, module: nn.Module) -> Operation:
    del module

    def operation(current: Pass, value: Tensor) -> Tensor:
        bias = current.state.get(f"{name}.bias")
        weight = current.state[f"{name}.weight"]
        return weight @ value if bias is None else torch.baddbmm(bias[:, :, None], weight, value)

    return operation


def _batch_norm(name: str, module: nn.Module) -> Operation:
    assert isinstance(module, nn.BatchNorm1d)
    momentum, eps = module.momentum or 0.0, module.eps

    def operation(current: Pass, value: Tensor) -> Tensor:
        parts = {key: current.state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")}
        if current.training and current.weights is not None:
            return _masked_batch_norm(value, current.weights, parts, momentum, eps)
        channels = value.reshape(1, -1, value.shape[-1])
        flat = [part.view(-1) for part in parts.values()]
        return F.batch_norm(channels, *flat, training=current.training, momentum=momentum, eps=eps).view(value.shape)

    return operation


def _masked_batch_norm(value: Tensor, weights: Tensor, parts: dict[str, Tensor], momentum: float, eps: float) -> Tensor:
    """BatchNorm over the examples of weight 1 (value is "run feature example"); updates the running statistics."""
    present = weights[:, None, :]
    n = present.sum(dim=-1)
    mean = (value * present).sum(dim=-1) / n
    centred = value - mean[:, :, None]
    var = (centred.square() * present).sum(dim=-1) / n
    with torch.no_grad():
        parts["running_mean"].lerp_(mean, momentum)
        parts["running_var"].lerp_(var * n / (n - 1), momentum)
    scale = parts["weight"] * (var + eps).rsqrt()
    return torch.addcmul(parts["bias"][:, :, None], centred, scale[:, :, None])


def _embedding(name: str, module: nn.Module) -> Operation:
    del module
    return lambda current, tokens: Embedded(current.state[f"{name}.weight"], tokens)


def _mean_of_embedded(current: Pass, value: Any) -> Tensor:
    """The mean of each example's embeddings, "run feature example"."""
    del current
    if not isinstance(value, Embedded):
        raise _unknown("mean of anything but embeddings")
    runs, size, features = value.table.shape
    offsets = torch.arange(runs, device=value.tokens.device)[:, None, None] * size
    flat = (value.tokens + offsets).flatten(0, 1)
    means = F.embedding_bag(flat, value.table.view(runs * size, features), mode="mean")
    return means.view(runs, -1, features).transpose(1, 2)


def _relu(current: Pass, value: Tensor) -> Tensor:
    del current
    return value.relu()


MODULES: dict[type[nn.Module], Callable[[str, nn.Module], Operation]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Embedding: _embedding,
    nn.ReLU: lambda name, module: _relu,
    nn.Tanh: lambda name, module: lambda current, value: value.tanh(),
    nn.GELU: lambda name, module: lambda current, value: F.gelu(value),
    nn.Identity: lambda name, module: lambda current, value: value,
}
FUNCTIONS: dict[Any, Operation] = {F.relu: _relu, torch.relu: _relu}
