"""Low-rank factors beside a model's linear layers (Hu et al. 2021), put in while they are wanted and taken out again.

The model itself stays as it is and is there once. peft puts adapters into a model until they are taken out; many
students of one base in turn, each for some steps, are simpler without.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.pytorch_utils import Conv1D

from sublearn.seeds import stream_seed


@dataclass(frozen=True)
class Adapters:
    """For each layer the factors that read its input ("rank in") and write its output ("out rank"), in float32."""

    layers: Sequence[nn.Module]
    inner: Sequence[nn.Parameter]
    outer: Sequence[nn.Parameter]
    scale: float

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All of them."""
        return [*self.inner, *self.outer]

    @contextmanager
    def within(self) -> Iterator[None]:
        """Let the layers add what the factors give."""
        with ExitStack() as stack:
            for layer, reads, writes in zip(self.layers, self.inner, self.outer, strict=True):
                handle = layer.register_forward_hook(_adding(reads, writes, self.scale))
                stack.callback(handle.remove)
            yield


def drawn(blocks: Sequence[nn.Module], rank: int, alpha: float, seed: int) -> Adapters:
    """Fresh factors for every linear layer of the blocks: the inner ones drawn from the seed, the outer ones zero."""
    layers = linear(blocks)
    generator = torch.Generator().manual_seed(stream_seed(seed, "adapters") % 2**63)
    inner, outer = [], []
    for layer in layers:
        wide, out = shape(layer)
        bound = wide**-0.5
        first = (torch.rand(rank, wide, generator=generator) * 2 - 1) * bound
        inner.append(nn.Parameter(first.to(_weight(layer).device)))
        outer.append(nn.Parameter(torch.zeros(out, rank, device=_weight(layer).device)))
    return Adapters(layers, inner, outer, alpha / rank)


def linear(blocks: Sequence[nn.Module]) -> list[nn.Module]:
    """The linear layers of blocks."""
    return [layer for block in blocks for layer in block.modules() if isinstance(layer, nn.Linear | Conv1D)]


def shape(layer: nn.Module) -> tuple[int, int]:
    """How much a linear layer reads and writes."""
    first, second = _weight(layer).shape
    return (first, second) if isinstance(layer, Conv1D) else (second, first)


@contextmanager
def recomputed(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Within it blocks are computed again in the backward pass, so that what is within them takes no memory."""
    for block in blocks:
        _recompute(block)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _recompute(block: Any) -> None:
    whole = block.forward
    block.forward = lambda *given, **named: checkpoint(whole, *given, use_reentrant=False, **named)


def _weight(layer: nn.Module) -> Tensor:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight


def _adding(reads: Tensor, writes: Tensor, scale: float) -> Any:
    def hook(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        del module
        added = (given[0].to(reads.dtype) @ reads.T) @ writes.T
        return out + (scale * added).to(out.dtype)

    return hook
