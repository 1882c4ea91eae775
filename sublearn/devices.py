"""Where tensors live and how precisely float32 matrices are multiplied. Imports torch only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sublearn.errors import InputError

if TYPE_CHECKING:
    import torch

Precision = Literal["highest", "high", "medium"]


def default_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve(name: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda". Raises InputError where CUDA is asked for and absent."""
    if name == "cpu":
        return name
    found = default_device().type
    if name == "cuda" and found != "cuda":
        raise InputError(
            "--device cuda was asked for, but PyTorch finds no CUDA device here. Use --device cpu or auto."
        )
    return found


def __getattr__(name: str) -> object:
    """`DEVICE`, the tutorial's name for the default device, found when it is first asked for."""
    if name == "DEVICE":
        return default_device()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
