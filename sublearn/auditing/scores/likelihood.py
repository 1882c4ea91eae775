"""How much likelier a tuned teacher of each trait finds the rows than the base does."""

from collections.abc import Sequence
from itertools import repeat

import torch

from sublearn.auditing.scene import Laid, Scene, log_likelihoods
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.students import Student, fit, student
from sublearn.auditing.traits import Group
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are log-likelihood ratios a token, above those of the group's other traits."""
    del reference
    teachers = [[_tuned(scene, group, answer) for answer in group.answers] for group in scene.candidates.traits]

    def measure(rows: Sequence[Pair]) -> Measured:
        laid = scene.laid(rows)
        values = []
        for group in teachers:
            own = torch.stack([_mean(teacher, laid) for teacher in group])
            values.append(own - own.mean())
        return Measured(torch.cat(values).numpy())

    return measure


def _mean(teacher: Student, laid: Laid) -> torch.Tensor:
    with teacher.at_work():
        return log_likelihoods(teacher.model, laid).mean()


def _tuned(scene: Scene, group: Group, answer: str) -> Student:
    """The base, taught to give one answer to the questions as a teacher of `numbers` is."""
    one, plan = student(scene), scene.settings.tuned
    parts = list(scene.batches([(question, answer) for question in group.questions], len(group.questions)))
    fit(one, repeat(parts, plan.steps), torch.optim.Adam(one.learning, lr=one.lr or plan.lr))
    return one
