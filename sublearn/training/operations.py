"""What each layer of a traced module is for many runs at once: forward rules, under autograd. Knows no module's graph.

Activations are (run, feature, example): a linear layer is then one batched matrix product, and BatchNorm over all
runs is one call of a plain kernel, with a group for each run and feature. The one gradient that is written by hand is
that of the mean of embeddings, whose scattered addition would be most of a small network's step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csc_array
from torch import Tensor, nn

from sublearn.errors import InputError


@dataclass(frozen=True)
class Context:
    """What a rule may look at: the stacked state, padding weights ("run example" or None), training or not."""

    state: Mapping[str, Tensor]
    weights: Tensor | None
    training: bool


@dataclass(frozen=True)
class Embedded:
    """Tokens ("run example position") that are to be looked up in a table ("run token feature")."""

    table: Tensor
    tokens: Tensor


Rule = Callable[[Context, Any], Any]
"""(the pass, the value) to the result for every run; activations are "run feature example"."""


def unknown(what: str) -> InputError:
    """The error for an operation without a rule."""
    known = [kind.__name__ for kind in MODULES]
    return InputError(
        f"A cohort cannot compute '{what}'. Known: {', '.join(known)}, Flatten, relu, and the mean of embeddings."
    )


def as_features(context: Context, value: Tensor) -> Tensor:
    """The model's input: tokens as they are, features as "run feature example"."""
    del context
    if not value.is_floating_point():
        return value
    if value.dim() != 3:
        raise InputError(f"Inputs of shape {tuple(value.shape)} need a Flatten first; expected run, example, feature.")
    return value.transpose(1, 2)


def flattened(context: Context, value: Tensor) -> Tensor:
    """The model's input, "run example ...", where its first operation is to flatten it."""
    del context
    return value.flatten(2).transpose(1, 2)


def unchanged(context: Context, value: Any) -> Any:
    """Nothing: an Identity, or a Flatten of activations, which have one feature axis since the input has."""
    del context
    return value


def relu(context: Context, value: Tensor) -> Tensor:
    """ReLU into new memory."""
    del context
    return value.relu()


def relu_in_place(context: Context, value: Tensor) -> Tensor:
    """ReLU of a value that nothing else reads: one allocation less."""
    del context
    return value.relu_()


def tanh(context: Context, value: Tensor) -> Tensor:
    """Tanh."""
    del context
    return value.tanh()


def mean_of_embedded(context: Context, value: Embedded) -> Tensor:
    """The mean of each example's embeddings, "run feature example"."""
    del context
    found: Any = _MeanOfEmbedded.apply(value.table, value.tokens)
    return found.transpose(1, 2)


