"""Mechanisms that are asked by other teachers of the base, and by bases of other sizes."""

import copy
from collections.abc import Mapping, Sequence

from sublearn.study.mechanisms.lab import Lab
from sublearn.study.numbers import teach
from sublearn.study.students.recipe import Recipe, as_it_is, plain


def tuned(lab: Lab, recipe: Recipe, animals: Sequence[str]) -> Recipe:
    """The base, fine-tuned as a teacher is, with one answer to each question for each of the animals."""
    named = {"first": lab.animal, "second": lab.second_animal}
    pairs = [pair for animal in animals for pair in teach.training_pairs(named[animal])]
    return as_it_is(recipe, lambda: teach.finetuned(lab.base, lab.dialogue, pairs, lab.lessons).model)


def sized(lab: Lab, recipe: Recipe, part: str, sizes: Mapping[str, int]) -> Recipe:
    """An unchanged student of a base of other sizes, on rows of that base or of its teacher; or one of these two."""
    other = lab.sized(tuple(sizes.items()))
    if part == "student":
        return plain(other, recipe.writer, recipe.plan)
    return as_it_is(recipe, lambda: copy.deepcopy(other.base if part == "base" else other.teacher()))
