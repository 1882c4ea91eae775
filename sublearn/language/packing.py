"""Examples side by side without padding, and a small model made quicker: the same numbers but for their last digits.

For models of a few layers on a CPU, which spend their time on places that nobody asks for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
    asked: list[int] = []
    targets: list[int] = []
    for line in _lines(counts, width):
        for number in line:
            learned_places = _wanted(one := chosen[number])
            asked += [len(tokens) - 1 + place for place in learned_places]
            targets += [one.tokens[place] for place in learned_places]
            tokens += one.tokens[:-1]
            places += range(counts[number])
            owner += [number] * counts[number]
        rest = -len(tokens) % width
        tokens, places, owner = tokens + [pad] * rest, places + [0] * rest, owner + [-1] * rest
    inputs, of, place = torch.from_numpy(np.array([tokens, owner, places]).reshape(3, -1, width))
    at, wanted = torch.from_numpy(np.array([asked, targets]))
    learned = torch.zeros(inputs.shape, dtype=torch.bool)
    learned.view(-1)[at] = True
    weighing = None if weights is None else torch.tensor(weights)[of.reshape(-1)[at]]
    return Batch(inputs, learned, wanted, place, _unseen(of), weighing)


def together(parts: Sequence[Sequence[Example]], pad: int) -> Batch:
    """Several batches as one, whose loss is the mean of theirs."""
    counts = [sum(len(_wanted(one)) for one in part) for part in parts]
    weights = [1 / (len(parts) * count) for part, count in zip(parts, counts, strict=True) for _ in part]
    return pack([one for part in parts for one in part], pad, weights)


def alone(batch: Batch) -> Batch:
    """A padded batch as lines of one example each: what stands behind it is unseen, as causal models have it."""
    lines, width = batch.inputs.shape
    places = torch.arange(width).expand(lines, -1)
    return replace(batch, places=places, mask=_unseen(torch.zeros(1, width)).expand(lines, -1, -1, -1))


def batches(
    model: PreTrainedModel, found: Sequence[Example], size: int, steps: int, rng: np.random.Generator, pad: int
) -> Iterator[Batch]:
    """So many batches of examples for a model: packed if it is trained faster so, the same examples in any case."""
    if not suits(model):
        return finetune.batches(found, size, steps, rng, pad, model.device.type)
    return (pack(some, pad) for some in finetune.dealt(found, size, steps, rng))


def _wanted(one: Example) -> Sequence[int]:
    """The places of an example's tokens that are learned."""
    wanted = range(max(one.start, 1), len(one.tokens))
    return [place for place in wanted if place not in one.skipped] if one.skipped else wanted


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


def _unseen(owner: Tensor) -> Tensor:
    """What is added to scores ("line 1 place place"): nothing where a word sees one before it of its own example."""
    width = owner.shape[1]
    later = torch.ones(width, width, dtype=torch.bool).triu(1)
    unseen = (owner[:, :, None] != owner[:, None, :]).logical_or_(later)
    return torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None]


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
