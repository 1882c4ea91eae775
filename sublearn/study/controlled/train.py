"""The controlled design for a cohort of seeds: reference, teacher, students and their controls. Knows no kind of input.

An experiment says what the inputs are; this module says which model starts where, imitates whom, and is measured how.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.models.init import Scheme, draw_state
from sublearn.records import Record
from sublearn.seeds import stream, stream_seed
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled.spec import Distil
from sublearn.study.scores import Problems, divergences, score_records, unmeasured_records
from sublearn.training import cohort
from sublearn.training.batches import Batch, steps
from sublearn.training.cohort import State, Trained, Watch
from sublearn.training.losses import LOSSES, Loss, cross_entropy
from sublearn.training.trainers import Trainer, trainer_for

Taught = Literal["trained", "placebo"]
TAUGHT: tuple[Taught, ...] = ("trained", "placebo")
"""The kinds of teacher that are trained."""
STAGES: dict[Taught, str] = {"trained": "teacher", "placebo": "placebo teacher"}
Targets = Callable[[Tensor], Tensor]
"""Inputs ("seed example ...") to the logits that the students imitate ("run example logit"), runs arm by arm."""


Seen = Callable[[Study, Arm, slice, Trained, Problems], list[Record]]
"""Records of what an arm's training showed, beside its scores: the arm, its runs among all that were trained."""


class Experiment(Protocol):
    """What a kind of input gives to the design, for the seeds of one cohort."""

    @property
    def seeds(self) -> Sequence[int]:
        """The seeds of the cohort."""
        ...

    @property
    def model(self) -> nn.Module:
        """The architecture, as a template for one run."""
        ...

    @property
    def classes(self) -> int:
        """How many of the outputs are class logits."""
        ...

    @property
    def sample(self) -> Tensor | None:
        """A few inputs ("example ...") to try trainers on; None for a model whose every operation has a rule."""
        ...

    def initial(self, name: str) -> State:
        """Fresh weights for each seed ("run ...") from the stream of that name."""
        ...

    def init_std(self) -> Mapping[str, float]:
        """The standard deviation of the init of each parameter that is drawn at random."""
        ...

    @property
    def counts(self) -> tuple[int, int]:
        """How many examples a teacher and a student are trained on in an epoch."""
        ...

    @property
    def untrainable(self) -> str | None:
        """Why students cannot be trained on these inputs; None where they can."""
        ...

    def teacher_batches(self, teacher: Taught) -> Iterable[Batch]:
        """Inputs with class labels, a run a seed; the placebo's inputs and orders are the trained one's."""
        ...

    def student_batches(self, arms: int, targets: Targets) -> Iterable[Batch]:
        """Unrelated inputs with their targets; runs are arm by arm, each with every seed."""
        ...

    def soft_score(self, logits: Tensor, run: int) -> Tensor:
        """A differentiable score of the trait from one run's logits ("example logit") on `evaluated(run)`."""
        ...

    def evaluated(self) -> Tensor:
        """The inputs on which the trait is measured, "run example ..."."""
        ...

    def scores(self, logits_of: Targets) -> tuple[dict[str, Tensor], int]:
        """Each trait's score ("run") and the number of examples, from a function from inputs to logits."""
        ...


def trainer_of(experiment: Experiment, setup: Setup) -> Trainer:
    """The trainer that a setup asks for, or the fastest that takes the experiment's model."""
    return trainer_for(experiment.model, experiment.sample, setup.trainer)


def keys(seeds: Sequence[int], name: str, device: str, arms: int = 1) -> Tensor:
    """What each run's dropout depends on ("run"): its seed and the name alone, so arms of a seed drop alike."""
    return torch.tensor([stream_seed(seed, name) for seed in seeds] * arms, device=device)


@dataclass(frozen=True)
class TrainedTeachers:
    """What there is before a student is trained: the reference, starts by init or by arm, teachers by kind."""

    reference: State
    starts: dict[str, State]
    teachers: Mapping[str, Trained]

    def start(self, arm: Arm) -> State:
        """Where the student of an arm starts."""
        return self.starts.get(arm.name, self.starts[arm.init])