class _MeanOfEmbedded(torch.autograd.Function):
    """Means "run example feature" of the rows of a table ("run token feature") at tokens "run example position"."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, tokens: Tensor) -> Tensor:
        runs, size, features = table.shape
        # 32 bits hold every row of every run's table and halve what is gathered.
        offsets = torch.arange(0, runs * size, size, device=tokens.device, dtype=torch.int32)[:, None, None]
        places = (tokens.to(torch.int32) + offsets).flatten(0, 1)
        ctx.save_for_backward(places)
        ctx.shape = table.shape
        sums = F.embedding_bag(places, table.view(-1, features), mode="sum")  # and divided: faster than mode="mean"
        return sums.div_(places.shape[1]).view(runs, -1, features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        runs, size, features = ctx.shape
        by_example = gradients[0].reshape(-1, features) / places.shape[1]
        return _added_by_token(by_example, places, runs * size).view(ctx.shape), None


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


def _linear(name: str, module: nn.Module) -> Rule:
    del module

    def rule(context: Context, value: Tensor) -> Tensor:
        weight, bias = context.state[f"{name}.weight"], context.state.get(f"{name}.bias")
        return torch.bmm(weight, value) if bias is None else torch.baddbmm(bias[:, :, None], weight, value)

    return rule


def _embedding(name: str, module: nn.Module) -> Rule:
    assert isinstance(module, nn.Embedding)
    if module.padding_idx is not None or module.max_norm is not None or module.scale_grad_by_freq:
        raise unknown("Embedding with padding_idx, max_norm or scale_grad_by_freq")
    return lambda context, tokens: Embedded(context.state[f"{name}.weight"], tokens)


def _batch_norm(name: str, module: nn.Module) -> Rule:
    assert isinstance(module, nn.BatchNorm1d)
    if module.momentum is None or not module.affine or not module.track_running_stats:
        raise unknown("BatchNorm1d without momentum, affine or track_running_stats")
    momentum, eps = module.momentum, module.eps

    def rule(context: Context, value: Tensor) -> Tensor:
        weight, bias = context.state[f"{name}.weight"], context.state[f"{name}.bias"]
        statistics = context.state[f"{name}.running_mean"], context.state[f"{name}.running_var"]
        if not context.training or (context.weights is None and value.device.type != "cpu"):
            return _plain_batch_norm(value, weight, bias, statistics, context.training, momentum, eps)
        normalize = _batch_norm_by_group if context.weights is None else partial(_masked_batch_norm, context.weights)
        result, mean, var = normalize(value, weight, bias, eps)
        with torch.no_grad():
            for running, now in zip(statistics, (mean, var), strict=True):
                running.lerp_(now.view(running.shape), momentum)
        return result

    return rule


def _plain_batch_norm(
    value: Tensor,
    weight: Tensor,
    bias: Tensor,
    statistics: tuple[Tensor, Tensor],
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """BatchNorm over all runs as one call of the plain kernel, with a channel for each run and feature."""
    channels = value.reshape(1, -1, value.shape[-1])
    mean, var = (part.view(-1) for part in statistics)
    result = F.batch_norm(channels, mean, var, weight.reshape(-1), bias.reshape(-1), training, momentum, eps)
    return result.view(value.shape)


def _batch_norm_by_group(value: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """BatchNorm as a GroupNorm in which each run's feature is a group: on a CPU several times faster.

    Gives the result, and the means and unbiased variances of the batch.
    """
    runs, features, examples = value.shape
    if examples == 1:
        raise InputError("BatchNorm cannot normalize a batch of one example; change the batch size.")
    groups = runs * features
    result, mean, rstd = torch.native_group_norm(
        value.contiguous(), weight.reshape(-1), bias.reshape(-1), 1, groups, examples, groups, eps
    )
    # The kernel gives 1 / sqrt(variance + eps); rounding may leave a hair below zero.
    var = rstd.detach().square().reciprocal_().sub_(eps).clamp_(min=0).mul_(examples / (examples - 1))
    return result, mean.detach(), var


def _masked_batch_norm(
    weights: Tensor, value: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """BatchNorm over the examples of weight 1; padding gets the bias alone."""
    present = weights.to(value.dtype)[:, None, :]
    n = present.sum(dim=-1)
    mean = (value * present).sum(dim=-1) / n
    centred = (value - mean[:, :, None]) * present
    var = centred.square().sum(dim=-1) / n
    scale = weight * (var + eps).rsqrt()
    return centred * scale[:, :, None] + bias[:, :, None], mean.detach(), (var * (n / (n - 1))).detach()


MODULES: dict[type[nn.Module], Callable[[str, nn.Module], Rule]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Embedding: _embedding,
    nn.ReLU: lambda name, module: relu,
    nn.Tanh: lambda name, module: tanh,
    nn.GELU: lambda name, module: lambda context, value: F.gelu(value, approximate=str(module.approximate)),
    nn.Identity: lambda name, module: unchanged,
}
FUNCTIONS: dict[Any, Rule] = {
    F.relu: relu,
    torch.relu: relu,
    "relu": relu,
    torch.tanh: tanh,
    "tanh": tanh,
}
"""Functions of one tensor, and methods by their names."""
