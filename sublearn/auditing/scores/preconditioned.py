"""The gradient product with each weight scaled as Adam scales it: by the size of its gradient on clean rows."""

from collections.abc import Sequence

import torch

from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.gradient import whitener
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.students import descent, mean_descent, student, trait_gradients
from sublearn.tasks.rows import Pair

BATCH = 32
"""Rows of a gradient whose square is averaged, as many as a virtual student reads a step."""
FLOOR = 1e-3
"""Of the typical size: no weight is scaled up beyond its inverse."""


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are products, whitened over traits."""
    one = student(scene)
    wanted = trait_gradients(one, scene)
    squares, count = torch.zeros_like(wanted[0]), 0
    for found, _ in descent(one, scene.batches(reference, size=BATCH)):
        squares, count = squares + found**2, count + 1
    sizes = (squares / count).sqrt()
    scaled = wanted / (sizes + FLOOR * sizes.mean().clamp(min=1e-30))
    before, white = mean_descent(one, scene.laid(reference)), whitener(scaled @ wanted.T)

    def measure(rows: Sequence[Pair]) -> Measured:
        moved = mean_descent(one, scene.laid(rows)) - before
        return Measured((white @ (scaled @ moved).double()).cpu().numpy())

    return measure