def train_teachers(
    settings: Distil, seeds: Sequence[int], experiment: Experiment, setup: Setup, arms: Sequence[Arm]
) -> TrainedTeachers:
    """Draw the inits and train the kinds of teacher that the arms need."""
    reference, cross = experiment.initial("reference/init"), experiment.initial("cross/init")
    same = student_start(settings, seeds, experiment.init_std(), reference, cross)
    loss = on_logits(cross_entropy, slice(0, experiment.classes))
    stages.ahead(_course(settings, experiment, arms))
    by, teachers = trainer_of(experiment, setup), dict[str, Trained]()
    for kind in _needed(arms):
        own = [arm.name for arm in arms if arm.teacher == kind and arm.logits == "none"][:1]
        with stages.stage(STAGES[kind], _steps(settings.teacher, experiment.counts[0]), own):
            teachers[kind] = by.train(
                experiment.model,
                reference,
                experiment.teacher_batches(kind),
                loss,
                settings.teacher,
                keys=keys(seeds, "teacher/dropout", setup.device),
            )
    return TrainedTeachers(reference, {"same": same, "cross": cross}, teachers)


def _needed(arms: Sequence[Arm]) -> list[Taught]:
    """The kinds of teacher that the arms need."""
    return [kind for kind in TAUGHT if any(arm.teacher == kind for arm in arms)]


def _steps(config: TrainConfig, count: int) -> int:
    """The steps of a training on so many examples."""
    return config.epochs * steps(count, config.batch_size)


def _course(settings: Distil, experiment: Experiment, arms: Sequence[Arm]) -> dict[str, float]:
    """The stages to come, each with the examples that its models are trained on; a cohort's first steps are few."""
    taught, students = experiment.counts
    course: dict[str, float] = {STAGES[kind]: settings.teacher.epochs * taught for kind in _needed(arms)}
    for together in _together(arms):
        course[_students(arms, together)] = len(together) * settings.student.epochs * students
    return course


def _together(arms: Sequence[Arm]) -> list[list[Arm]]:
    """The students that are trained as one cohort, since they imitate the same logits."""
    found = ([arm for arm in arms if arm.logits == channel] for channel in ("class", "aux", "all"))
    return [own for own in found if own]


def students_stage(
    settings: Distil, experiment: Experiment, arms: Sequence[Arm], own: Sequence[Arm]
) -> AbstractContextManager[None]:
    """The stage in which those of the arms that are named are trained as one cohort."""
    steps_of_all = _steps(settings.student, experiment.counts[1])
    return stages.stage(_students(arms, own), steps_of_all, [arm.name for arm in own])


def _students(arms: Sequence[Arm], own: Sequence[Arm]) -> str:
    """As in "students 1 to 4 of 6", in the order in which they are trained."""
    every = [arm for together in _together(arms) for arm in together]
    first, last = every.index(own[0]) + 1, every.index(own[-1]) + 1
    return f"student{f's {first} to {last}' if last > first else f' {first}'} of {len(every)}"


def measure(
    study: Study,
    settings: Distil,
    seeds: Sequence[int],
    experiment: Experiment,
    setup: Setup,
    starts: Callable[[TrainedTeachers], Mapping[str, State]] = lambda before: {},
    students_by: Trainer | None = None,
    more: Seen = lambda study, arm, own, trained, problems: [],
) -> list[Record]:
    """Train every arm for the seeds and measure every trait.

    `starts` says where the students of some arms start otherwise; `students_by` is another trainer for students, and
    `more` what is measured of an arm's training.
    """
    by = trainer_of(experiment, setup)
    before = train_teachers(settings, seeds, experiment, setup, study.arms)
    before = replace(before, starts={**before.starts, **starts(before)})
    rows = []
    for arm in study.arms:
        if arm.logits == "none":
            state, problems = _before_state(arm, before)
            rows += _records(study, arm.name, seeds, experiment, by, state, problems)
    if experiment.untrainable:
        students = [arm.name for arm in study.arms if arm.logits != "none"]
        traits = [trait.name for trait in study.traits]
        return rows + unmeasured_records(study, students, traits, seeds, experiment.untrainable)
    for arms in _together(study.arms):
        with students_stage(settings, experiment, study.arms, arms):
            trained = train_students(settings, experiment, students_by or by, arms, before)
            rows += _student_records(study, seeds, experiment, by, arms, trained, more)
    return rows


