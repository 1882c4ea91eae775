"""Lifts a plain module, written for one run, to a leading run axis; the only place that knows how stacked runs compute.

The module is traced once; each of its operations has a row in a table that says what it is for many runs at once.
Inside, activations are (run, feature, example): a linear layer is then one batched matrix product, and BatchNorm over
all runs is one call of the plain kernel, with a channel for each run and feature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csc_array
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError

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
        # The modules are only read here: what is kept must not keep the model alive.
        modules = dict(model.named_modules())
        *nodes, output = _trace(model)
        self._steps = [(node.name, _source(node), _operation(node, modules)) for node in nodes]
        self._result = _source(output)

    def __call__(
        self, state: Mapping[str, Tensor], inputs: Tensor, weights: Tensor | None = None, training: bool = False
    ) -> Tensor:
        current = Pass(state, weights, training)
        known: dict[str, Any] = {"": inputs}
        for name, source, operation in self._steps:
            known[name] = operation(current, known[source])
        return known[self._result].transpose(-1, -2)


Operation = Callable[[Pass, Any], Any]
_TRACED: WeakKeyDictionary[nn.Module, Lifted] = WeakKeyDictionary()


def _trace(model: nn.Module) -> list[fx.Node]:
    """The model's operations in order, the output last."""
    try:
        nodes = list(fx.symbolic_trace(model).graph.nodes)
    except (TraceError, TypeError) as error:
        raise InputError(f"A cohort cannot trace {type(model).__name__}: {error}") from None
    inputs = [str(node.target) for node in nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise InputError(f"A cohort's model takes one input, got {', '.join(inputs) or 'none'}.")
    if not isinstance(nodes[-1].args[0], fx.Node):
        raise InputError(f"A cohort's model returns one tensor of logits, got {nodes[-1].args[0]}.")
    return nodes


def _source(node: fx.Node) -> str:
    """The name of what the operation reads; nothing for the model's input."""
    if node.op == "placeholder":
        return ""
    if len(node.all_input_nodes) != 1:
        raise _unknown(_named(node))
    return node.all_input_nodes[0].name


def _operation(node: fx.Node, modules: Mapping[str, nn.Module]) -> Operation:
    found: Operation | None = None
    if node.op == "placeholder":
        return _images if all(_flattens(user, modules) for user in node.users) else _rows
    if _flattens(node, modules):
        return _flatten
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) not in MODULES:
            raise _unknown(type(module).__name__)
        if isinstance(module, nn.Embedding) and not all(_averages(user) for user in node.users):
            raise _unknown("Embedding without the mean over its positions")
        found = MODULES[type(module)](str(node.target), module)
    elif node.op == "call_function" and node.target in FUNCTIONS:
        found = FUNCTIONS[node.target]
    elif _averages(node) and isinstance(_module(node.all_input_nodes[0], modules), nn.Embedding):
        found = _mean_of_embedded
    if found is None:
        raise _unknown(_named(node))
    return _relu_in_place if found is _relu and _may_overwrite(node.all_input_nodes[0], modules) else found


def _module(node: fx.Node, modules: Mapping[str, nn.Module]) -> nn.Module | None:
    return modules[str(node.target)] if node.op == "call_module" else None


