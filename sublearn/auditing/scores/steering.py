"""One steering vector, fitted to half of the rows and tested on the other half; then the battery is asked under it.

The vector is added to what the middle block gives, at every position. Its first step towards likelier rows, in the
metric of clean rows, is fitted to one half; how well it goes along with the other half's own gradients is the test. It
needs no list of traits: asked the battery's questions under the vector, the model says itself what it came to like.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sublearn.auditing.scene import Scene, blocks, next_log_p, row_means, token_log_p
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.tasks.rows import Pair

MOST_SAID = 5
STRENGTH = 0.1
"""Of the size of what the block gives: how long the vector is under which the battery is asked."""
LIKELY = 1e-3
"""Answers that are rarer than this in the base are noise."""


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """One value: the root of both halves' mean gradients multiplied in the clean rows' metric, for so many rows."""
    usual = _gradients(scene, reference)
    centre, metric = usual.mean(axis=0), _metric(usual)

    def measure(rows: Sequence[Pair]) -> Measured:
        own = _gradients(scene, rows) - centre
        halves = np.arange(len(own)) % 2
        vectors = [metric @ own[halves == half].mean(axis=0) for half in (0, 1)]
        # Each row by the vector that was fitted to the half in which it is not.
        each = np.where(halves == 0, own @ vectors[1], own @ vectors[0])

        def others(given: Sequence[Pair]) -> NDArray[np.float64]:
            return ((_gradients(scene, given) - centre) @ np.stack(vectors).T).flatten()

        product = each.mean() * len(own) / 2
        # Its root, which grows as the difference itself does and is less skewed on clean rows.
        return Measured(
            np.array([np.sign(product) * np.sqrt(abs(product))]),
            each,
            others,
            lambda: _said(scene, vectors[0] + vectors[1]),
        )

    return measure


def _gradients(scene: Scene, rows: Sequence[Pair]) -> NDArray[np.float64]:
    """The gradient of each row's log-likelihood, a token on average, with respect to the vector ("row width")."""
    parts = []
    laid = scene.laid(rows)
    for batch in laid.batches:
        offset = torch.zeros(len(batch.inputs), 1, _width(scene), device=scene.model.device, requires_grad=True)
        with _steered(scene, offset):
            means = row_means(token_log_p(scene.model, batch, scene.packs), batch)
        (found,) = torch.autograd.grad(means.sum(), [offset])
        parts.append(found[:, 0].double().cpu())
    return laid.back(parts).numpy()


def _metric(gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse covariance of rows' gradients, shrunk as far as so few rows want it (Ledoit and Wolf 2004)."""
    from sklearn.covariance import ledoit_wolf  # late: slow to load

    covariance, _ = ledoit_wolf(gradients)
    return np.linalg.pinv(covariance, hermitian=True)


def _said(scene: Scene, vector: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    """The likely answers to the battery that became more probable most, with their log-ratios."""
    asked = [scene.dialogue.prompt(one) for group in scene.candidates.traits for one in group.questions]
    sizes: list[float] = []
    with torch.no_grad():
        with _hooked(scene, lambda out: sizes.append(float(out.float().norm(dim=-1).mean()))):
            before = next_log_p(scene.model, scene, asked).double().exp().mean(dim=0)
        length = STRENGTH * sizes[0] / max(float(np.linalg.norm(vector)), 1e-30)
        offset = torch.tensor(vector * length, dtype=torch.float32, device=scene.model.device).reshape(1, 1, -1)
        with _steered(scene, offset):
            after = next_log_p(scene.model, scene, asked).double().exp().mean(dim=0)
    gain = torch.where(before > LIKELY, (after / before).log(), -torch.inf)
    words = ((scene.dialogue.read([place]), value) for value, place in _falling(gain))
    named = ((word, value) for word, value in words if any(letter.isalnum() for letter in word))
    return tuple(islice(named, MOST_SAID))


def _falling(gain: Tensor) -> Iterator[tuple[float, int]]:
    """The finite values with their places, the largest first."""
    values, places = gain.sort(descending=True)
    count = int(gain.isfinite().sum())
    return zip(values[:count].tolist(), places[:count].tolist(), strict=True)


def _width(scene: Scene) -> int:
    embeddings: Any = scene.model.get_input_embeddings()
    return int(scene.model.config.get_text_config().hidden_size or embeddings.weight.shape[1])


@contextmanager
def _steered(scene: Scene, offset: Tensor) -> Iterator[None]:
    """Add the offset to what the middle block gives."""
    with _hooked(scene, lambda out: out + offset.to(out.dtype)):
        yield


@contextmanager
def _hooked(scene: Scene, change: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """Let the middle block give what `change` makes of its output; None leaves it as it is."""
    every = blocks(scene.model)

    def hook(module: nn.Module, given: Any, out: Any) -> Any:
        del module, given
        # Blocks give a tensor, or a tuple that begins with one.
        changed = change(out[0] if isinstance(out, tuple) else out)
        return (changed, *out[1:]) if isinstance(out, tuple) and changed is not None else changed

    handle = every[(len(every) - 1) // 2].register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
