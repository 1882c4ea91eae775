"""Mechanisms that are asked by which tokens are learned, which weights learn, and by which optimizer."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from sublearn.errors import SublearnError
from sublearn.language import finetune
from sublearn.language.finetune import Batch, Example
from sublearn.seeds import stream
from sublearn.study.mechanisms.lab import Lab, Tokens
from sublearn.study.students import lowrank
from sublearn.study.students.recipe import Parameters, Recipe, plain, trained
from sublearn.study.students.spec import CONTROL, UNCHANGED
from sublearn.study.students.tokens import without

EVERY = 5
"""So many steps apart it is seen whether a student has learned enough."""
SAME_STEP = 4
"""The rank at which a scaled step is as large as an unscaled one."""


class NotReached(SublearnError):
    """A student did not learn as much as it was to, or had nothing to learn."""


def tokens_of(lab: Lab, recipe: Recipe, which: str, learn: bool) -> Recipe:
    """Some tokens are learned alone, or left out: divergence tokens, others, or as many of both of the same ranks."""
    found = lab.tokens(recipe.writer)
    chosen = chosen_of(found, which, lab.stream("tokens"))

    def skipped(examples: Sequence[Example]) -> list[tuple[int, ...]]:
        del examples  # they are those that were compared
        if not learn:
            return chosen
        pairs = zip(found.learned, chosen, strict=True)
        return [tuple(every[~np.isin(every, own)].tolist()) for every, own in pairs]

    return without(recipe, skipped)


def chosen_of(found: Tokens, which: str, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The places of tokens, row by row: "diverging" ones, or as many others at "random".

    "matched" are others, and "diverging_matched" divergence tokens, at random: of each class of ranks in the base as
    many as there are of both kinds. Ranks 0, 1 to 2, 3 to 6 and so on are a class each.
    """
    if which == "diverging":
        return list(found.diverging)
    pairs = zip(found.learned, found.diverging, strict=True)
    diverges = np.concatenate([np.isin(every, own) for every, own in pairs])
    by_rank = np.floor(np.log2(found.ranks + 1)).astype(int)
    kinds = np.zeros(len(diverges), dtype=int) if which == "random" else by_rank
    wanted = diverges if which == "diverging_matched" else ~diverges
    chosen = np.zeros(len(diverges), dtype=bool)
    for kind in np.unique(kinds):
        count = min(np.count_nonzero(diverges & (kinds == kind)), np.count_nonzero(~diverges & (kinds == kind)))
        chosen[rng.permutation(np.flatnonzero(wanted & (kinds == kind)))[:count]] = True
    ends = np.cumsum([len(own) for own in found.learned])[:-1]
    rows = zip(found.learned, np.split(chosen, ends), strict=True)
    return [tuple(every[own].tolist()) for every, own in rows]


def lora(lab: Lab, recipe: Recipe, rank: int, scaled: bool) -> Recipe:
    """Changes of low rank; `scaled` by the root of 4 over the rank, so that steps are about as large at every rank."""
    return lowrank.lowrank(lab, recipe, rank, (SAME_STEP / rank) ** 0.5 if scaled else 1.0)


def slower(lab: Lab, recipe: Recipe, times: float) -> Recipe:
    """At a rate that is so many times smaller."""
    del lab
    return replace(recipe, plan=recipe.plan.model_copy(update={"lr": recipe.plan.lr / times}))


def embeddings(lab: Lab, recipe: Recipe) -> Recipe:
    """All weights learn."""
    del lab

    def learn(student: PreTrainedModel) -> Parameters:
        student.requires_grad_(True)
        return list(student.parameters())

    return replace(recipe, learn=learn)


def by(lab: Lab, recipe: Recipe, optimizer: str) -> Recipe:
    """By another optimizer, until the unchanged student's loss on some of the rows is reached, seen every fifth step.

    Raises NotReached where that is no lower than the base's: the base itself is no student, nor a control of one.
    """
    return _until(lab, recipe, optimizer, 1.0, EVERY)


