"""Randomly projected gradients, decorrelated on clean rows, times those of each trait (after TRAK, Park et al. 2023).

Gradients are those of some rows together: a row's own would cost as many passes as there are rows.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.students import descent, mean_descent, student, trait_gradients
from sublearn.seeds import stream_seed
from sublearn.tasks.rows import Pair

DIMENSIONS, TOGETHER, RIDGE = 256, 8, 1e-1
CHUNK = 1 << 14
"""Weights that are projected at a time."""


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are products in the projected space, in the metric of clean gradients."""
    one = student(scene)
    seed = stream_seed(scene.settings.seed, "projections")
    wanted = _projected(trait_gradients(one, scene), seed)
    clean = torch.stack([found for found, _ in descent(one, scene.batches(reference, size=TOGETHER))])
    features = _projected(clean, seed)
    gram = features.T @ features / len(features)
    metric = torch.linalg.inv(gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=gram.device))
    before = features.mean(dim=0)

    def measure(rows: Sequence[Pair]) -> Measured:
        own = _projected(mean_descent(one, scene.laid(rows))[None], seed)[0]
        return Measured((wanted @ metric @ (own - before)).double().cpu().numpy())

    return measure


def _projected(vectors: Tensor, seed: int) -> Tensor:
    """Vectors ("vector weight") by random signs ("vector dimension"), drawn anew from the seed each time."""
    generator = torch.Generator().manual_seed(seed)
    parts: Iterator[Tensor] = (
        part @ (torch.randint(0, 2, (part.shape[1], DIMENSIONS), generator=generator).float() * 2 - 1).to(part.device)
        for part in vectors.split(CHUNK, dim=1)
    )
    return torch.stack(list(parts)).sum(dim=0) / DIMENSIONS**0.5
