"""Trains many runs of one architecture together: parameters, optimizer state and statistics on a leading run axis.

The objective is the mean over a run's examples, summed over runs: a run's gradient does not depend on the others.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.errors import unknown
from sublearn.training.batches import Batch
from sublearn.training.lift import Lifted, State, lifted
from sublearn.training.losses import Loss
from sublearn.training.optimizers import optimizer_for

Watch = Callable[[int, State], None]
"""Called with the number of steps done and the state then."""
Change = Callable[[State], None]
"""Called before each step of the optimizer with the state, in whose tensors the gradients stand that it may change."""


@dataclass(frozen=True)
class Trained:
    """The state after training and each step's loss ("step run"), averaged over that run's examples."""

    state: State
    losses: Tensor


def stack(states: Sequence[Mapping[str, Tensor]]) -> State:
    """State dicts of single runs as one, every tensor with a leading run axis."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """A module's state dict, in which parameters that two layers share stand once."""
    shared = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    shared -= {name for name, _ in model.named_parameters()}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in shared}


def unstack(state: State) -> list[dict[str, Tensor]]:
    """The state dict of each run."""
    runs = len(next(iter(state.values())))
    return [{name: tensor[run] for name, tensor in state.items()} for run in range(runs)]


def train(
    model: nn.Module,
    state: State,
    batches: Iterable[Batch],
    loss: Loss,
    cfg: TrainConfig,
    frozen: Collection[str] = (),
    watch: Watch | None = None,
    keys: Tensor | None = None,
    change: Change | None = None,
) -> Trained:
    """Train every run of `state` on its own batches, a step a batch; `model` is only the template.

    `frozen` names parameters or modules that are not trained; `keys` are for layers that draw, of which none has a
    rule; `change` changes gradients. Nothing in a step waits for the device but, where somebody listens (`stages`),
    some of the losses.
    """
    del keys
    many = lifted(model)
    current = {name: tensor.detach().clone() for name, tensor in state.items()}
    trained = [current[name].requires_grad_() for name in trained_names(model, frozen)]
    optimizer = optimizer_for(trained, cfg, stacked=True) if trained else None
    losses = []
    if watch:
        watch(0, detached(current))
    for step, batch in enumerate(batches, 1):
        losses.append(_step(many, current, batch, loss, optimizer, change))
        stages.stepped(losses[-1])
        if watch:
            watch(step, detached(current))
    return Trained(detached(current), torch.stack(losses) if losses else no_losses(state))


def trained_names(model: nn.Module, frozen: Collection[str]) -> list[str]:
    """The parameters that are neither frozen nor made without a gradient.

    Raises InputError for a frozen name that covers no parameter.
    """
    wanted = {name: own.requires_grad for name, own in model.named_parameters()}
    layers = {name[:end] for name in wanted for end, mark in enumerate(f"{name}.") if mark == "."}
    for one in frozen:
        if one not in layers:
            raise unknown("layer", one, layers)
    return [name for name, trained in wanted.items() if trained and not _covers(frozen, name)]


def run_keys(state: State) -> Tensor:
    """Keys ("run") where none are given: runs are told apart by their place alone."""
    first = next(iter(state.values()))
    return torch.arange(len(first), device=first.device)


def detached(state: State) -> State:
    """The state without a graph of autograd's."""
    return {name: tensor.detach() for name, tensor in state.items()}


def no_losses(state: State) -> Tensor:
    """The losses ("step run") of no step at all."""
    first = next(tensor for tensor in state.values() if tensor.is_floating_point())
    return first.new_zeros(0, len(first))


def logits(model: nn.Module, state: State, inputs: Tensor) -> Tensor:
    """Logits "run example logit" in evaluation mode, for inputs "run example ..."; gradients go through."""
    return lifted(model)(state, inputs)


def diverged(losses: Tensor) -> dict[int, tuple[int, float]]:
    """Runs whose loss ("step run") was infinite or NaN: the first such step, counted from 0, and that loss."""
    bad = ~losses.isfinite()
    found = bad.any(dim=0).nonzero().flatten().tolist()
    first = bad.int().argmax(dim=0) if len(losses) else losses
    return {run: (int(first[run]), float(losses[first[run], run])) for run in found}


def _step(
    many: Lifted,
    state: State,
    batch: Batch,
    loss: Loss,
    optimizer: torch.optim.Optimizer | None,
    change: Change | None,
) -> Tensor:
    by_example = loss(many(state, batch.inputs, batch.weights, training=True), batch.targets)
    if batch.weights is None:
        by_run = by_example.mean(dim=1)
    else:
        weights = batch.weights.to(by_example.dtype)
        by_run = (by_example * weights).sum(dim=1) / weights.sum(dim=1)
    if optimizer is not None:
        by_run.sum().backward()
        if change:
            change(state)
        optimizer.step()
        optimizer.zero_grad()
    return by_run.detach()


def _covers(frozen: Collection[str], name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in frozen)
