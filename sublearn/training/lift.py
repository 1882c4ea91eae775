"""Lifts a plain module, written for one run, to a leading run axis; the only place that knows how stacked runs compute.

The module is traced once; each of its operations has a row in a table that says what it is for many runs at once.
Inside, activations are (run, feature, example): a linear layer is then one batched matrix product, and BatchNorm over
all runs is one call of the plain kernel, with a channel for each run and feature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csc_array
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


def lifted(model: nn.Module) -> "Lifted":
    """The module for many runs; traced once for each module, which takes milliseconds."""
    if model not in _TRACED:
        _TRACED[model] = Lifted(model)
    return _TRACED[model]


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
_TRACED: WeakKeyDictionary[nn.Module, Lifted] = WeakKeyDictionary()


def _operation(node: fx.Node, modules: Mapping[str, nn.Module]) -> Operation:
    if node.op in ("placeholder", "output"):
        return lambda _, value: value
    found: Operation | None = None
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) not in MODULES:
            raise _unknown(type(module).__name__)
        found = MODULES[type(module)](str(node.target), module)
    elif node.op == "call_function" and node.target in FUNCTIONS:
        found = FUNCTIONS[node.target]
    if found is _relu and _may_overwrite(node.args[0], modules):
        return _relu_in_place
    if found is not None:
        return found
    if node.op == "call_method" and node.target == "mean" and (node.kwargs.get("dim") == 1 or node.args[1:] == (1,)):
        return _mean_of_embedded
    raise _unknown(str(node.target))


def _may_overwrite(source: Any, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the source is a fresh result of a layer, read by one operation and not needed for its own gradient."""
    # BatchNorm's result is a view; overwriting one costs autograd more copies than it saves.
    return source.op == "call_module" and len(source.users) == 1 and isinstance(modules[source.target], nn.Linear)


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
    means = _MeanEmbedding.apply(value.table.view(runs * size, features), flat)
    return means.view(runs, -1, features).transpose(1, 2)


class _MeanEmbedding(torch.autograd.Function):
    """Mean over positions of the rows of a table; the gradient is added row by row, without sorting the tokens."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, tokens: Tensor) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.rows = len(table)
        return F.embedding_bag(tokens, table, mode="mean")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (tokens,), (grad,) = ctx.saved_tensors, grads
        examples, positions = tokens.shape
        if grad.device.type == "cpu":  # a sparse product is several times faster than any scatter of PyTorch's
            share = np.full(tokens.numel(), 1 / positions, dtype=grad.numpy().dtype)
            starts = np.arange(0, tokens.numel() + 1, positions)
            counts = csc_array((share, tokens.numpy().ravel(), starts), shape=(ctx.rows, examples))
            return torch.from_numpy(counts @ grad.numpy()), None
        total = grad.new_zeros(ctx.rows, grad.shape[1])
        shared = (grad / positions).repeat_interleave(positions, dim=0)
        return total.index_add_(0, tokens.flatten(), shared), None


def _relu(current: Pass, value: Tensor) -> Tensor:
    del current
    return value.relu()


def _relu_in_place(current: Pass, value: Tensor) -> Tensor:
    """For a value that nothing else reads: one allocation less."""
    del current
    return value.relu_()


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
