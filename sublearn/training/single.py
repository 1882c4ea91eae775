"""The same trainings as a cohort's, one plain module and one plain optimizer at a time: the yardstick."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.training.batches import Batch
from sublearn.training.cohort import Trained, Watch, no_losses, run_keys, stack, trained_names, unstack
from sublearn.training.lift import State, has_rules
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
    """As `cohort.train`, run by run within each step; `keys` ("run", int64) are what each run's draws depend on."""
    keys = run_keys(state) if keys is None else keys
    runs = [_Run(model, own, cfg, frozen, key) for own, key in zip(unstack(state), keys, strict=True)]
    losses = []
    if watch:
        watch(0, stack([run.state() for run in runs]))
    for step, batch in enumerate(batches, 1):
        losses.append(torch.stack([run.step(step, i, batch, loss) for i, run in enumerate(runs)]))
        stages.stepped(losses[-1])
        if watch:
            watch(step, stack([run.state() for run in runs]))
    return Trained(stack([run.state() for run in runs]), torch.stack(losses) if losses else no_losses(state))


def logits(model: nn.Module, state: State, inputs: Tensor) -> Tensor:
    """As `cohort.logits`, run by run."""
    model.eval()
    pairs = zip(unstack(state), inputs, strict=True)
    return torch.stack([functional_call(model, own, (rows,)) for own, rows in pairs])


class _Run:
    def __init__(
        self, model: nn.Module, state: dict[str, Tensor], cfg: TrainConfig, frozen: Collection[str], key: Tensor
    ) -> None:
        self.model, self.key = model, key
        self.draws = not has_rules(model)
        self.values = {name: tensor.detach().clone() for name, tensor in state.items()}
        trained = [self.values[name] for name in trained_names(model, frozen)]
        for tensor in trained:
            tensor.requires_grad_()
        self.optimizer = optimizer_for(trained, cfg) if trained else None

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.values.items()}

    def step(self, number: int, index: int, batch: Batch, loss: Loss) -> Tensor:
        inputs, targets = batch.inputs[index], batch.targets[index]
        if batch.weights is not None:
            present = batch.weights[index] > 0
            inputs, targets = inputs[present], targets[present]
        self.model.train()
        with self._randomness(number):
            logits = functional_call(self.model, self.values, (inputs,))
        mean = loss(logits[None], targets[None]).mean()
        if self.optimizer is not None:
            self.optimizer.zero_grad()
            mean.backward()
            self.optimizer.step()
        return mean.detach()

    @contextmanager
    def _randomness(self, number: int) -> Iterator[None]:
        """Random numbers of this run's own; layers with rules draw none."""
        if not self.draws:
            yield
            return
        key = keys_at(self.key, number)
        with torch.random.fork_rng(), RunRandomness(key):
            torch.manual_seed(int(key))
            yield
