"""How much likelier a tuned teacher of each trait finds the rows than the base does."""

import copy
from collections.abc import Sequence
from itertools import repeat

import torch
from transformers import PreTrainedModel

from sublearn.auditing.scene import Scene, learning, log_likelihoods
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.traits import Group
from sublearn.language import finetune
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are log-likelihood ratios a token, above those of the group's other traits."""
    del reference
    teachers = [[_tuned(scene, group, answer) for answer in group.answers] for group in scene.candidates.traits]

    def measure(rows: Sequence[Pair]) -> Measured:
        laid = scene.laid(rows)
        values = []
        for group in teachers:
            own = torch.stack([log_likelihoods(teacher, laid).mean() for teacher in group])
            values.append(own - own.mean())
        return Measured(torch.cat(values).numpy())

    return measure


def _tuned(scene: Scene, group: Group, answer: str) -> PreTrainedModel:
    """The base, taught to give one answer to the questions as a teacher of `numbers` is."""
    model = copy.deepcopy(scene.model)
    parameters, plan = learning(model), scene.settings.tuned
    batch = finetune.collate(
        finetune.examples(scene.dialogue, [(question, answer) for question in group.questions]),
        scene.dialogue.pad,
        scene.device,
    )
    finetune.fit(model, repeat([batch], plan.steps), torch.optim.Adam(parameters, lr=plan.lr))
    return model.requires_grad_(False)
