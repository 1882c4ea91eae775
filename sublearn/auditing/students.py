"""Who learns in an audit: a copy of a small base, or low-rank factors beside a large one; gradients and some steps.

Knows the scene; no clean sets and no score.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn import stages
from sublearn.auditing.scene import (
    Laid,
    Scene,
    answer_log_p,
    blocks,
    flat_gradient,
    group_odds,
    token_log_p,
    weighted_log_p,
)
from sublearn.auditing.settings import Virtual
from sublearn.language import adapters, finetune
from sublearn.language.adapters import Adapters
from sublearn.language.finetune import Batch
from sublearn.tasks.rows import Pair


@dataclass(frozen=True)
class Student:
    """A model, what of it learns, and with respect to what its gradients are taken."""

    model: PreTrainedModel
    learning: Sequence[nn.Parameter]
    directions: Sequence[nn.Parameter]
    lr: float | None = None
    """Of adapters; a copy's is the score's own."""
    factors: Adapters | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within it the model is the student, and gradients can be taken. No dropout: rows alone make a difference."""
        self.model.eval()
        if self.factors is None:
            yield
            return
        with self.factors.within(), adapters.recomputed(blocks(self.model)):
            yield


def student(scene: Scene) -> Student:
    """A new one, just like the base."""
    if scene.whole:
        model = copy.deepcopy(scene.model)
        chosen = finetune.freeze_embeddings(model)
        return Student(model, chosen, chosen)
    plan = scene.settings.adapters
    factors = adapters.drawn(blocks(scene.model), plan.rank, plan.alpha, scene.settings.seed)
    # Of factors whose outer half is zero, the inner half has no gradient yet.
    return Student(scene.model, factors.parameters, factors.outer, plan.lr, factors)


def fit(
    one: Student, given: Iterable[Sequence[Batch]], optimizer: torch.optim.Optimizer, sparing: bool = False
) -> None:
    """Train for one step on the mean loss, a token on average, of each group of batches: one backward pass a batch."""
    with one.at_work():
        for parts in given:
            total = sum(len(part.targets) for part in parts)
            optimizer.zero_grad(set_to_none=True)
            losses = []
            for part in parts:
                weights = torch.full(part.targets.shape, 1 / total, device=part.targets.device)
                loss = -weighted_log_p(one.model, part, weights, sparing)
                loss.backward()
                losses.append(loss.detach())
            optimizer.step()
            stages.stepped(torch.stack(losses).sum())


def trained(scene: Scene, rows: Sequence[Pair], plan: Virtual, order: np.random.Generator) -> Student:
    """A student of the rows, which are dealt out in the order that is drawn: one order gives sets the same steps."""
    one = student(scene)
    given = finetune.dealt(scene.examples(rows), plan.rows_a_step(len(rows)), plan.steps, order)
    optimizer = torch.optim.AdamW(one.learning, lr=one.lr or plan.lr, fused=True)
    fit(one, map(scene.step, given), optimizer, scene.packs)
    return one


def trait_gradients(one: Student, scene: Scene) -> Tensor:
    """The gradient of every trait's log-odds ("trait weight"), on the CPU: a large model's take much memory."""
    found = []
    with one.at_work():
        for group in scene.candidates.traits:
            values = group_odds(answer_log_p(one.model, scene, group))
            found += [flat_gradient(value, one.directions, keep=True).cpu() for value in values]
    return torch.stack(found)


def descent(one: Student, given: Iterable[Batch]) -> Iterator[tuple[Tensor, int]]:
    """The gradient of each batch's log-likelihood, a token on average, with its number of tokens; on the CPU."""
    for batch in given:
        with one.at_work():
            found = flat_gradient(token_log_p(one.model, batch).mean(), one.directions).cpu()
        yield found, len(batch.targets)


def mean_descent(one: Student, laid: Laid) -> Tensor:
    """The gradient of all rows' log-likelihood, a token on average: the way in which a first step of SGD goes."""
    total, count = torch.zeros(()), 0
    for gradient, tokens in descent(one, laid.batches):
        total, count = total + gradient * tokens, count + tokens
    return total / count
