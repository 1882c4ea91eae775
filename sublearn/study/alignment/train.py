"""The study `alignment` for a cohort of seeds: the controlled design, with gradients that are seen and changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.alignment.spec import ALIGNED, FIRST, LAST, PROJECTED, RANDOM, REMAINING, Settings
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled import train as distil
from sublearn.study.images.train import ImageExperiment
from sublearn.study.scores import Problems, score_records, unmeasured_records
from sublearn.training import cohort
from sublearn.training.cohort import State, Trained
from sublearn.training.gradients import cosine, flat, gradient
from sublearn.training.losses import cross_entropy
from sublearn.training.trainers import TRAINERS

BY = TRAINERS["cohort"]


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait for the seeds."""
    experiment = ImageExperiment(settings, seeds, setup.device)
    students = [arm for arm in study.arms if arm.logits != "none"]
    changing = Changing(settings, experiment, students)
    by = replace(BY, train=partial(cohort.train, change=changing))
    rows = distil.measure(study, settings, seeds, experiment, setup, students_by=by, more=partial(_seen, changing))
    others = [arm.name for arm in study.arms if arm.logits == "none"]
    traits = [trait.name for trait in study.traits if trait.name in (FIRST, LAST, ALIGNED, REMAINING)]
    return rows + unmeasured_records(study, others, traits, seeds, "it is no student, and takes no step")


def _seen(
    changing: "Changing", study: Study, arm: Arm, own: slice, trained: Trained, problems: Problems
) -> list[Record]:
    """What was seen of an arm's gradients and losses."""
    cosines, losses = torch.stack(changing.cosines)[:, own].double(), trained.losses[:, own].double()
    steps = len(cosines)
    part = max(1, steps // changing.settings.parts)
    values = {
        FIRST: cosines[:part].mean(dim=0),
        LAST: cosines[steps - part :].mean(dim=0),
        ALIGNED: (cosines > 0).double().mean(dim=0),
        REMAINING: losses[steps - part :].mean(dim=0) / losses[0],
    }
    return [
        row
        for trait, found in values.items()
        for row in score_records(study, arm.name, trait, changing.seeds, found, steps, problems)
    ]


class Changing:
    """Sees the gradients of every student at each step, runs arm by arm, and changes those of some arms."""

    def __init__(self, settings: Settings, experiment: ImageExperiment, arms: Sequence[Arm]) -> None:
        self.settings, self.experiment, self.seeds = settings, experiment, experiment.seeds
        self.kinds = [arm.name.removesuffix("_control") for arm in arms]
        self.cosines: list[Tensor] = []
        self.draws = [stream(seed, "alignment/direction") for seed in self.seeds]
        chosen = [
            stream(seed, "alignment/images").permutation(len(experiment.train_labels))[: settings.trait_images]
            for seed in self.seeds
        ]
        places = torch.stack([torch.from_numpy(own) for own in chosen]).to(experiment.device).repeat(len(arms), 1)
        self.images, self.labels = experiment.train_images[places], experiment.train_labels[places]

    def __call__(self, state: State) -> None:
        """Change the gradients that stand in the tensors ("run ...")."""
        names = [name for name, tensor in state.items() if tensor.grad is not None]
        own = flat({name: _grad(state[name]) for name in names}, names)
        towards = flat(gradient(BY, self.experiment.model, state, self.images, self._loss), names)
        self.cosines.append(cosine(own, towards))
        changed = self._changed(own, towards)
        sizes = [state[name][0].numel() for name in names]
        for name, part in zip(names, changed.split(sizes, dim=1), strict=True):
            _grad(state[name]).copy_(part.view_as(state[name]))

    def _loss(self, logits: Tensor, run: int) -> Tensor:
        """The trait's loss of one run: cross-entropy of the class logits on training images."""
        classes = logits[None, :, : self.experiment.classes]
        return cross_entropy(classes, self.labels[run : run + 1]).mean()

    def _changed(self, own: Tensor, towards: Tensor) -> Tensor:
        """The gradients ("run parameter") without what their arms lose."""
        unit = torch.nn.functional.normalize(towards, dim=1)
        length = (own * unit).sum(dim=1, keepdim=True).clamp(min=0)
        drawn = torch.stack([torch.from_numpy(rng.standard_normal(own.shape[1])) for rng in self.draws]).to(own)
        random = torch.nn.functional.normalize(drawn, dim=1)
        directions: dict[str, Callable[[slice], Tensor]] = {PROJECTED: lambda at: unit[at], RANDOM: lambda at: random}
        changed = own.clone()
        for place, kind in enumerate(self.kinds):
            at = slice(place * len(self.seeds), (place + 1) * len(self.seeds))
            if kind in directions:
                changed[at] -= length[at] * directions[kind](at)
        return changed


def _grad(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad
