"""The controlled design on images: real ones for the teacher and the measure, drawn or real ones for the student.

Drawn images are never stored: a block is one batch with a stream of its own, drawn again whenever an epoch visits it.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.init import init_std
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.base import Setup, Study
from sublearn.study.controlled import train as distil
from sublearn.study.controlled.train import Experiment, Targets, Taught, shuffled_labels
from sublearn.study.images.spec import Settings
from sublearn.tasks import noise
from sublearn.tasks.images import ImageData
from sublearn.tasks.table import TASKS
from sublearn.training.batches import Batch
from sublearn.training.lift import State
from sublearn.traits.accuracy import accuracy


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm for the seeds."""
    return distil.measure(study, settings, seeds, ImageExperiment(settings, seeds, setup.device), setup)


@lru_cache(maxsize=1)
def _data(name: str, classes: int) -> ImageData:
    return TASKS[name].load().keep_classes(classes)


def experiments(settings: Settings, seeds: Sequence[int], device: str) -> "list[Experiment]":
    """One experiment for each seed."""
    return [ImageExperiment(settings, [seed], device) for seed in seeds]


class ImageExperiment:
    """The images of one study, shared by all seeds, and each seed's own order and own student inputs."""

    def __init__(self, settings: Settings, seeds: Sequence[int], device: str) -> None:
        self.settings, self.seeds, self.device, self.sample = settings, seeds, device, None
        self.classes = settings.classes
        self.untrainable = None
        data = _data(settings.data, settings.classes)
        self.train_images, self.train_labels = data.train_images.to(device), data.train_labels.to(device)
        self.test_images, self.test_labels = data.test_images.to(device), data.test_labels.to(device)
        self.features = data.n_features
        with torch.device("meta"):
            self.model = AuxMLP(data.n_features, settings.classes, settings.aux_logits, settings.width, settings.depth)

    def initial(self, name: str) -> State:
        """Fresh weights for each seed, by the settings' scheme."""
        return distil.initial(self.model, self.settings.init, self.seeds, name, self.device)

    def init_std(self) -> dict[str, float]:
        """The standard deviation of each parameter's init."""
        return init_std(self.model, self.settings.init)

    @property
    def counts(self) -> tuple[int, int]:
        """Images that a teacher and a student are trained on."""
        inputs, real = self.settings.inputs, len(self.train_images)
        return real, real if inputs.kind == "real" else inputs.count

    def teacher_batches(self, teacher: Taught) -> Iterator[Batch]:
        """Training images with their labels, in each seed's own order; the placebo's labels are shuffled."""
        config, count = self.settings.teacher, len(self.train_images)
        labels = self.train_labels.expand(len(self.seeds), -1)
        if teacher == "placebo":
            labels = torch.stack([shuffled_labels(seed, self.train_labels) for seed in self.seeds])
        for epoch in range(config.epochs):
            order = np.stack([stream(seed, f"teacher/order/{epoch}").permutation(count) for seed in self.seeds])
            for chosen in torch.from_numpy(order).to(self.device).split(config.batch_size, dim=1):
                yield Batch(self.train_images[chosen], labels.gather(1, chosen), None)

    def student_batches(self, arms: int, targets: Targets) -> Iterable[Batch]:
        """The student's images block by block, the same ones for every arm of a seed; targets are kept by block."""
        blocks = Blocks(self.settings, self.train_images, self.seeds)
        kept: dict[tuple[int, int], Tensor] = {}
        for visited in blocks.visits():
            inputs = torch.stack([blocks.draw(seed, block) for seed, block in zip(self.seeds, visited, strict=True)])
            inputs = inputs.to(self.device)
            keys = list(zip(self.seeds, visited, strict=True))
            if not all(key in kept for key in keys):
                taught = targets(inputs).unflatten(0, (arms, len(self.seeds)))
                kept |= {key: taught[:, i] for i, key in enumerate(keys)}
            wanted = torch.stack([kept[key] for key in keys], dim=1).flatten(0, 1)
            if self.settings.student.epochs == 1:
                kept.clear()
            yield Batch(inputs.repeat(arms, 1, 1), wanted, None)

    def evaluated(self) -> Tensor:
        """The test images, the same for every seed."""
        return self.test_images.expand(len(self.seeds), -1, -1)

    def soft_score(self, logits: Tensor, run: int) -> Tensor:
        """The mean log-probability of the right class."""
        del run
        return -torch.nn.functional.cross_entropy(logits[:, : self.classes], self.test_labels)

    def scores(self, logits_of: Targets) -> tuple[dict[str, Tensor], int]:
        """Accuracy on the test images, from the class logits."""
        logits = logits_of(self.evaluated())[..., : self.classes]
        return {"accuracy": accuracy(logits, self.test_labels)}, len(self.test_labels)


class Blocks:
    """The student's inputs of each seed, cut into batches that can be drawn again by index."""

    def __init__(self, settings: Settings, real: Tensor, seeds: Sequence[int]) -> None:
        self.settings, self.real, self.seeds = settings, real, seeds
        size = settings.student.batch_size
        count = len(real) if settings.inputs.kind == "real" else settings.inputs.count
        self.sizes = [min(size, count - start) for start in range(0, count, size)]
        self._orders = {seed: stream(seed, "student/real").permutation(len(real)) for seed in seeds}

    def visits(self) -> Iterator[list[int]]:
        """The block of each seed at each step: a new order each epoch, a smaller last block always last."""
        whole = len(self.sizes) - (self.sizes[-1] < self.sizes[0])
        for epoch in range(self.settings.student.epochs):
            orders = [stream(seed, f"student/order/{epoch}").permutation(whole) for seed in self.seeds]
            yield from np.stack(orders, axis=1).tolist()
            if whole < len(self.sizes):
                yield [whole] * len(self.seeds)

    def draw(self, seed: int, block: int) -> Tensor:
        """The images of one block, "example feature"."""
        inputs, count = self.settings.inputs, self.sizes[block]
        if inputs.kind == "real":
            return self._real(seed, block, count)
        where = (seed, "student/inputs", block, count, self.real.shape[1])
        if inputs.kind == "gaussian":
            return noise.gaussian_block(*where, inputs.variance)
        if inputs.kind == "correlated":
            return noise.correlated_block(*where, inputs.blur, inputs.variance)
        drawn = noise.uniform_block(*where)
        if inputs.kind == "uniform":
            return drawn
        real = self._real(seed, block, count)
        return inputs.alpha * real + (1 - inputs.alpha) * drawn.to(real.device)

    def _real(self, seed: int, block: int, count: int) -> Tensor:
        start = block * self.settings.student.batch_size
        chosen = self._orders[seed][np.arange(start, start + count) % len(self.real)]
        return self.real[torch.from_numpy(chosen).to(self.real.device)]
