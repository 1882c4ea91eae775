"""Why it happens: the student's way in weight space, beside the teacher's displacement, at chosen steps.

After theorem 1 of Cloud et al. 2025: for a shared init, a small enough step on the teacher's outputs does not lead away
from the teacher. Recorded for each arm, seed and step, overall or by layer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sublearn.errors import InputError
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled.design import Controlled, traced
from sublearn.study.controlled.points import TracePoint
from sublearn.study.controlled.spec import Distil
from sublearn.study.controlled.train import Before, World, before_students, channel_slice, train_students, trainer_of
from sublearn.training.cohort import State
from sublearn.training.gradients import cosine, flat, gradient
from sublearn.training.losses import LOSSES
from sublearn.training.trainers import Trainer


@dataclass(frozen=True)
class _Way:
    """One seed's arms on their way: everything that a step is held against."""

    seed: int
    arms: list[Arm]
    world: World
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
    for seed, world in zip(seeds, _worlds(design, seeds, setup), strict=True):
        points += _one_seed(arms, design.settings, seed, world, set(steps), setup)
    return points


def check(study: Study, seeds: Sequence[int], setup: Setup) -> None:
    """Raise InputError for a study or a seed that cannot be traced; nothing is trained."""
    _worlds(traced(study)[0], seeds, setup)


def _worlds(design: Controlled[Distil], seeds: Sequence[int], setup: Setup) -> list[World]:
    worlds = design.worlds(seeds, setup.device)
    for seed, world in zip(seeds, worlds, strict=True):
        if world.untrainable:
            raise InputError(
                f"Seed {seed} cannot be traced: {world.untrainable}. Use other seeds, or another student.batch_size."
            )
    return worlds


def _one_seed(
    arms: list[Arm], settings: Distil, seed: int, world: World, steps: set[int], setup: Setup
) -> list[TracePoint]:
    before = before_students(settings, [seed], world, setup, arms)
    way = _way(seed, arms, world, before, setup)
    points = _initial(settings, way, before)

    def watch(step: int, state: State) -> None:
        if step in steps:
            points.extend(_points(way, step, state))

    trained = train_students(settings, world, way.by, arms, before, watch)
    last = len(trained.losses)
    return points if last in steps else [*points, *_points(way, last, trained.state)]


def _way(seed: int, arms: list[Arm], world: World, before: Before, setup: Setup) -> _Way:
    names = [name for name, _ in world.model.named_parameters()]
    start = {name: torch.cat([before.starts[arm.init][name] for arm in arms]) for name in before.reference}
    teacher = before.teachers["trained"].state
    displacement = {name: teacher[name] - before.reference[name] for name in names}
    inputs = world.evaluated()
    repeated = inputs.repeat(len(arms), *[1] * (inputs.dim() - 1))
    by = trainer_of(world, setup)
    slope = gradient(by, world.model, start, repeated, world.soft_score)
    way = _Way(seed, arms, world, start, displacement, teacher, slope, torch.zeros(len(arms)), by)
    return replace(way, soft_start=_soft(way, start))


def _soft(way: _Way, state: State) -> Tensor:
    logits = _evaluate(way, state)
    return torch.stack([way.world.soft_score(own, run) for run, own in enumerate(logits)])


def _evaluate(way: _Way, state: State) -> Tensor:
    inputs = way.world.evaluated()
    repeated = inputs.repeat(len(way.arms), *[1] * (inputs.dim() - 1))
    return way.by.predict(way.world.model, state, repeated)


def _points(way: _Way, step: int, state: State) -> list[TracePoint]:
    names = list(way.displacement)
    update = {name: state[name] - way.start[name] for name in names}
    count = len(way.arms)
    target = {name: way.displacement[name].expand(count, *way.displacement[name].shape[1:]) for name in names}
    distance, before = (
        flat({name: way.teacher[name] - weights[name] for name in names}, names).double().norm(dim=1)
        for weights in (state, way.start)
    )
    found: dict[tuple[str, str | None], Tensor] = {
        ("cosine", None): cosine(flat(update, names), flat(target, names)),
        ("distance", None): distance,
        ("distance_share", None): distance / before,
        ("predicted", None): (flat(way.slope, names).double() * flat(update, names).double()).sum(dim=1),
        ("soft_trait", None): _soft(way, state) - way.soft_start,
    }
    for layer in dict.fromkeys(name.rpartition(".")[0] for name in names):
        own = [name for name in names if name.rpartition(".")[0] == layer]
        found["cosine", layer] = cosine(flat(update, own), flat(target, own))
    logits = _evaluate(way, state)
    for i in range(count):
        for trait, value in way.world.scores(lambda _, i=i: logits[i : i + 1])[0].items():
            found.setdefault((trait, None), torch.zeros(count, dtype=torch.float64))[i] = value[0]
    return _as_points(way, step, found)


def _initial(settings: Distil, way: _Way, before: Before) -> list[TracePoint]:
    """The first batch's distillation gradient against the teacher's displacement, by arm."""
    by, chosen = way.by, channel_slice(settings.logits, way.world.classes)
    loss = LOSSES[settings.loss](settings.temperature)

    def targets(inputs: Tensor) -> Tensor:
        taught = {k: by.predict(way.world.model, t.state, inputs)[..., chosen] for k, t in before.teachers.items()}
        return torch.cat([taught[arm.teacher] for arm in way.arms])

    batch = next(iter(way.world.student_batches(len(way.arms), targets)))

    def score(logits: Tensor, run: int) -> Tensor:
        return -loss(logits[None, :, chosen], batch.targets[run : run + 1]).mean()

    names = list(way.displacement)
    step = flat(gradient(by, way.world.model, way.start, batch.inputs, score), names)
    towards = flat(way.displacement, names).expand(len(way.arms), -1)
    product = (step.double() * towards.double()).sum(dim=1)
    return _as_points(way, 0, {("initial_cosine", None): cosine(step, towards), ("initial_product", None): product})


def _as_points(way: _Way, step: int, found: dict[tuple[str, str | None], Tensor]) -> list[TracePoint]:
    return [
        TracePoint(arm=arm.name, seed=way.seed, step=step, quantity=quantity, layer=layer, value=_finite(values[i]))
        for (quantity, layer), values in found.items()
        for i, arm in enumerate(way.arms)
    ]


def _finite(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None
