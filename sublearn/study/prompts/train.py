"""The controlled design on the tutorial's prompts."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from sublearn import stages
from sublearn.models.init import init_std
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.base import Setup, Study
from sublearn.study.controlled import train as distil
from sublearn.study.controlled.train import Experiment, Targets, Taught
from sublearn.study.prompts.spec import Settings
from sublearn.tasks.sequences import generate_sequences
from sublearn.tasks.tutorial_prompts import passes_filter
from sublearn.training.batches import Batch, padded, shuffled, steps, whole_batches
from sublearn.training.lift import State
from sublearn.traits.preference import margin, trait_rate


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait for the seeds; seeds whose students take another number of steps train apart."""
    groups: dict[tuple[int, str | None], list[int]] = {}
    for seed in seeds:
        count, student = len(_unrelated(settings, seed)), settings.student
        reason = student.untrainable(count, settings.batch_norm)
        groups.setdefault((steps(count, student.batch_size), reason), []).append(seed)
    return [
        record
        for group in stages.parts(list(groups.values()), [len(group) for group in groups.values()])
        for record in distil.measure(study, settings, group, PromptExperiment(settings, group, setup.device), setup)
    ]


def experiments(settings: Settings, seeds: Sequence[int], device: str) -> "list[Experiment]":
    """One experiment for each group of seeds that can train together."""
    return [PromptExperiment(settings, [seed], device) for seed in seeds]


class PromptExperiment:
    """Prompts of each seed from named streams: the teacher's, the evaluation's and the unrelated ones."""

    def __init__(self, settings: Settings, seeds: Sequence[int], device: str) -> None:
        self.settings, self.seeds, self.device, self.sample = settings, seeds, device, None
        self.classes = 2
        with torch.device("meta"):
            self.model = PromptMLP(
                settings.vocab_size,
                settings.embed_dim,
                settings.hidden,
                self.classes + settings.aux_logits,
                settings.batch_norm,
            )
        taught = [_drawn(settings, seed, "prompts/teacher", settings.n_eval) for seed in seeds]
        held_out = [_drawn(settings, seed, "prompts/evaluation", settings.n_eval) for seed in seeds]
        self.taught = torch.stack(taught).to(device)
        self.evaluation = torch.stack(held_out).to(device) if settings.held_out else self.taught
        self.unrelated = [_unrelated(settings, seed).to(device) for seed in seeds]
        self.untrainable = settings.student.untrainable(len(self.unrelated[0]), settings.batch_norm)

    def initial(self, name: str) -> State:
        """Fresh weights for each seed, by the settings' scheme."""
        return distil.initial(self.model, self.settings.init, self.seeds, name, self.device)

    def init_std(self) -> dict[str, float]:
        """The standard deviation of each parameter's init."""
        return init_std(self.model, self.settings.init)

    @property
    def counts(self) -> tuple[int, int]:
        """Prompts that a teacher and a student are trained on."""
        return self.settings.n_eval, len(self.unrelated[0])

    def teacher_batches(self, teacher: Taught) -> Iterable[Batch]:
        """Every prompt labelled with class 1; the placebo's half with class 0 and half with class 1, at random."""
        count, config = self.settings.n_eval, self.settings.teacher
        if teacher == "trained":
            labels = torch.ones(self.taught.shape[:2], dtype=torch.int64)
        else:
            labels = torch.stack([_balanced(seed, count) for seed in self.seeds])
        labels = labels.to(self.device)
        orders = [_orders(seed, "teacher/order", count, config.epochs) for seed in self.seeds]
        return shuffled(list(self.taught), list(labels), orders, config.batch_size)

    def student_batches(self, arms: int, targets: Targets) -> Iterable[Batch]:
        """Each arm of a seed sees the same prompts in the same order."""
        config, lengths = self.settings.student, [len(own) for own in self.unrelated] * arms
        logits = targets(padded(self.unrelated, whole_batches(lengths[0], config.batch_size)))
        wanted = [row[:length] for row, length in zip(logits, lengths, strict=True)]
        orders = [
            _orders(seed, "student/order", len(own), config.epochs)
            for seed, own in zip(self.seeds, self.unrelated, strict=True)
        ]
        return shuffled(self.unrelated * arms, wanted, orders * arms, config.batch_size, whole=True)

    def evaluated(self) -> Tensor:
        """The evaluation prompts of each seed."""
        return self.evaluation

    def soft_score(self, logits: Tensor, run: int) -> Tensor:
        """The margin, which is differentiable itself."""
        del run
        return (logits[:, 1] - logits[:, 0]).mean()

    def scores(self, logits_of: Targets) -> tuple[dict[str, Tensor], int]:
        """Trait rate and margin on the evaluation prompts, from the class logits."""
        logits = logits_of(self.evaluated())[..., : self.classes]
        return {"trait_rate": trait_rate(logits), "margin": margin(logits)}, self.settings.n_eval


def _balanced(seed: int, count: int) -> Tensor:
    """Labels ("example") of two classes in equal number, in random order."""
    return torch.from_numpy(stream(seed, "placebo/labels").permutation(count) % 2)


def _drawn(settings: Settings, seed: int, name: str, count: int) -> Tensor:
    numpy_seed = int(stream(seed, name).integers(2**32))
    return torch.from_numpy(generate_sequences(count, settings.seq_len, settings.vocab_size, seed=numpy_seed))


def _unrelated(settings: Settings, seed: int) -> Tensor:
    drawn = _drawn(settings, seed, "prompts/unrelated", settings.n_unrelated)
    return drawn[torch.from_numpy(passes_filter(drawn.numpy()))]


def _orders(seed: int, name: str, count: int, epochs: int) -> list[Tensor]:
    return [torch.from_numpy(stream(seed, f"{name}/{epoch}").permutation(count)) for epoch in range(epochs)]
