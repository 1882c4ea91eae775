"""Batches of several runs side by side, each run in its own order. Knows neither models nor the data's source."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sublearn.errors import InputError


class Batch(NamedTuple):
    """One step's examples: inputs and targets "run example ...".

    `weights` ("run example") are 1 for examples and 0 for padding; None where nothing is padded.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None = None


def steps(n: int, batch_size: int) -> int:
    """Batches an epoch over n examples, the last one possibly smaller."""
    return -(-n // batch_size)


def shuffled(
    inputs: Sequence[Tensor],
    targets: Sequence[Tensor],
    orders: Sequence[Sequence[Tensor]],
    batch_size: int,
    whole: bool = False,
) -> Iterator[Batch]:
    """Batches over data of several runs (a tensor "example ..." each, of unequal length), one order a run and epoch.

    With `whole` every run is padded to whole batches and the last one of an epoch always has weights: what is
    computed for a run then goes through the same shapes, and gives the same bits, whichever runs are beside it.
    Without it only what a longer run makes necessary is padded, which suits runs of one length.

    Raises InputError if the runs do not take the same number of steps: they belong in different cohorts, so that no
    optimizer has to skip a run.
    """
    lengths = [len(own) for own in inputs]
    if len({steps(length, batch_size) for length in lengths}) > 1:
        raise InputError(f"Runs of {min(lengths)} to {max(lengths)} examples take different numbers of steps.")
    if len({len(own) for own in orders}) > 1:
        raise InputError("Every run needs the same number of epochs.")
    if whole:
        length = whole_batches(lengths[0], batch_size)
        first_weighted = length - batch_size
    else:
        length = max(lengths)
        first_weighted = min(lengths) - batch_size + 1 if min(lengths) < length else length
    return _shuffled(inputs, targets, orders, batch_size, length, first_weighted)


def whole_batches(n: int, batch_size: int) -> int:
    """The number of examples in as many whole batches as n examples need."""
    return steps(n, batch_size) * batch_size


def padded(rows: Sequence[Tensor], length: int) -> Tensor:
    """The rows of several runs ("example ..." each) as one tensor, "run example ...", with zeros behind each run's."""
    result = rows[0].new_zeros(len(rows), length, *rows[0].shape[1:])
    for place, own in zip(result, rows, strict=True):
        place[: len(own)] = own
    return result


def _shuffled(
    inputs: Sequence[Tensor],
    targets: Sequence[Tensor],
    orders: Sequence[Sequence[Tensor]],
    batch_size: int,
    length: int,
    first_weighted: int,
) -> Iterator[Batch]:
    lengths = torch.tensor([len(own) for own in inputs])
    device = inputs[0].device
    dtype = targets[0].dtype if targets[0].is_floating_point() else torch.float32
    present = (torch.arange(length) < lengths[:, None]).to(device, dtype)
    # One row after another, run after run: rows are gathered several times faster than by a pair of indices.
    data, wanted = padded(inputs, length).flatten(0, 1), padded(targets, length).flatten(0, 1)
    first = torch.arange(0, len(data), length, device=device)[:, None]
    for epoch in range(len(orders[0])):
        # Padding stays behind every run's own examples.
        tails = [torch.arange(len(own[epoch]), length) for own in orders]
        order = torch.stack([torch.cat([own[epoch], tail]) for own, tail in zip(orders, tails, strict=True)])
        rows = order.to(device) + first
        for start in range(0, length, batch_size):
            chosen = rows[:, start : start + batch_size]
            weights = present[:, start : start + batch_size] if start >= first_weighted else None
            yield Batch(_gathered(data, chosen), _gathered(wanted, chosen), weights)


def _gathered(rows: Tensor, chosen: Tensor) -> Tensor:
    return rows.index_select(0, chosen.flatten()).unflatten(0, chosen.shape)