def _flattens(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the node makes one feature axis of all that follows the examples."""
    module = _module(node, modules)
    if module is not None:
        return isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)
    named = node.target in ("flatten", torch.flatten)
    return named and _arguments(node, "start_dim", "end_dim") in ({"start_dim": 1}, {"start_dim": 1, "end_dim": -1})


def _averages(node: fx.Node) -> bool:
    """Whether the node is the mean over the axis that follows the examples."""
    return node.target in ("mean", torch.mean) and _arguments(node, "dim", "keepdim") in (
        {"dim": 1},
        {"dim": 1, "keepdim": False},
    )


def _arguments(node: fx.Node, *names: str) -> dict[str, Any]:
    """What the node is called with, behind its first argument, by name."""
    return dict(zip(names, node.args[1:], strict=False)) | {
        name: value for name, value in node.kwargs.items() if name not in ("input", "self")
    }


def _may_overwrite(source: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the source is a fresh result of a layer, read by one operation and not needed for its own gradient."""
    module = _module(source, modules)
    if len(source.users) != 1:
        return False
    if isinstance(module, nn.Identity):
        return _may_overwrite(source.all_input_nodes[0], modules)
    return isinstance(module, (nn.Linear, nn.BatchNorm1d))


def _named(node: fx.Node) -> str:
    return getattr(node.target, "__name__", str(node.target))


def _rows(current: Pass, value: Tensor) -> Tensor:
    """The model's input: tokens as they are, features as "run feature example"."""
    del current
    if not value.is_floating_point():
        return value
    if value.dim() != 3:
        raise InputError(f"Inputs of shape {tuple(value.shape)} need a Flatten first; expected run, example, feature.")
    return value.transpose(1, 2)


def _images(current: Pass, value: Tensor) -> Tensor:
    """The model's input, "run example ...", where its first operation is to flatten it."""
    del current
    return value.flatten(2).transpose(1, 2)


def _flatten(current: Pass, value: Tensor) -> Tensor:
    """Nothing: activations have one feature axis, since the input has."""
    del current
    return value


def _unknown(what: str) -> InputError:
    known = [kind.__name__ for kind in MODULES]
    return InputError(
        f"A cohort cannot compute '{what}'. Known: {', '.join(known)}, Flatten, relu, and the mean of embeddings."
    )


def _linear(name: str, module: nn.Module) -> Operation:
    del module

    def operation(current: Pass, value: Tensor) -> Tensor:
        bias = current.state.get(f"{name}.bias")
        weight = current.state[f"{name}.weight"]
        return weight @ value if bias is None else torch.baddbmm(bias[:, :, None], weight, value)

    return operation


def _batch_norm(name: str, module: nn.Module) -> Operation:
    assert isinstance(module, nn.BatchNorm1d)
    if module.momentum is None or not module.affine or not module.track_running_stats:
        raise _unknown("BatchNorm1d without momentum, affine or track_running_stats")
    momentum, eps = module.momentum, module.eps

    def operation(current: Pass, value: Tensor) -> Tensor:
        parts = {key: current.state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")}
        if current.training and current.weights is not None:
            return _masked_batch_norm(value, current.weights, parts, momentum, eps)
        if current.training and value.device.type == "cpu":
            return _batch_norm_by_group(value, parts, momentum, eps)
        channels = value.reshape(1, -1, value.shape[-1])
        flat = [part.view(-1) for part in parts.values()]
        return F.batch_norm(channels, *flat, training=current.training, momentum=momentum, eps=eps).view(value.shape)

    return operation


def _batch_norm_by_group(value: Tensor, parts: dict[str, Tensor], momentum: float, eps: float) -> Tensor:
    """BatchNorm as a GroupNorm in which each run's feature is a group: on a CPU several times faster."""
    runs, features, examples = value.shape
    if examples == 1:
        raise InputError("BatchNorm cannot normalize a batch of one example; change the batch size.")
    groups, affine = runs * features, (parts["weight"].view(-1), parts["bias"].view(-1))
    result, mean, rstd = torch.native_group_norm(value.contiguous(), *affine, 1, groups, examples, groups, eps)
    with torch.no_grad():
        # The kernel gives 1 / sqrt(variance + eps); rounding may leave a hair below zero.
        var = rstd.square().reciprocal_().sub_(eps).clamp_(min=0).mul_(examples / (examples - 1))
        parts["running_mean"].lerp_(mean.view(runs, features), momentum)
        parts["running_var"].lerp_(var.view(runs, features), momentum)
    return result


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
    assert isinstance(module, nn.Embedding)
    if module.padding_idx is not None or module.max_norm is not None or module.scale_grad_by_freq:
        raise _unknown("Embedding with padding_idx, max_norm or scale_grad_by_freq")
    return lambda current, tokens: Embedded(current.state[f"{name}.weight"], tokens)


def _mean_of_embedded(current: Pass, value: Embedded) -> Tensor:
    """The mean of each example's embeddings, "run feature example"."""
    del current
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
        return F.embedding_bag(tokens, table, mode="sum").div_(tokens.shape[1])  # twice as fast as mode="mean"

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
    # Overwriting a view costs autograd more copies than it saves.
    return value.relu() if value._is_view() else value.relu_()


def _gelu(current: Pass, value: Tensor, approximate: str) -> Tensor:
    del current
    return F.gelu(value, approximate=approximate)


MODULES: dict[type[nn.Module], Callable[[str, nn.Module], Operation]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Embedding: _embedding,
    nn.ReLU: lambda name, module: _relu,
    nn.Tanh: lambda name, module: lambda current, value: value.tanh(),
    nn.GELU: lambda name, module: partial(_gelu, approximate=str(module.approximate)),
    nn.Identity: lambda name, module: lambda current, value: value,
}
FUNCTIONS: dict[Any, Operation] = {F.relu: _relu, torch.relu: _relu}