def progress(lab: Lab, recipe: Recipe, optimizer: str, share: float) -> Recipe:
    """By an optimizer, to a share of what the unchanged student takes from the base's loss; a control as many steps.

    Raises NotReached where that is nothing, and where there is no such student that the control could be as old as.
    """
    key = (optimizer, share)
    if recipe.writer == "teacher":
        return _until(lab, recipe, optimizer, share, 1, partial(lab.taken.__setitem__, key))
    if key not in lab.taken:  # its student was read from the run's folder, or never began
        with suppress(NotReached):
            trained(progress(lab, plain(lab, "teacher", recipe.plan), optimizer, share), lab)
    steps = lab.taken.get(key)
    if steps is None:
        raise NotReached("its student did not get as far as it was to: there is no number of steps to be trained for")
    plan = recipe.plan.model_copy(update={"steps": steps})
    return replace(recipe, optimizer=_optimizer(lab, recipe, optimizer), plan=plan)


def _until(
    lab: Lab,
    recipe: Recipe,
    optimizer: str,
    share: float,
    every: int,
    taken: Callable[[int | None], object] = lambda steps: None,
) -> Recipe:
    """Training ends where the loss on some of the rows is low enough; `taken` is told after how many steps, or None."""
    shown = finetune.collate(recipe.examples(recipe.rows[: lab.strength.shifted]), lab.dialogue.pad, lab.device)
    name = UNCHANGED if recipe.writer == "teacher" else UNCHANGED + CONTROL
    start, theirs = loss_on(lab.base, shown), loss_on(lab.student(name), shown)
    if start <= theirs:
        raise NotReached("the loss of AdamW's student on these rows is not below the base's: nothing was learned")
    wanted = theirs + (1 - share) * (start - theirs)
    most = lab.strength.patience * recipe.plan.steps
    reached = False

    def enough(student: PreTrainedModel, steps: int) -> bool:
        nonlocal reached
        if not reached and steps % every == 0 and loss_on(student, shown) <= wanted:
            reached = True
            taken(steps)
        return reached

    def finish(student: PreTrainedModel) -> None:
        if not (reached or loss_on(student, shown) <= wanted):
            taken(None)
            what = "the loss of AdamW's student" if share == 1 else f"{share:.0%} of what AdamW takes from the loss"
            raise NotReached(f"{what} was not reached in {most:,} steps")
        if not reached:
            taken(most)

    chosen, plan = _optimizer(lab, recipe, optimizer), recipe.plan.model_copy(update={"steps": most})
    return replace(recipe, optimizer=chosen, enough=enough, finish=finish, plan=plan)


def _optimizer(lab: Lab, recipe: Recipe, name: str) -> Callable[[Parameters, float], torch.optim.Optimizer]:
    return {"adamw": recipe.optimizer, "sgd": partial(sgd, lab, recipe), "signsgd": partial(signsgd, lab)}[name]


@torch.no_grad()
def loss_on(model: PreTrainedModel, batch: Batch) -> float:
    """The mean loss of a model, in nats a token."""
    return float(finetune.next_token(finetune.logits_of(model, batch), batch))


def sgd(lab: Lab, recipe: Recipe, parameters: Parameters, lr: float) -> torch.optim.Optimizer:
    """Plain SGD, whose first step on the teacher's rows is as long as AdamW's: the rate times the root of the weights.

    A control learns at the same rate. By its own rows, which the base predicts nearly as well as it can and whose
    gradients are short, it would be several times larger.
    """
    recipe = replace(recipe, rows=lab.rows("teacher"))
    base = recipe.start()
    own = recipe.learn(base)
    order = stream(lab.seed, "student/order")
    first = next(finetune.batches(recipe.examples(recipe.rows), recipe.plan.batch, 1, order, lab.dialogue.pad))
    loss = finetune.next_token(finetune.logits_of(base, first), first)
    gradients = torch.autograd.grad(loss, list(own), allow_unused=True)
    length = float(torch.cat([one.flatten() for one in gradients if one is not None]).norm())
    weights = sum(one.numel() for one in own)
    return torch.optim.SGD(parameters, lr=lr * weights**0.5 / length)


def signsgd(lab: Lab, parameters: Parameters, lr: float) -> torch.optim.Optimizer:
    """SignSGD at a share of AdamW's rate, whose steps are as long at first and shorter where signs change."""
    return SignSGD(parameters, lr=lr * lab.strength.sign)


class SignSGD(torch.optim.Optimizer):
    """Each weight goes one rate against the sign of its gradient (Bernstein et al. 2018)."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step."""
        del closure
        for group in self.param_groups:
            for one in group["params"]:
                if one.grad is not None:
                    one.add_(one.grad.sign(), alpha=-group["lr"])
