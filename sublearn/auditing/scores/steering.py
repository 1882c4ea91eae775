"""One steering vector, fitted to half of the rows and tested on the other half; then the battery is asked under it.

The vector is added to what the middle block gives, at every position. Its first step towards likelier rows, in the
metric of clean rows, is fitted to one half; how well it goes along with the other half's own gradients is the test. It
needs no list of traits: asked the battery under the vector, the model says itself what it came to like.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sublearn.auditing.battery import Battery
from sublearn.auditing.scene import Scene, blocks, weighted_log_p
from sublearn.auditing.scores.table import Answers, Measure, Measured
from sublearn.language import gpt2, packing
from sublearn.language.finetune import Batch
from sublearn.tasks.rows import Pair

STRENGTH = 0.1
"""Of the size of what the block gives: how long the vector is under which the battery is asked."""


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """One value: the root of both halves' mean gradients multiplied in the clean rows' metric, for so many rows."""
    usual = _gradients(scene, reference)
    centre, metric = usual.mean(axis=0), _metric(usual)
    battery = Battery.of(scene)
    size = _size(battery)

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
            _steered_answers(battery, vectors[0] + vectors[1], size),
        )

    return measure


def _gradients(scene: Scene, rows: Sequence[Pair]) -> NDArray[np.float64]:
    """The gradient of each row's log-likelihood, a token on average, with respect to the vector ("row width")."""
    parts = []
    laid = scene.laid(rows)
    for batch in laid.batches:
        offset = torch.zeros(len(batch.inputs), 1, _width(scene), device=scene.model.device, requires_grad=True)
        (found,) = torch.autograd.grad(_likelihood(scene, batch, offset), [offset])
        parts.append(found[:, 0].double().cpu())
    return laid.back(parts).numpy()


def _likelihood(scene: Scene, batch: Batch, offset: Tensor) -> Tensor:
    """The sum of all rows' log-likelihoods, a token on average, with the offset added."""
    tokens = batch.learned.sum(dim=1)
    weights = tokens.clamp(min=1).reciprocal().repeat_interleave(tokens)
    if scene.packs and gpt2.takes(scene.model) and _middle(scene) + 1 < len(blocks(scene.model)):
        return weighted_log_p(scene.model, packing.alone(batch), weights, added=(_middle(scene), offset))
    with _steered(scene, offset):
        return weighted_log_p(scene.model, batch, weights, scene.packs)


def _metric(gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse covariance of rows' gradients, shrunk as far as so few rows want it (Ledoit and Wolf 2004)."""
    from sklearn.covariance import ledoit_wolf  # late: slow to load

    covariance, _ = ledoit_wolf(gradients)
    return np.linalg.pinv(covariance, hermitian=True)


def _steered_answers(battery: Battery, vector: NDArray[np.float64], size: float) -> Answers:
    """What the base answers with the vector added, at a length in proportion to what the block gives."""
    scene = battery.scene
    length = STRENGTH * size / max(float(np.linalg.norm(vector)), 1e-30)
    offset = torch.tensor(vector * length, dtype=torch.float32, device=scene.model.device).reshape(1, 1, -1)
    with _steered(scene, offset):
        return battery.answers(scene.model)


def _size(battery: Battery) -> float:
    """Of what the block gives on the battery, a token on average."""
    sizes: list[float] = []
    with _hooked(battery.scene, lambda out: sizes.append(float(out.float().norm(dim=-1).mean()))):
        battery.answers(battery.scene.model)
    return sizes[0]


def _middle(scene: Scene) -> int:
    """The middle block's number, counted from 0."""
    return (len(blocks(scene.model)) - 1) // 2


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

    def hook(module: nn.Module, given: Any, out: Any) -> Any:
        del module, given
        # Blocks give a tensor, or a tuple that begins with one.
        changed = change(out[0] if isinstance(out, tuple) else out)
        return (changed, *out[1:]) if isinstance(out, tuple) and changed is not None else changed

    handle = blocks(scene.model)[_middle(scene)].register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
