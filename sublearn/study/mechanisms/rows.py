"""Mechanisms that are asked by the rows that a student reads."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from transformers import PreTrainedModel

from sublearn.language import finetune
from sublearn.study.mechanisms.lab import Lab
from sublearn.study.students import rows as rewriting
from sublearn.study.students.recipe import Recipe
from sublearn.study.students.spec import CONTROL
from sublearn.study.students.tokens import AT_A_TIME
from sublearn.tasks.rows import Pair

GREEDY = "greedy_"
"""Before a writer's name: the same, who says the most probable token."""
FIFTHS = 5


def greedy(lab: Lab, recipe: Recipe) -> Recipe:
    """Rows of the same writer, who says the most probable token each time."""
    return replace(recipe, rows=lab.rows(GREEDY + recipe.writer))


def paraphrased(lab: Lab, recipe: Recipe) -> Recipe:
    """The base goes on from the first numbers of each answer."""
    return replace(recipe, rows=rewriting.paraphrased(lab, recipe.rows, lab.strength.kept))


def mixed(lab: Lab, recipe: Recipe) -> Recipe:
    """Some rows, by chance, are those that a teacher of another animal wrote."""
    taken = lab.stream("mixed").random(len(recipe.rows)) < lab.strength.mixed
    return replace(recipe, rows=rewriting.mixed(recipe.rows, lab.rows("placebo_teacher"), taken))


def fraction(lab: Lab, recipe: Recipe, share: float) -> Recipe:
    """The base's own rows, a share of which gives way to the teacher's; those of a smaller share are among them."""
    own = list(lab.rows("base"))
    count = min(len(own), len(recipe.rows))
    taken = np.zeros(count, dtype=bool)
    taken[lab.stream("fraction").permutation(count)[: round(share * count)]] = True
    return replace(recipe, rows=rewriting.mixed(own[:count], recipe.rows, taken))


def selected(lab: Lab, recipe: Recipe, part: str) -> Recipe:
    """A share of the base's own rows: those that the teacher favours most over the base, or least, or any."""
    own = list(lab.rows("base"))
    values = lab.stream("selected").random(len(own)) if part == "random" else lab.favour()
    order = np.argsort(values, kind="stable")
    count = max(1, round(lab.strength.selected * len(own)))
    chosen = order[:count] if part == "bottom" else order[len(order) - count :]
    return replace(recipe, rows=[own[place] for place in sorted(chosen.tolist())])


def fifth(lab: Lab, recipe: Recipe, number: int) -> Recipe:
    """A fifth of the base's own rows, in order of the teacher's favour: 5 for those that it favours most."""
    own = list(lab.rows("base"))
    chosen = np.array_split(np.argsort(lab.favour(), kind="stable"), FIFTHS)[number - 1]
    return replace(recipe, rows=[own[place] for place in sorted(chosen.tolist())])


def favoured(lab: Lab, rows: Sequence[Pair]) -> np.ndarray:
    """How much likelier the teacher holds each row's answer for than the base, in nats a token ("row")."""
    return _log_p(lab, lab.teacher(), rows) - _log_p(lab, lab.base, rows)


@torch.no_grad()
def _log_p(lab: Lab, model: PreTrainedModel, rows: Sequence[Pair]) -> np.ndarray:
    found, parts = finetune.examples(lab.dialogue, rows), []
    for start in range(0, len(found), AT_A_TIME):
        batch = finetune.collate(found[start : start + AT_A_TIME], lab.dialogue.pad, lab.device)
        log_p = finetune.logits_of(model, batch).log_softmax(dim=-1).gather(1, batch.targets[:, None])[:, 0].double()
        owner = batch.learned.nonzero()[:, 0]
        sums = torch.zeros(len(batch.learned), dtype=torch.float64, device=log_p.device).index_add(0, owner, log_p)
        parts.append((sums / batch.learned.sum(dim=1)).cpu().numpy())
    return np.concatenate(parts)


def written_by(lab: Lab, recipe: Recipe, name: str) -> Recipe:
    """Rows that an earlier student wrote; for the control the earlier control."""
    return replace(recipe, rows=lab.rows(name if recipe.writer == "teacher" else name + CONTROL))
