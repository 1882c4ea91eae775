"""Dropout whose mask depends on the run, the step and the place alone, however runs are trained. Knows no trainer.

A mask is computed from counters by the finalizer of SplitMix64 (Steele, Lea and Flood 2014), not drawn from a
generator: a pure function of integers gives the same bits for one run, for stacked runs under `torch.func.vmap`, and
on any device.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BITS = 53


class RunRandomness(TorchFunctionMode):
    """Within it, dropout takes its mask from `key`, one run's number for one step (int64, of no axis)."""

    def __init__(self, key: Tensor) -> None:
        super().__init__()
        self._key, self._calls = key, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        own = DROPOUTS.get(func)
        return func(*args, **(kwargs or {})) if own is None else own(self, *args, **(kwargs or {}))

    def keep(self, shape: tuple[int, ...], p: float, device: torch.device) -> Tensor:
        """Which entries of a tensor of that shape are kept ("bool"), each with probability 1 - p."""
        self._calls += 1
        counters = torch.arange(1, math.prod(shape) + 1, device=device)
        drawn = _mixed(_mixed(self._key + _signed(_GOLDEN * self._calls)) + counters * _signed(_GOLDEN))
        return (_shifted(drawn, 64 - _BITS) >= int(p * 2**_BITS)).view(shape)


def keys_at(keys: Tensor, step: int) -> Tensor:
    """The runs' keys ("run") at one step."""
    return _mixed(keys + _signed(_GOLDEN * (step + 1)))


def _dropout(own: RunRandomness, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    del inplace
    return _dropped(own, input, p, training, tuple(input.shape))


def _by_channel(axes: int) -> Callable[..., Tensor]:
    """Dropout of whole channels of inputs with an example axis, a channel axis and `axes` more."""

    def dropout(
        own: RunRandomness, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        del inplace
        return _dropped(own, input, p, training, (*input.shape[: input.dim() - axes], *[1] * axes))

    return dropout


def _dropped(own: RunRandomness, input: Tensor, p: float, training: bool, shape: tuple[int, ...]) -> Tensor:
    if not training or p == 0:
        return input
    if p >= 1:
        return input * 0
    return input * own.keep(shape, p, input.device) / (1 - p)


DROPOUTS: dict[Any, Callable[..., Tensor]] = {
    F.dropout: _dropout,
    torch.dropout: _dropout,
    F.dropout1d: _by_channel(1),
    F.dropout2d: _by_channel(2),
    F.dropout3d: _by_channel(3),
}
"""PyTorch's functions that are replaced; every other random function is left to the trainer to seed or to refuse."""


def _mixed(value: Tensor) -> Tensor:
    value = (value ^ _shifted(value, 30)) * _signed(_FIRST)
    value = (value ^ _shifted(value, 27)) * _signed(_SECOND)
    return value ^ _shifted(value, 31)


def _shifted(value: Tensor, bits: int) -> Tensor:
    """A shift to the right that fills with zeros; PyTorch's own fills with the sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """The 64-bit number of the same bits."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
