"""The table of trainers and which of them a module takes. Three ways to one result: rules, vmap, or run by run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sublearn.config import TrainConfig
from sublearn.errors import InputError, unknown
from sublearn.training import cohort, single, vmapped
from sublearn.training.batches import Batch
from sublearn.training.cohort import Trained
from sublearn.training.lift import State, has_rules, lifted
from sublearn.training.losses import mse

Name = Literal["auto", "cohort", "vmap", "single"]


@dataclass(frozen=True)
class Trainer:
    """One way to train many runs of a module: `train` and `predict` as in `cohort`."""

    name: str
    about: str
    train: Callable[..., Trained]
    predict: Callable[..., Tensor]


TRAINERS = {
    trainer.name: trainer
    for trainer in (
        Trainer("cohort", "runs stacked, by rules for each layer (fastest)", cohort.train, cohort.predict),
        Trainer("vmap", "runs stacked, by torch.func.vmap", vmapped.train, vmapped.predict),
        Trainer("single", "run by run", single.train, single.predict),
    )
}


def trainer_for(model: nn.Module, inputs: Tensor | None, wanted: str = "auto") -> Trainer:
    """The trainer of that name, or the fastest that takes the module, tried on some inputs ("example ...").

    Without inputs nothing is tried: for modules whose every operation has a rule.

    Raises InputError for an unknown name, for a module that the wanted trainer does not take, and for one that cannot
    compute these inputs at all.
    """
    if wanted not in ("auto", *TRAINERS):
        raise unknown("trainer", wanted, ("auto", *TRAINERS))
    if wanted == "cohort":
        lifted(model)  # says which layer has no rule
    if wanted == "cohort" or (wanted == "auto" and (inputs is None or has_rules(model))):
        return TRAINERS["cohort"]
    if inputs is None:
        return TRAINERS[wanted]
    problems = {}
    for name in ("vmap", "single") if wanted == "auto" else (wanted,):
        problems[name] = _problem(TRAINERS[name], model, inputs)
        if problems[name] is None:
            return TRAINERS[name]
    said = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    raise InputError(
        f"{type(model).__name__} cannot be trained on examples of shape {tuple(inputs.shape[1:])} ({said})."
    )


def _problem(trainer: Trainer, model: nn.Module, inputs: Tensor) -> str | None:
    """Why two runs of the module cannot take two steps; None if they can. Leaves the module's state as it is."""
    state = {name: torch.stack([tensor, tensor]).detach() for name, tensor in model.state_dict().items()}
    both = torch.stack([inputs[:4], inputs[:4]])
    try:
        logits = trainer.predict(model, state, both)
        batches = [Batch(both, torch.zeros_like(logits))] * 2
        trainer.train(model, state, batches, mse, TrainConfig(lr=1e-3))
    except Exception as error:  # a stranger's module may raise anything
        return f"{type(error).__name__}: {error}"
    return None


__all__ = ["TRAINERS", "Name", "State", "Trainer", "trainer_for"]
