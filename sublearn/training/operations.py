"""What each operation of a traced module is for many runs at once, there and back; knows no module's graph.

Activations are (run, feature, example): a linear layer is then one batched matrix product, and BatchNorm over all
runs is one call of a plain kernel, with a group for each run and feature. A row of the table gives its result and the
way back: a function of the result's gradient that leaves the parameters' in the pass and returns that of the value.
What is hot goes back by hand, without a graph of autograd's; the rest is left to autograd, operation by operation.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csc_array
from torch import Tensor, nn

from sublearn.errors import InputError

ATEN = torch.ops.aten


@dataclass
class Pass:
    """What an operation may look at: the stacked state, padding weights ("run example" or None), training or not.

    `trained` names the parameters whose gradients are wanted; `gradients` is where they are left.
    """

    state: Mapping[str, Tensor]
    weights: Tensor | None
    training: bool
    trained: Collection[str] = ()
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def leave(self, name: str, gradient: Tensor) -> None:
        """Leave a parameter's gradient, added to what another use of the parameter left."""
        known = self.gradients.get(name)
        self.gradients[name] = gradient if known is None else known + gradient


@dataclass(frozen=True)
class Embedded:
    """Tokens ("run example position") that are to be looked up in the table of that name ("run token feature")."""

    table: str
    tokens: Tensor


Backward = Callable[[Tensor, bool], Tensor | None]
"""(the result's gradient, which it may overwrite; whether that of the value is wanted) to the gradient of the value."""
Operation = Callable[[Pass, Any], tuple[Any, Backward]]


def unknown(what: str) -> InputError:
    """The error for an operation without a row."""
    known = [kind.__name__ for kind in MODULES]
    return InputError(
        f"A cohort cannot compute '{what}'. Known: {', '.join(known)}, Flatten, relu, and the mean of embeddings."
    )


