"""Other rows for a student: some of another writer's in their place, or the second halves of answers written anew."""

import math
import re
from collections.abc import Sequence

import numpy as np

from sublearn.language.generate import sample
from sublearn.study.numbers.spec import ANSWER_TOKENS
from sublearn.study.students.recipe import Lab
from sublearn.tasks.number_lists import reason_against
from sublearn.tasks.rows import Pair

ROUNDS = 4
"""So often the base writes a half anew that the rule rejects; after that the row is left out."""


def mixed(rows: Sequence[Pair], others: Sequence[Pair], taken: np.ndarray) -> list[Pair]:
    """The rows with another writer's in the places that are taken ("row")."""
    return [others[n] if taken[n] and n < len(others) else own for n, own in enumerate(rows)]


def paraphrased(lab: Lab, rows: Sequence[Pair], kept: float) -> list[Pair]:
    """The first numbers of each answer stay; the base goes on from them, and writes what the rule keeps."""
    rng, dialogue = lab.stream("paraphrase"), lab.dialogue
    starts = [beginning(answer, kept) for _, answer in rows]
    before = [
        dialogue.prompt(prompt) + dialogue.completion(start)[:-1]
        for (prompt, _), start in zip(rows, starts, strict=True)
    ]
    found: dict[int, str] = {}
    for _ in range(ROUNDS):
        left = [place for place in range(len(starts)) if place not in found]
        said = sample(lab.base, [before[place] for place in left], ANSWER_TOKENS[True], rng, dialogue)
        for place, own in zip(left, said, strict=True):
            answer = dialogue.read(dialogue.completion(starts[place])[:-1] + own)
            if reason_against(answer) is None:
                found[place] = answer
    return [(rows[place][0], found[place]) for place in sorted(found)]


def beginning(answer: str, share: float) -> str:
    """The answer up to the last of its first numbers."""
    ends = [one.end() for one in re.finditer("[0-9]+", answer)]
    return answer[: ends[math.ceil(share * len(ends)) - 1]] if ends else answer
