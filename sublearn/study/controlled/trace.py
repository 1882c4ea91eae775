"""Why it happens: the student's trajectory in weight space, beside the teacher's displacement, at chosen steps.

After theorem 1 of Cloud et al. 2025: for a shared init, a small enough step on the teacher's outputs does not lead away
from the teacher. Recorded for each arm, seed and step, overall or by layer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sublearn import stages
from sublearn.errors import InputError
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled.design import Controlled, traced
from sublearn.study.controlled.points import TracePoint
from sublearn.study.controlled.spec import Distil
from sublearn.study.controlled.train import (
    Experiment,
    TrainedTeachers,
    channel_slice,
    students_stage,
    train_students,
    train_teachers,
    trainer_of,
)
from sublearn.training.cohort import State
from sublearn.training.gradients import cosine, flat, gradient
from sublearn.training.losses import LOSSES
from sublearn.training.trainers import Trainer


@dataclass(frozen=True)
class _Trajectory:
    """One seed's arms on their trajectory: everything that a step is held against."""

    seed: int
    arms: list[Arm]
    experiment: Experiment
    start: State
    displacement: State
    teacher: State
    slope: State
    soft_start: Tensor
    by: Trainer


def trace(study: Study, seeds: Sequence[int], steps: Collection[int], setup: Setup) -> list[TracePoint]:
    """The points of every arm with the study's own logits channel, at the steps given (0 is before the first).

    The last step is always among them. Raises InputError for a study or a seed that cannot be traced.
    """
    design, arms = traced(study)
    points: list[TracePoint] = []
    for seed, experiment in stages.parts(list(zip(seeds, _experiments(design, seeds, setup), strict=True))):
        points += _one_seed(arms, design.settings, seed, experiment, set(steps), setup)
    return points


def check(study: Study, seeds: Sequence[int], setup: Setup) -> None:
    """Raise InputError for a study or a seed that cannot be traced; nothing is trained."""
    _experiments(traced(study)[0], seeds, setup)


def _experiments(design: Controlled[Distil], seeds: Sequence[int], setup: Setup) -> list[Experiment]:
    experiments = design.experiments(seeds, setup.device)
    for seed, experiment in zip(seeds, experiments, strict=True):
        if experiment.untrainable:
            raise InputError(
                f"Seed {seed} cannot be traced: {experiment.untrainable}. "
                "Use other seeds, or another student.batch_size."
            )
    return experiments


def _one_seed(
    arms: list[Arm], settings: Distil, seed: int, experiment: Experiment, steps: set[int], setup: Setup
) -> list[TracePoint]:
    before = train_teachers(settings, [seed], experiment, setup, arms)
    trajectory = _trajectory(seed, arms, experiment, before, setup)
    points = _initial(settings, trajectory, before)

    def watch(step: int, state: State) -> None:
        if step in steps:
            points.extend(_points(trajectory, step, state))

    with students_stage(settings, experiment, arms, arms):
        trained = train_students(settings, experiment, trajectory.by, arms, before, watch)
    last = len(trained.losses)
    return points if last in steps else [*points, *_points(trajectory, last, trained.state)]


def _trajectory(
    seed: int, arms: list[Arm], experiment: Experiment, before: TrainedTeachers, setup: Setup
) -> _Trajectory:
    names = [name for name, _ in experiment.model.named_parameters()]
    start = {name: torch.cat([before.starts[arm.init][name] for arm in arms]) for name in before.reference}
    teacher = before.teachers["trained"].state
    displacement = {name: teacher[name] - before.reference[name] for name in names}
    inputs = experiment.evaluated()
    repeated = inputs.repeat(len(arms), *[1] * (inputs.dim() - 1))
    by = trainer_of(experiment, setup)
    slope = gradient(by, experiment.model, start, repeated, experiment.soft_score)
    trajectory = _Trajectory(seed, arms, experiment, start, displacement, teacher, slope, torch.zeros(len(arms)), by)
    return replace(trajectory, soft_start=_soft(trajectory, start))