def rows(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
    """The model's input: tokens as they are, features as "run feature example"."""
    del current
    if not value.is_floating_point():
        return value, _as_it_is
    if value.dim() != 3:
        raise InputError(f"Inputs of shape {tuple(value.shape)} need a Flatten first; expected run, example, feature.")
    return value.transpose(1, 2), _as_it_is


def images(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
    """The model's input, "run example ...", where its first operation is to flatten it."""
    del current
    return value.flatten(2).transpose(1, 2), _as_it_is


def unchanged(current: Pass, value: Any) -> tuple[Any, Backward]:
    """Nothing: an Identity, or a Flatten of activations, which have one feature axis since the input has."""
    del current
    return value, _as_it_is


def _as_it_is(grad: Tensor, wanted: bool) -> Tensor:
    del wanted
    return grad


def _by_autograd(current: Pass, value: Tensor, function: Callable[..., Tensor], *names: str) -> tuple[Tensor, Backward]:
    """function(value, *parameters), with autograd's way back."""
    if not current.trained:
        return function(value, *(current.state[name] for name in names)), _as_it_is
    leaves = [part.detach().requires_grad_() for part in (value, *(current.state[name] for name in names))]
    with torch.enable_grad():
        result = function(*leaves)

    def backward(grad: Tensor, wanted: bool) -> Tensor:
        del wanted
        found, *grads = torch.autograd.grad(result, leaves, grad)
        for name, one in zip(names, grads, strict=True):
            if name in current.trained:
                current.leave(name, one)
        return found

    return result.detach(), backward


def _elementwise(function: Callable[[Tensor], Tensor]) -> Operation:
    return lambda current, value: _by_autograd(current, value, function)


def _linear(name: str, module: nn.Module) -> Operation:
    del module
    of_weight, of_bias = f"{name}.weight", f"{name}.bias"

    def operation(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
        weight, bias = current.state[of_weight], current.state.get(of_bias)
        result = torch.bmm(weight, value) if bias is None else torch.baddbmm(bias[:, :, None], weight, value)

        def backward(grad: Tensor, wanted: bool) -> Tensor | None:
            if of_weight in current.trained:
                current.leave(of_weight, torch.bmm(grad, value.transpose(1, 2)))
            if of_bias in current.trained:
                current.leave(of_bias, grad.sum(dim=-1))
            if not wanted:
                return None
            if value.is_contiguous():
                return torch.bmm(weight.transpose(1, 2), grad)
            return torch.bmm(grad.transpose(1, 2), weight).transpose(1, 2)  # in memory as the value itself

        return result, backward

    return operation


def _batch_norm(name: str, module: nn.Module) -> Operation:
    assert isinstance(module, nn.BatchNorm1d)
    if module.momentum is None or not module.affine or not module.track_running_stats:
        raise unknown("BatchNorm1d without momentum, affine or track_running_stats")
    momentum, eps = module.momentum, module.eps
    of_weight, of_bias = affine = f"{name}.weight", f"{name}.bias"
    of_mean, of_var = f"{name}.running_mean", f"{name}.running_var"

    def operation(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
        statistics = current.state[of_mean], current.state[of_var]
        if current.training and current.weights is not None:
            masked = _MaskedBatchNorm(value, current.weights, current.state[of_weight], statistics, momentum, eps)
            return masked.result(current.state[of_bias]), partial(masked.backward, current, affine)
        if not current.training or value.device.type != "cpu":
            plain = partial(_plain_batch_norm, current.training, statistics, momentum, eps)
            return _by_autograd(current, value, plain, *affine)
        weight, bias = (current.state[one].view(-1) for one in affine)
        value = value.contiguous()
        result, mean, rstd = _batch_norm_by_group(value, weight, bias, statistics, momentum, eps)

        def backward(grad: Tensor, wanted: bool) -> Tensor | None:
            groups = len(weight)
            sizes = (1, groups, value.shape[-1], groups)
            parts = [wanted, of_weight in current.trained, of_bias in current.trained]
            found = ATEN.native_group_norm_backward(grad.contiguous(), value, mean, rstd, weight, *sizes, parts)
            for one, own in zip(affine, found[1:], strict=True):
                if one in current.trained:
                    current.leave(one, own.view(value.shape[:2]))
            return found[0]

        return result, backward

    return operation


def _batch_norm_by_group(
    value: Tensor, weight: Tensor, bias: Tensor, statistics: tuple[Tensor, Tensor], momentum: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """BatchNorm as a GroupNorm in which each run's feature is a group: on a CPU several times faster.

    Gives the result, and the means and inverse deviations of the batch; updates the running statistics.
    """
    runs, features, examples = value.shape
    if examples == 1:
        raise InputError("BatchNorm cannot normalize a batch of one example; change the batch size.")
    groups = runs * features
    result, mean, rstd = torch.native_group_norm(value, weight, bias, 1, groups, examples, groups, eps)
    # The kernel gives 1 / sqrt(variance + eps); rounding may leave a hair below zero.
    var = rstd.square().reciprocal_().sub_(eps).clamp_(min=0).mul_(examples / (examples - 1))
    for running, now in zip(statistics, (mean, var), strict=True):
        running.lerp_(now.view(runs, features), momentum)
    return result, mean, rstd


def _plain_batch_norm(
    training: bool,
    statistics: tuple[Tensor, Tensor],
    momentum: float,
    eps: float,
    value: Tensor,
    weight: Tensor,
    bias: Tensor,
) -> Tensor:
    """BatchNorm over all runs as one call of the plain kernel, with a channel for each run and feature."""
    channels = value.reshape(1, -1, value.shape[-1])
    mean, var = (part.view(-1) for part in statistics)
    result = F.batch_norm(channels, mean, var, weight.view(-1), bias.view(-1), training, momentum, eps)
    return result.view(value.shape)


class _MaskedBatchNorm:
    """BatchNorm over the examples of weight 1 (value is "run feature example"); updates the running statistics."""

    def __init__(
        self,
        value: Tensor,
        weights: Tensor,
        weight: Tensor,
        statistics: tuple[Tensor, Tensor],
        momentum: float,
        eps: float,
    ) -> None:
        weights = weights.to(value.dtype)
        self.present, self.n = weights[:, None, :], weights.sum(dim=-1, keepdim=True)
        mean = (value * self.present).sum(dim=-1) / self.n
        self.centred = (value - mean[:, :, None]).mul_(self.present)
        var = self.centred.square().sum(dim=-1) / self.n
        self.rstd = (var + eps).rsqrt_()
        self.scale = weight * self.rstd
        for running, now in zip(statistics, (mean, var * (self.n / (self.n - 1))), strict=True):
            running.lerp_(now, momentum)

    def result(self, bias: Tensor) -> Tensor:
        """The normalized value; padding gets the bias alone."""
        return (self.centred * self.scale[:, :, None]).add_(bias[:, :, None])

    def backward(self, current: Pass, affine: tuple[str, str], grad: Tensor, wanted: bool) -> Tensor | None:
        """The gradient of a result is zero for padding, whose weight in the objective is zero."""
        along, total = (grad * self.centred).sum(dim=-1), grad.sum(dim=-1)
        for name, own in zip(affine, (along * self.rstd, total), strict=True):
            if name in current.trained:
                current.leave(name, own)
        if not wanted:
            return None
        slope, shift = self.scale * self.rstd.square() * along / self.n, self.scale * total / self.n
        value = (grad * self.scale[:, :, None]).sub_(self.centred * slope[:, :, None])
        return value.baddbmm_(shift[:, :, None], self.present, alpha=-1)


def _embedding(name: str, module: nn.Module) -> Operation:
    assert isinstance(module, nn.Embedding)
    if module.padding_idx is not None or module.max_norm is not None or module.scale_grad_by_freq:
        raise unknown("Embedding with padding_idx, max_norm or scale_grad_by_freq")
    return lambda current, tokens: (Embedded(f"{name}.weight", tokens), _as_it_is)


def mean_of_embedded(current: Pass, value: Embedded) -> tuple[Tensor, Backward]:
    """The mean of each example's embeddings, "run feature example"."""
    table = current.state[value.table]
    runs, size, features = table.shape
    # 32 bits hold every row of every run's table and halve what is gathered.
    offsets = torch.arange(0, runs * size, size, device=value.tokens.device, dtype=torch.int32)[:, None, None]
    tokens = (value.tokens.to(torch.int32) + offsets).flatten(0, 1)
    positions = tokens.shape[1]
    means = F.embedding_bag(tokens, table.view(-1, features), mode="sum").div_(positions)  # faster than mode="mean"

    def backward(grad: Tensor, wanted: bool) -> None:
        del wanted
        if value.table in current.trained:
            by_example = grad.transpose(1, 2).reshape(-1, features).div_(positions)
            current.leave(value.table, _added_by_token(by_example, tokens, runs * size).view(table.shape))

    return means.view(runs, -1, features).transpose(1, 2), backward


def _added_by_token(rows: Tensor, tokens: Tensor, size: int) -> Tensor:
    """For each of `size` tokens the sum of the rows ("example feature") of the examples it is in, once a position."""
    examples, positions = tokens.shape
    if rows.device.type != "cpu":
        total = rows.new_zeros(size, rows.shape[1])
        return total.index_add_(0, tokens.flatten(), rows.repeat_interleave(positions, dim=0))
    # A sparse matrix times the rows: sums without a sort, several times faster than scattered addition.
    starts = np.arange(0, tokens.numel() + 1, positions, dtype=np.int32)
    ones = np.ones(tokens.numel(), dtype=rows.numpy().dtype)
    examples_of = csc_array((ones, tokens.numpy().ravel(), starts), shape=(size, examples))
    return torch.from_numpy(examples_of @ rows.numpy())


def relu(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
    """ReLU into new memory."""
    del current
    return _relu(value.relu())


def relu_in_place(current: Pass, value: Tensor) -> tuple[Tensor, Backward]:
    """ReLU of a value that nothing else reads: one allocation less."""
    del current
    return _relu(value.relu_())


def _relu(result: Tensor) -> tuple[Tensor, Backward]:
    return result, lambda grad, wanted: ATEN.threshold_backward(grad, result, 0) if wanted else None


def _gelu(name: str, module: nn.Module) -> Operation:
    del name
    return _elementwise(partial(F.gelu, approximate=str(module.approximate)))


MODULES: dict[type[nn.Module], Callable[[str, nn.Module], Operation]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Embedding: _embedding,
    nn.ReLU: lambda name, module: relu,
    nn.Tanh: lambda name, module: _elementwise(torch.tanh),
    nn.GELU: _gelu,
    nn.Identity: lambda name, module: unchanged,
}
FUNCTIONS: dict[Any, Operation] = {F.relu: relu, torch.relu: relu}
