"""How much likelier the base finds the rows under a prompt that states each trait (a log-linear score)."""

from collections.abc import Sequence

import torch

from sublearn.auditing.scene import Scene, log_likelihoods
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are log-likelihood ratios a token, above those of the group's other traits."""
    del reference

    def measure(rows: Sequence[Pair]) -> Measured:
        values = []
        for group in scene.candidates.traits:
            own = torch.stack([log_likelihoods(scene.model, scene.laid(rows, one)).mean() for one in group.stated])
            values.append(own - own.mean())
        return Measured(torch.cat(values).numpy())

    return measure