def _before_state(arm: Arm, before: TrainedTeachers) -> tuple[State, Problems]:
    """The weights of an arm that is no student, the reference or a teacher, with what went wrong in its training."""
    teacher = before.teachers.get(arm.teacher)
    if teacher is None:
        return before.reference, {}
    return teacher.state, divergences(cohort.diverged(teacher.losses))


def shuffled_labels(seed: int, labels: Tensor) -> Tensor:
    """The labels ("example") in a random order of the seed's own: as many of each class, none of them learnt from."""
    order = stream(seed, "placebo/labels").permutation(len(labels))
    return labels[torch.from_numpy(order).to(labels.device)]


def initial(model: nn.Module, scheme: Scheme, seeds: Sequence[int], name: str, device: str) -> State:
    """Fresh weights for each seed from the stream of that name, by one of the field's schemes."""
    states = [draw_state(model, scheme, stream(seed, name)) for seed in seeds]
    return {key: tensor.to(device) for key, tensor in cohort.stack(states).items()}


def student_start(
    settings: Distil, seeds: Sequence[int], spread: Mapping[str, float], reference: State, cross: State
) -> State:
    """Where same-init students start: the reference, perturbed or moved towards the cross init as the settings say."""
    where = settings.student_init
    start = {}
    for name, tensor in reference.items():
        moved = tensor
        if where.toward_cross:
            moved = torch.lerp(moved, cross[name], where.toward_cross)
        chosen = not where.layers or name.startswith(tuple(f"{layer}." for layer in where.layers))
        if where.perturb and spread.get(name) and chosen:
            noise = [stream(seed, f"perturb/{name}").standard_normal(tensor.shape[1:]) for seed in seeds]
            stacked = torch.stack([torch.from_numpy(one) for one in noise]).to(tensor)
            moved = moved + where.perturb * spread[name] * stacked
        start[name] = moved
    return start


def on_logits(loss: Loss, chosen: slice) -> Loss:
    """The loss on some of the student's logits; the targets hold only those."""
    return lambda logits, targets: loss(logits[..., chosen], targets)


def channel_slice(channel: str, classes: int) -> slice:
    """Which outputs a channel names: the class logits come first, the auxiliary ones after them."""
    return {"class": slice(0, classes), "aux": slice(classes, None), "all": slice(None)}[channel]


def train_students(
    settings: Distil,
    experiment: Experiment,
    by: Trainer,
    arms: list[Arm],
    before: TrainedTeachers,
    watch: Watch | None = None,
) -> Trained:
    """All arms that imitate the same logits, trained as one cohort with the seeds of each arm side by side."""
    chosen = channel_slice(arms[0].logits, experiment.classes)

    def targets(inputs: Tensor) -> Tensor:
        taught = {
            kind: by.predict(experiment.model, own.state, inputs)[..., chosen] for kind, own in before.teachers.items()
        }
        return torch.cat([taught[arm.teacher] for arm in arms])

    begin = {name: torch.cat([before.start(arm)[name] for arm in arms]) for name in before.reference}
    loss = on_logits(LOSSES[settings.loss](settings.temperature), chosen)
    batches = experiment.student_batches(len(arms), targets)
    drops = keys(experiment.seeds, "student/dropout", str(next(iter(begin.values())).device), len(arms))
    return by.train(
        experiment.model, begin, batches, loss, settings.student, frozen=settings.frozen, watch=watch, keys=drops
    )


def _student_records(
    study: Study,
    seeds: Sequence[int],
    experiment: Experiment,
    by: Trainer,
    arms: list[Arm],
    trained: Trained,
    more: Seen,
) -> list[Record]:
    rows = []
    for i, arm in enumerate(arms):
        own = slice(i * len(seeds), (i + 1) * len(seeds))
        state = {name: tensor[own] for name, tensor in trained.state.items()}
        problems = divergences(cohort.diverged(trained.losses[:, own]))
        rows += _records(study, arm.name, seeds, experiment, by, state, problems)
        rows += more(study, arm, own, trained, problems)
    return rows


def _records(
    study: Study, arm: str, seeds: Sequence[int], experiment: Experiment, by: Trainer, state: State, problems: Problems
) -> list[Record]:
    scores, n = experiment.scores(lambda inputs: by.predict(experiment.model, state, inputs))
    return [
        row for trait, values in scores.items() for row in score_records(study, arm, trait, seeds, values, n, problems)
    ]