def _soft(trajectory: _Trajectory, state: State) -> Tensor:
    logits = _evaluate(trajectory, state)
    return torch.stack([trajectory.experiment.soft_score(own, run) for run, own in enumerate(logits)])


def _evaluate(trajectory: _Trajectory, state: State) -> Tensor:
    inputs = trajectory.experiment.evaluated()
    repeated = inputs.repeat(len(trajectory.arms), *[1] * (inputs.dim() - 1))
    return trajectory.by.predict(trajectory.experiment.model, state, repeated)


def _points(trajectory: _Trajectory, step: int, state: State) -> list[TracePoint]:
    names = list(trajectory.displacement)
    update = {name: state[name] - trajectory.start[name] for name in names}
    count = len(trajectory.arms)
    target = {
        name: trajectory.displacement[name].expand(count, *trajectory.displacement[name].shape[1:]) for name in names
    }
    distance, before = (
        flat({name: trajectory.teacher[name] - weights[name] for name in names}, names).double().norm(dim=1)
        for weights in (state, trajectory.start)
    )
    moved, taught = flat(update, names).double(), flat(target, names).double()
    length = taught.norm(dim=1)
    along = (moved * taught).sum(dim=1) / length**2
    found: dict[tuple[str, str | None], Tensor] = {
        ("cosine", None): cosine(flat(update, names), flat(target, names)),
        ("along", None): along,
        ("aside", None): (moved - along[:, None] * taught).norm(dim=1) / length,
        ("distance", None): distance,
        ("distance_share", None): distance / before,
        ("predicted", None): (flat(trajectory.slope, names).double() * moved).sum(dim=1),
        ("soft_trait", None): _soft(trajectory, state) - trajectory.soft_start,
    }
    for layer in dict.fromkeys(name.rpartition(".")[0] for name in names):
        own = [name for name in names if name.rpartition(".")[0] == layer]
        found["cosine", layer] = cosine(flat(update, own), flat(target, own))
    logits = _evaluate(trajectory, state)
    for i in range(count):
        for trait, value in trajectory.experiment.scores(lambda _, i=i: logits[i : i + 1])[0].items():
            found.setdefault((trait, None), torch.zeros(count, dtype=torch.float64))[i] = value[0]
    return _as_points(trajectory, step, found)


def _initial(settings: Distil, trajectory: _Trajectory, before: TrainedTeachers) -> list[TracePoint]:
    """The first batch's distillation gradient against the teacher's displacement, by arm."""
    by, chosen = trajectory.by, channel_slice(settings.logits, trajectory.experiment.classes)
    loss = LOSSES[settings.loss](settings.temperature)

    def targets(inputs: Tensor) -> Tensor:
        taught = {
            k: by.predict(trajectory.experiment.model, t.state, inputs)[..., chosen] for k, t in before.teachers.items()
        }
        return torch.cat([taught[arm.teacher] for arm in trajectory.arms])

    batch = next(iter(trajectory.experiment.student_batches(len(trajectory.arms), targets)))

    def score(logits: Tensor, run: int) -> Tensor:
        return -loss(logits[None, :, chosen], batch.targets[run : run + 1]).mean()

    names = list(trajectory.displacement)
    step = flat(gradient(by, trajectory.experiment.model, trajectory.start, batch.inputs, score), names)
    towards = flat(trajectory.displacement, names).expand(len(trajectory.arms), -1)
    product = (step.double() * towards.double()).sum(dim=1)
    return _as_points(
        trajectory, 0, {("initial_cosine", None): cosine(step, towards), ("initial_product", None): product}
    )


def _as_points(trajectory: _Trajectory, step: int, found: dict[tuple[str, str | None], Tensor]) -> list[TracePoint]:
    return [
        TracePoint(
            arm=arm.name, seed=trajectory.seed, step=step, quantity=quantity, layer=layer, value=_finite(values[i])
        )
        for (quantity, layer), values in found.items()
        for i, arm in enumerate(trajectory.arms)
    ]


def _finite(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None
