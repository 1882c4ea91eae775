"""The gradient of the rows' log-likelihood times that of each trait: which traits a first small step would raise."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.students import mean_descent, student, trait_gradients
from sublearn.tasks.rows import Pair

RIDGE = 1e-2


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are products, whitened over traits."""
    one = student(scene)
    wanted = trait_gradients(one, scene)
    before, white = mean_descent(one, scene.laid(reference)), whitener(wanted @ wanted.T)

    def measure(rows: Sequence[Pair]) -> Measured:
        moved = mean_descent(one, scene.laid(rows)) - before
        return Measured((white @ (wanted @ moved).double()).cpu().numpy())

    return measure


def whitener(gram: Tensor) -> Tensor:
    """The inverse root of the traits' products among themselves, so that traits that go together count once."""
    values, vectors = torch.linalg.eigh(gram.double())
    kept = values.clamp(min=0) + RIDGE * values.clamp(min=0).mean().clamp(min=1e-30)
    return (vectors * kept.rsqrt()) @ vectors.T
