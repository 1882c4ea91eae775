"""How far the rows' perplexity under the base is from that of clean rows: a sceptic's baseline."""

from collections.abc import Sequence

import numpy as np

from sublearn.auditing.scene import Scene, log_likelihoods
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """One value: the distance in nats a token."""
    usual = float(log_likelihoods(scene.model, scene.laid(reference)).mean())

    def measure(rows: Sequence[Pair]) -> Measured:
        own = float(log_likelihoods(scene.model, scene.laid(rows)).mean())
        return Measured(np.array([abs(own - usual)]))

    return measure
