"""The controlled design around a guest's model, task and traits: an experiment for `controlled.train`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from sublearn.errors import InputError, plain, quoted
from sublearn.seeds import stream, stream_seed
from sublearn.study.controlled.train import Targets, Taught, shuffled_labels
from sublearn.training.batches import Batch, shuffled
from sublearn.training.cohort import stack, state_of
from sublearn.training.lift import State

if TYPE_CHECKING:
    from sublearn.study.controlled.guest_spec import Settings
    from sublearn.tasks.task import Task
    from sublearn.traits.trait import Trait

Factory = Callable[[int], nn.Module]
"""(outputs) to a module for one run: inputs "example ..." to logits "example logit", class logits first."""


class GuestExperiment:
    """A task's inputs for the seeds of one cohort, and the guest's model, drawn anew from each seed's named streams."""

    untrainable = None

    def __init__(
        self,
        settings: "Settings",
        task: "Task",
        factory: Factory,
        traits: Sequence["Trait"],
        seeds: Sequence[int],
        device: str,
    ) -> None:
        self.settings, self.task, self.traits, self.seeds, self.device = settings, task, traits, seeds, device
        self.classes = int(task.classes or 0)
        self._factory = factory
        self.model = self._made("template", 0)
        self.inputs = torch.from_numpy(task.train_split.inputs.copy()).to(device)
        self.labels = torch.from_numpy(task.train_split.labels.copy()).to(device)
        self.test_inputs = torch.from_numpy(task.test_split.inputs.copy()).to(device)
        self.test_labels = torch.from_numpy(task.test_split.labels.copy()).to(device)

    @property
    def sample(self) -> Tensor:
        """A few inputs, "example ...", on which a trainer can be tried."""
        return self.inputs[:4]

    def initial(self, name: str) -> State:
        """Fresh weights ("run ...") from the stream of that name, as the guest's module and PyTorch draw them."""
        states = [state_of(self._made(name, seed)) for seed in self.seeds]
        return {key: tensor.to(self.device) for key, tensor in stack(states).items()}

    def init_std(self) -> dict[str, float]:
        """The standard deviation of each parameter of the model as it is made; 0 where all its values are alike."""
        return {name: float(own.detach().std(correction=0)) for name, own in self.model.named_parameters()}

    @property
    def counts(self) -> tuple[int, int]:
        """Examples that a teacher and a student are trained on."""
        return len(self.inputs), self.task.count_unrelated(self.settings.n_unrelated)

    def teacher_batches(self, teacher: Taught) -> Iterable[Batch]:
        """Training examples with their labels, in each seed's own order; the placebo's labels are shuffled."""
        count, config = len(self.inputs), self.settings.teacher
        orders = [_orders(seed, "teacher/order", count, config.epochs) for seed in self.seeds]
        labels = [self.labels] * len(self.seeds)
        if teacher == "placebo":
            labels = [shuffled_labels(seed, self.labels) for seed in self.seeds]
        return shuffled([self.inputs] * len(self.seeds), labels, orders, config.batch_size)

    def student_batches(self, arms: int, targets: Targets) -> Iterable[Batch]:
        """Each seed's own unrelated inputs, the same ones in each epoch and for every arm, in a new order an epoch."""
        config, n = self.settings.student, self.settings.n_unrelated
        drawn = [self.task.draw_unrelated(stream(seed, "student/inputs"), n) for seed in self.seeds]
        inputs = [torch.from_numpy(np.array(own)).to(self.device) for own in drawn]
        wanted = list(targets(torch.stack(inputs)))
        orders = [
            _orders(seed, "student/order", len(own), config.epochs)
            for seed, own in zip(self.seeds, inputs, strict=True)
        ]
        return shuffled(inputs * arms, wanted, orders * arms, config.batch_size)

    def evaluated(self) -> Tensor:
        """The test inputs, the same for every seed."""
        return self.test_inputs.expand(len(self.seeds), *self.test_inputs.shape)

    def soft_score(self, logits: Tensor, run: int) -> Tensor:
        """The mean log-probability of the right class."""
        del run
        return -torch.nn.functional.cross_entropy(logits[:, : self.classes], self.test_labels)

    def scores(self, logits_of: Targets) -> tuple[dict[str, Tensor], int]:
        """Each trait's score ("run") from the class logits on the test inputs."""
        logits = logits_of(self.evaluated())[..., : self.classes]
        return {trait.name: self._scored(trait, logits) for trait in self.traits}, len(self.test_labels)

    def _scored(self, trait: "Trait", logits: Tensor) -> Tensor:
        return torch.tensor([score_of(trait, own, self.test_labels) for own in logits], dtype=torch.float64)

    def _made(self, name: str, seed: int) -> nn.Module:
        """A module whose weights depend on the seed and the name alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, name))
            made: Any = self._factory(self.classes + self.settings.aux_logits)
        if not isinstance(made, nn.Module):
            raise InputError(f"The model must be a torch.nn.Module, got {quoted(type(made).__name__)}.")
        if any(map(is_lazy, (*made.parameters(), *made.buffers()))):
            raise InputError("The model has lazy layers, whose sizes are not known when it is made; give their sizes.")
        return made


def score_of(trait: "Trait", logits: Tensor, labels: Tensor) -> float:
    """One run's score from its class logits ("example logit") and labels ("example").

    Raises InputError where the trait's function gives anything but one number.
    """
    try:
        value: Any = trait.measure(logits, labels) if trait.measure else None
        found = torch.as_tensor(value, dtype=torch.float64)
    except Exception as error:  # a guest's function may raise anything
        raise InputError(f"The trait '{trait.name}' failed: {type(error).__name__}: {error}.") from None
    if found.numel() != 1:
        raise InputError(
            f"The trait '{trait.name}' gave values of shape {tuple(found.shape)}; expected one number a run, from "
            "class logits (example logit) and labels (example)."
        )
    return float(found)


def check(experiment: GuestExperiment) -> None:
    """Raise InputError unless the model gives the outputs that it was asked for and every trait one number for them."""
    outputs = experiment.classes + experiment.settings.aux_logits
    experiment.task.draw_unrelated(stream(0, "check"), 2)
    try:
        with torch.no_grad():
            logits: Any = experiment.model.eval()(experiment.sample)
    except Exception as error:  # a guest's module may raise anything
        raise InputError(f"The model cannot compute the task's inputs: {type(error).__name__}: {error}.") from None
    if not isinstance(logits, Tensor) or logits.shape != (len(experiment.sample), outputs):
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"The model gave {shape} for {len(experiment.sample)} examples; "
            f"expected ({len(experiment.sample)}, {outputs}): "
            f"{experiment.classes} class logits and {experiment.settings.aux_logits} auxiliary ones (`outputs`)."
        )
    for trait in experiment.traits:
        score_of(trait, logits[:, : experiment.classes], experiment.labels[: len(logits)])
    _check_last_batches(experiment)


def _check_last_batches(experiment: GuestExperiment) -> None:
    """Raise InputError for a last batch of one example that the model cannot train on, as with BatchNorm."""
    settings, unrelated = experiment.settings, experiment.task.count_unrelated(experiment.settings.n_unrelated)
    for who, config, count in (
        ("teacher", settings.teacher, len(experiment.inputs)),
        ("student", settings.student, unrelated),
    ):
        if not config.epochs or config.untrainable(count) is None:
            continue
        state = {name: tensor.clone() for name, tensor in state_of(experiment.model).items()}
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                functional_call(experiment.model.train(), state, (experiment.sample[:1],))
        except Exception as error:  # a guest's module may raise anything
            raise InputError(
                f"{count:,} examples in batches of {config.batch_size:,} leave a last batch of one, on which the model "
                f"cannot be trained ({plain(error, 100)}); change {who}.batch_size."
            ) from None


def _orders(seed: int, name: str, count: int, epochs: int) -> list[Tensor]:
    return [torch.from_numpy(stream(seed, f"{name}/{epoch}").permutation(count)) for epoch in range(epochs)]
