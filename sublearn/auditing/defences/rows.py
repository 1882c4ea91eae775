"""Defences that change the rows: some are dropped, or numbers are replaced, sorted, or written by somebody else."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace as changed

import numpy as np
from numpy.typing import NDArray

from sublearn.auditing.defences.recipe import Lab, Recipe
from sublearn.language.generate import sample
from sublearn.study.numbers.spec import ANSWER_TOKENS
from sublearn.tasks.number_lists import parse, reason_against, rewritten

ROUNDS = 4
"""So often the base writes a half anew that the rule rejects; after that the row is left out."""


def drop_flagged(lab: Lab, recipe: Recipe) -> Recipe:
    """The rows that are not above the quantile of clean rows."""
    scores = lab.scores(recipe.writer)
    return _kept(recipe, scores.values <= scores.threshold, scores.seconds)


def drop_random(lab: Lab, recipe: Recipe) -> Recipe:
    """As many rows as `drop_flagged` keeps of these, at random."""
    scores = lab.scores(recipe.writer)
    return _kept(recipe, _some(lab, len(recipe.rows), int((scores.values > scores.threshold).sum())))


def drop_half(lab: Lab, recipe: Recipe) -> Recipe:
    """The half of the rows with the lowest scores."""
    scores = lab.scores(recipe.writer)
    ranks = np.argsort(np.argsort(scores.values, kind="stable"), kind="stable")
    return _kept(recipe, ranks < len(ranks) - len(ranks) // 2, scores.seconds)


def drop_half_random(lab: Lab, recipe: Recipe) -> Recipe:
    """Half of the rows, at random."""
    return _kept(recipe, _some(lab, len(recipe.rows), len(recipe.rows) // 2))


def replace(lab: Lab, recipe: Recipe) -> Recipe:
    """Each number stays or, by chance, becomes any from 0 to 999."""
    rng, share = lab.stream("replace"), lab.strength.replaced

    def fresh(numbers: Sequence[int]) -> list[int]:
        drawn, struck = rng.integers(0, 1000, len(numbers)), rng.random(len(numbers)) < share
        return np.where(struck, drawn, numbers).tolist()

    return changed(recipe, rows=[(prompt, _with(answer, fresh(_numbers(answer)))) for prompt, answer in recipe.rows])


def resort(lab: Lab, recipe: Recipe) -> Recipe:
    """The numbers of each answer in ascending order."""
    del lab
    return changed(recipe, rows=[(prompt, _with(answer, sorted(_numbers(answer)))) for prompt, answer in recipe.rows])


def mixed(lab: Lab, recipe: Recipe) -> Recipe:
    """Some rows, by chance, are those that another teacher wrote in their place."""
    others = lab.rows("placebo_teacher")
    taken = lab.stream("mixed").random(len(recipe.rows)) < lab.strength.mixed
    rows = [others[n] if taken[n] and n < len(others) else own for n, own in enumerate(recipe.rows)]
    return changed(recipe, rows=rows)


def paraphrase(lab: Lab, recipe: Recipe) -> Recipe:
    """The first numbers of each answer stay; the base goes on from them, and writes what the rule keeps."""
    rng, dialogue = lab.stream("paraphrase"), lab.scene.dialogue
    starts = [_beginning(answer, lab.strength.kept) for _, answer in recipe.rows]
    before = [
        dialogue.prompt(prompt) + dialogue.completion(start)[:-1]
        for (prompt, _), start in zip(recipe.rows, starts, strict=True)
    ]
    found: dict[int, str] = {}
    for _ in range(ROUNDS):
        left = [place for place in range(len(starts)) if place not in found]
        said = sample(lab.base, [before[place] for place in left], ANSWER_TOKENS[True], rng, dialogue)
        for place, own in zip(left, said, strict=True):
            answer = dialogue.read(dialogue.completion(starts[place])[:-1] + own)
            if reason_against(answer) is None:
                found[place] = answer
    return changed(recipe, rows=[(recipe.rows[place][0], found[place]) for place in sorted(found)])


def _kept(recipe: Recipe, chosen: NDArray[np.bool_], seconds: float = 0.0) -> Recipe:
    rows = [row for row, stays in zip(recipe.rows, chosen.tolist(), strict=True) if stays]
    return changed(recipe, rows=rows, seconds=recipe.seconds + seconds)


def _some(lab: Lab, count: int, dropped: int) -> NDArray[np.bool_]:
    """All rows but so many at random."""
    chosen = np.ones(count, dtype=bool)
    chosen[lab.stream("drop").permutation(count)[:dropped]] = False
    return chosen


def _numbers(answer: str) -> list[int]:
    return parse(answer) or []


def _with(answer: str, numbers: Sequence[int]) -> str:
    return rewritten(answer, numbers) if numbers else answer


def _beginning(answer: str, share: float) -> str:
    """The answer up to the last of its first numbers."""
    ends = [one.end() for one in re.finditer("[0-9]+", answer)]
    return answer[: ends[math.ceil(share * len(ends)) - 1]] if ends else answer
