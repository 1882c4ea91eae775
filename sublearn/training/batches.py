"""Batches of several runs side by side, each run in its own order. Knows neither models nor the data's source."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

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
    inputs: Sequence[Tensor], targets: Sequence[Tensor], orders: Sequence[Sequence[Tensor]], batch_size: int
) -> Iterator[Batch]:
    """Batches over data of several runs (a tensor "example ..." each, of unequal length), one order a run and epoch.

    Raises InputError if the runs do not take the same number of steps: they belong in different cohorts, so that no
    optimizer has to skip a run.
    """
    lengths = [len(own) for own in inputs]
    if len({steps(length, batch_size) for length in lengths}) > 1:
        raise InputError(f"Runs of {min(lengths)} to {max(lengths)} examples take different numbers of steps.")
    if len({len(own) for own in orders}) > 1:
        raise InputError("Every run needs the same number of epochs.")
    return _shuffled(inputs, targets, orders, batch_size)


def _shuffled(
    inputs: Sequence[Tensor], targets: Sequence[Tensor], orders: Sequence[Sequence[Tensor]], batch_size: int
) -> Iterator[Batch]:
    lengths = torch.tensor([len(own) for own in inputs])
    shortest, longest = int(lengths.min()), int(lengths.max())
    device = inputs[0].device
    dtype = targets[0].dtype if targets[0].is_floating_point() else torch.float32
    present = (torch.arange(longest) < lengths[:, None]).to(device, dtype)
    data, wanted = pad_sequence(list(inputs), batch_first=True), pad_sequence(list(targets), batch_first=True)
    # One row after another, run after run: rows are gathered several times faster than by a pair of indices.
    data, wanted = data.flatten(0, 1), wanted.flatten(0, 1)
    first = torch.arange(0, len(data), longest, device=device)[:, None]
    for epoch in range(len(orders[0])):
        # Padding stays behind every run's own examples.
        tails = [torch.arange(len(own[epoch]), longest) for own in orders]
        order = torch.stack([torch.cat([own[epoch], tail]) for own, tail in zip(orders, tails, strict=True)])
        rows = order.to(device) + first
        for start in range(0, longest, batch_size):
            chosen = rows[:, start : start + batch_size]
            ragged = start + batch_size > shortest and shortest != longest
            weights = present[:, start : start + batch_size] if ragged else None
            yield Batch(_gathered(data, chosen), _gathered(wanted, chosen), weights)


def _gathered(rows: Tensor, chosen: Tensor) -> Tensor:
    return rows.index_select(0, chosen.flatten()).unflatten(0, chosen.shape)
