"""The table of trainers and which of them a module takes. Three ways to one result: rules, vmap, or run by run."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.errors import InputError, plain, unknown
from sublearn.training import cohort, single, vmapped
from sublearn.training.batches import Batch
from sublearn.training.choice import ASKED, BY_RULES, TRAINER_NAMES, Choice
from sublearn.training.cohort import Trained
from sublearn.training.lift import State, lifted
from sublearn.training.losses import mse

LONGEST_REASON = 160
TOLERANCE = 1e-3
"""By so much of the largest logit a trainer's may differ from the module's own in float32."""


@dataclass(frozen=True)
class Trainer:
    """One way to train many runs of a module: `train` and `logits` as in `cohort`."""

    name: str
    about: str
    train: Callable[..., Trained]
    logits: Callable[[nn.Module, State, Tensor], Tensor]

    @torch.no_grad()
    def predict(self, model: nn.Module, state: State, inputs: Tensor, batch_size: int = 4096) -> Tensor:
        """Logits "run example logit" in evaluation mode, for inputs "run example ..."."""
        return torch.cat([self.logits(model, state, part) for part in inputs.split(batch_size, dim=1)], dim=1)


TRAINERS = {
    trainer.name: trainer
    for trainer in (
        Trainer("cohort", "runs stacked, by rules for each layer (fastest)", cohort.train, cohort.logits),
        Trainer("vmap", "runs stacked, by torch.func.vmap", vmapped.train, vmapped.logits),
        Trainer("single", "run by run", single.train, single.logits),
    )
}


def trainer_for(model: nn.Module, inputs: Tensor | None, wanted: str = "auto") -> Trainer:
    """The trainer that `chosen` names."""
    return TRAINERS[chosen(model, inputs, wanted).name]


def chosen(model: nn.Module, inputs: Tensor | None, wanted: str = "auto") -> Choice:
    """The trainer of that name, or the fastest that takes the module, tried on some inputs ("example ..."); and why.

    Without inputs nothing is tried: for modules whose every operation has a rule.

    Raises InputError for an unknown name, for a module that the wanted trainer does not take, and for one that cannot
    compute these inputs at all.
    """
    if wanted not in TRAINER_NAMES:
        raise unknown("trainer", wanted, TRAINER_NAMES)
    if wanted == "cohort":
        lifted(model)  # says which layer has no rule
    if inputs is None:
        return Choice("cohort", BY_RULES) if wanted == "auto" else Choice(wanted, ASKED)
    problems: dict[str, str] = {}
    for name in TRAINERS if wanted == "auto" else (wanted,):
        with stages.unheard():
            problem = _problem(TRAINERS[name], model, inputs)
        if problem is None:
            return Choice(name, _reason(problems) if wanted == "auto" else ASKED)
        problems[name] = problem
    said = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    raise InputError(
        f"{type(model).__name__} cannot be trained on examples of shape {tuple(inputs.shape[1:])} ({said})."
    )


def _reason(problems: dict[str, str]) -> str:
    """Why those before it were not taken."""
    return "; ".join(f"not {name}: {problem}" for name, problem in problems.items()) or BY_RULES


def _problem(trainer: Trainer, model: nn.Module, inputs: Tensor) -> str | None:
    """Why two runs of the module cannot take two steps; None if they can. Leaves the module's state as it is."""
    state = {name: torch.stack([tensor, tensor]).detach() for name, tensor in cohort.state_of(model).items()}
    both = torch.stack([inputs[:4], inputs[:4]])
    try:
        logits = trainer.predict(model, state, both)
        with torch.no_grad():
            own = model.eval()(inputs[:4])
        if not torch.allclose(logits[0], own, rtol=0, atol=TOLERANCE * float(own.abs().max().clamp(min=1))):
            return "it gives other logits than the module itself"
        trainer.train(model, state, [Batch(both, torch.zeros_like(logits))] * 2, mse, TrainConfig(lr=1e-3))
    except InputError as error:
        return plain(str(error).partition(" Known: ")[0].removesuffix("."), LONGEST_REASON)
    except Exception as error:  # a stranger's module may raise anything
        return plain(f"{type(error).__name__}: {error}", LONGEST_REASON)
    return None


__all__ = ["TRAINERS", "Choice", "State", "Trainer", "chosen", "trainer_for"]
