"""The same trainings as a cohort's, for any module that `torch.func.vmap` can take: no operation needs a rule here."""

from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.training.batches import Batch
from sublearn.training.cohort import Trained, Watch, detached, no_losses, run_keys, trained_names
from sublearn.training.lift import State
from sublearn.training.losses import Loss
from sublearn.training.optimizers import optimizer_for
from sublearn.training.randomness import RunRandomness, keys_at


def train(
    model: nn.Module,
    state: State,
    batches: Iterable[Batch],
    loss: Loss,
    cfg: TrainConfig,
    frozen: Collection[str] = (),
    watch: Watch | None = None,
    keys: Tensor | None = None,
) -> Trained:
    """As `cohort.train`; `keys` ("run", int64) are what each run's dropout depends on.

    Raises RuntimeError for a module that vmap cannot take, or that draws random numbers in another way than by dropout.
    """
    current = {name: tensor.detach().clone() for name, tensor in state.items()}
    trained = [current[name].requires_grad_() for name in trained_names(model, frozen)]
    optimizer = optimizer_for(trained, cfg, stacked=True) if trained else None
    keys = run_keys(state) if keys is None else keys
    losses = []
    if watch:
        watch(0, detached(current))
    for step, batch in enumerate(batches, 1):
        by_run = _losses(model, current, batch, loss, keys_at(keys, step))
        losses.append(by_run.detach())
        stages.stepped(losses[-1])
        if optimizer is not None:
            optimizer.zero_grad()
            by_run.sum().backward()
            optimizer.step()
        if watch:
            watch(step, detached(current))
    return Trained(detached(current), torch.stack(losses) if losses else no_losses(state))


def logits(model: nn.Module, state: State, inputs: Tensor) -> Tensor:
    """As `cohort.logits`."""
    model.eval()
    return _logits(model, state, inputs, run_keys(state))


def _losses(model: nn.Module, state: State, batch: Batch, loss: Loss, keys: Tensor) -> Tensor:
    """Each run's mean loss ("run"). Runs with padding are computed apart, so that no layer ever sees padding."""
    model.train()
    if batch.weights is None:
        return loss(_logits(model, state, batch.inputs, keys), batch.targets).mean(dim=1)
    counts = batch.weights.count_nonzero(dim=1)
    parts = []
    for count in counts.unique().tolist():
        runs = (counts == count).nonzero().flatten()
        own = {name: tensor[runs] for name, tensor in state.items()}
        logits = _logits(model, own, batch.inputs[runs, :count], keys[runs])
        parts.append((runs, loss(logits, batch.targets[runs, :count]).mean(dim=1)))
        _put_back(model, state, own, runs)
    return torch.cat([part for _, part in parts])[torch.cat([runs for runs, _ in parts]).argsort()]


def _logits(model: nn.Module, state: State, inputs: Tensor, keys: Tensor) -> Tensor:
    def forward(own: dict[str, Tensor], rows: Tensor, key: Tensor) -> Any:
        with RunRandomness(key):
            return functional_call(model, own, (rows,))

    return vmap(forward, randomness="error")(state, inputs, keys)


def _put_back(model: nn.Module, state: State, own: State, runs: Tensor) -> None:
    """Buffers that a forward pass wrote into are copies here."""
    with torch.no_grad():
        for name, _ in model.named_buffers():
            if name in state:
                state[name][runs] = own[name]
