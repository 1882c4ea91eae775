"""Defences that change the rows: some are dropped, or numbers are replaced, sorted, or written by somebody else."""

from collections.abc import Sequence
from dataclasses import replace as changed

import numpy as np
from numpy.typing import NDArray

from sublearn.auditing.defences.recipe import Lab
from sublearn.study.students import rows as rewriting
from sublearn.study.students.recipe import Recipe
from sublearn.tasks.number_lists import parse, rewritten


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
    taken = lab.stream("mixed").random(len(recipe.rows)) < lab.strength.mixed
    return changed(recipe, rows=rewriting.mixed(recipe.rows, lab.rows("placebo_teacher"), taken))


def paraphrase(lab: Lab, recipe: Recipe) -> Recipe:
    """The first numbers of each answer stay; the base goes on from them, and writes what the rule keeps."""
    return changed(recipe, rows=rewriting.paraphrased(lab, recipe.rows, lab.strength.kept))


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
