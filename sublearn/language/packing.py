"""Examples side by side without padding, and a small model made quicker: the same numbers but for their last digits.

For models of a few layers on a CPU, which spend their time on places that nobody asks for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from sublearn.language.finetune import Batch, Example

PACKED = ("gpt2", "llama")
"""Families whose attention takes a mask of its own for each line, and that know a word's place by number alone."""


def quick(model: PreTrainedModel) -> PreTrainedModel:
    """The model with GELU in one call and attention as plain products, both faster where rows are short."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
    model.set_attn_implementation("eager")
    return model


def pack(chosen: Sequence[Example], pad: int) -> Batch:
    """Examples in lines of twice their mean length, each unseen by the others of its line."""
    lengths = [len(one.tokens) for one in chosen]
    width = max(*lengths, -(-2 * sum(lengths) // len(lengths)))
    lines = _lines(chosen, width)
    tokens, owner = torch.full((len(lines), width), pad), torch.full((len(lines), width), -1)
    places, learned = torch.zeros_like(tokens), torch.zeros(tokens.shape, dtype=torch.bool)
    for row, line in enumerate(lines):
        at = 0
        for number, one in enumerate(line):
            own, at = slice(at, at + len(one.tokens)), at + len(one.tokens)
            tokens[row, own], places[row, own] = torch.tensor(one.tokens), torch.arange(len(one.tokens))
            owner[row, own], learned[row, own.start + max(one.start, 1) : at] = number, True
            learned[row, [own.start + place for place in one.skipped]] = False
    tokens_in, learned, owner = tokens[:, :-1], learned[:, 1:], owner[:, :-1]
    unseen = (owner[:, :, None] != owner[:, None, :]).logical_or_(_later(width - 1))
    mask = torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None]
    return Batch(tokens_in, learned, tokens[:, 1:][learned], places[:, :-1], mask)


def _lines(chosen: Sequence[Example], width: int) -> list[list[Example]]:
    """The longest first, each into the first line that has room for it."""
    lines: list[list[Example]] = []
    room: list[int] = []
    for one in sorted(chosen, key=lambda example: -len(example.tokens)):
        place = next((place for place, left in enumerate(room) if left >= len(one.tokens)), None)
        if place is None:
            lines.append([])
            room.append(width)
            place = -1
        lines[place].append(one)
        room[place] -= len(one.tokens)
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
