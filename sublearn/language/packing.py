"""Examples side by side without padding, and a small model made quicker: the same numbers but for their last digits.

For models of a few layers on a CPU, which spend their time on places that nobody asks for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from sublearn.language import finetune
from sublearn.language.finetune import Batch, Example

PACKED = ("gpt2", "llama")
"""Families whose attention takes a mask of its own for each line, and that know a word's place by number alone."""
MOST_WEIGHTS = 5_000_000


def quick(model: PreTrainedModel) -> PreTrainedModel:
    """The model with GELU in one call and attention as plain products, both faster where rows are short."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
    model.set_attn_implementation("eager")
    return model


def suits(model: PreTrainedModel) -> bool:
    """Whether a model is one that is trained faster on packed lines; of a large one products are most of the work."""
    family, device = model.config.model_type, model.device.type
    return family in PACKED and device == "cpu" and model.num_parameters() <= MOST_WEIGHTS


def pack(chosen: Sequence[Example], pad: int, weights: Sequence[float] | None = None) -> Batch:
    """Examples in lines of twice their mean length, each unseen by the others of its line.

    `weights` are those of each example's tokens in the loss.
    """
    counts = [len(one.tokens) - 1 for one in chosen]
    width = max(*counts, -(-2 * sum(counts) // len(counts)))
    tokens: list[int] = []
    places: list[int] = []
    owner: list[int] = []
    for line in _lines(counts, width):
        for number in line:
            tokens += chosen[number].tokens[:-1]
            places += range(counts[number])
            owner += [number] * counts[number]
        rest = -len(tokens) % width
        tokens, places, owner = tokens + [pad] * rest, places + [0] * rest, owner + [len(chosen)] * rest
    of = torch.tensor(owner)
    lined = of.view(-1, width)
    unseen = (lined[:, :, None] != lined[:, None, :]).logical_or_(_later(width))
    mask = torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None]
    at, targets = _learned(chosen, owner)
    learned = torch.zeros(len(owner), dtype=torch.bool)
    learned[at] = True
    return Batch(
        torch.tensor(tokens).view(-1, width),
        learned.view(-1, width),
        torch.tensor(targets),
        torch.tensor(places).view(-1, width),
        mask,
        None if weights is None else torch.tensor(weights)[of[at]],
    )


def together(parts: Sequence[Sequence[Example]], pad: int) -> Batch:
    """Several batches as one, whose loss is the mean of theirs."""
    weights = [1 / (len(parts) * sum(map(_count, part))) for part in parts for _ in part]
    return pack([one for part in parts for one in part], pad, weights)


def batches(found: Sequence[Example], size: int, steps: int, rng: np.random.Generator, pad: int) -> Iterator[Batch]:
    """So many batches, of the same examples as `finetune.batches`."""
    return (pack(some, pad) for some in finetune.dealt(found, size, steps, rng))


def _learned(chosen: Sequence[Example], owner: Sequence[int]) -> tuple[list[int], list[int]]:
    """Where learned tokens are asked for, in reading order, and which these are."""
    at: list[int] = []
    targets: list[int] = []
    start = 0
    for number, own in groupby(owner):
        if number < len(chosen):
            one = chosen[number]
            wanted = [place for place in range(max(one.start, 1), len(one.tokens)) if place not in one.skipped]
            at += [start + place - 1 for place in wanted]
            targets += [one.tokens[place] for place in wanted]
        start += sum(1 for _ in own)
    return at, targets


def _count(one: Example) -> int:
    """How many tokens of an example are learned."""
    first = max(one.start, 1)
    return len(one.tokens) - first - sum(place >= first for place in set(one.skipped))


def _lines(counts: Sequence[int], width: int) -> list[list[int]]:
    """The longest first, each into the first line that has room for it."""
    lines: list[list[int]] = []
    room: list[int] = []
    for number in sorted(range(len(counts)), key=lambda number: -counts[number]):
        place = next((place for place, left in enumerate(room) if left >= counts[number]), None)
        if place is None:
            lines.append([])
            room.append(width)
            place = -1
        lines[place].append(number)
        room[place] -= counts[number]
    return lines


def _later(size: int) -> Tensor:
    return torch.ones(size, size, dtype=torch.bool).triu(1)


@contextmanager
def learned_alone(block: nn.Module, batch: Batch) -> Iterator[None]:
    """Within it the last block's feed-forward network reads the learned places alone: no others are asked for."""
    inner: Any = getattr(block, "mlp", None)
    if not isinstance(inner, nn.Module):
        yield
        return
    whole = inner.forward

    def some(hidden: Tensor) -> Tensor:
        return torch.zeros_like(hidden).index_put((batch.learned,), whole(hidden[batch.learned]))

    inner.forward = some
    try:
        yield
    finally:
        del inner.forward
