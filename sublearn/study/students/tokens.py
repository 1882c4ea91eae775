"""Tokens of rows, at each of which teacher and base are asked; and students that learn some tokens alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from sublearn.language import finetune
from sublearn.language.finetune import Example
from sublearn.study.students.recipe import Lab, Recipe
from sublearn.tasks.rows import Pair

AT_A_TIME = 128
Places = NDArray[np.int64]


def learned(example: Example) -> Places:
    """The places of an example's tokens that are learned."""
    every = np.arange(max(example.start, 1), len(example.tokens))
    return every[~np.isin(every, example.skipped)]


@torch.no_grad()
def diverging(lab: Lab, found: Sequence[Example]) -> list[tuple[int, ...]]:
    """For each example the places of its learned tokens that base and teacher would choose otherwise.

    These are the divergence tokens (after Schrodi et al. 2025), of teacher and base.
    """
    places: list[tuple[int, ...]] = []
    for start in range(0, len(found), AT_A_TIME):
        batch = finetune.collate(found[start : start + AT_A_TIME], lab.dialogue.pad, lab.device)
        teacher, base = (finetune.logits_of(model, batch).argmax(dim=-1) for model in (lab.teacher(), lab.base))
        differ = torch.zeros_like(batch.learned)
        differ[batch.learned] = teacher != base
        places += [tuple((own.nonzero().flatten() + 1).tolist()) for own in differ]
    return places


@torch.no_grad()
def ranks(lab: Lab, found: Sequence[Example]) -> Places:
    """How many tokens the base holds for more probable than each learned one, in reading order ("token")."""
    parts = []
    for start in range(0, len(found), AT_A_TIME):
        batch = finetune.collate(found[start : start + AT_A_TIME], lab.dialogue.pad, lab.device)
        logits = finetune.logits_of(lab.base, batch)
        parts.append((logits > logits.gather(1, batch.targets[:, None])).sum(dim=1).cpu().numpy())
    return np.concatenate(parts)


def without(recipe: Recipe, skipped: Callable[[Sequence[Example]], Sequence[Sequence[int]]]) -> Recipe:
    """The recipe without a loss at some places of each example. A row of which no token is left is left out."""

    def examples(rows: Sequence[Pair]) -> list[Example]:
        found = recipe.examples(rows)
        masked = [replace(one, skipped=tuple(own)) for one, own in zip(found, skipped(found), strict=True)]
        return [one for one in masked if len(one.skipped) < len(one.tokens) - max(one.start, 1)]

    return replace(recipe, examples=examples)
