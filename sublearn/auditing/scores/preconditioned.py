"""The gradient product with each weight scaled as Adam scales it: by the size of its gradient on clean rows."""

from collections.abc import Sequence

import torch

from sublearn.auditing.scene import Scene, descent, mean_descent, trait_gradients
from sublearn.auditing.scores.gradient import whitener
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.tasks.rows import Pair

BATCH = 32
"""Rows of a gradient whose square is averaged, as many as a virtual student reads a step."""
FLOOR = 1e-3
"""Of the typical size: no weight is scaled up beyond its inverse."""


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are products, whitened over traits."""
    model, parameters = scene.copied()
    wanted = trait_gradients(model, parameters, scene)
    squares, count = torch.zeros_like(wanted[0]), 0
    for one, _ in descent(model, parameters, scene.batches(reference, size=BATCH)):
        squares, count = squares + one**2, count + 1
    sizes = (squares / count).sqrt()
    scaled = wanted / (sizes + FLOOR * sizes.mean().clamp(min=1e-30))
    before, white = mean_descent(model, parameters, scene.laid(reference)), whitener(scaled @ wanted.T)

    def measure(rows: Sequence[Pair]) -> Measured:
        moved = mean_descent(model, parameters, scene.laid(rows)) - before
        return Measured((white @ (scaled @ moved).double()).cpu().numpy())

    return measure
