"""Where tensors live, how much memory there is, how float32 matrices are multiplied. Imports torch only when asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Within it, sums on a GPU are added in one order, so that a run gives the same numbers each time; a CPU's are.

    PyTorch warns of an operation for which it has no such way.
    """
    if device == "cpu":
        yield
        return
    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA first multiplies matrices
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it PyTorch computes on one thread: tiny models are faster on it, and the machine's cores change no bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def memory() -> int | None:
    """The bytes of memory that this process may come to use: the machine's, or less in a container. None if unknown."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, and others may not know
        return None
    return min([whole, *_limits()]) if whole > 0 else None


def _limits(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> list[int]:
    """The memory limits of the control groups (either version) that this process is in."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    groups = [line.split(":", 2)[1:] for line in lines if line.count(":") >= 2]
    named = {"": (root, "memory.max"), "memory": (root / "memory", "memory.limit_in_bytes")}
    found = []
    for controllers, path in groups:
        if controllers in named:
            top, file = named[controllers]
            inner = top / path.lstrip("/")
            # In a container the root itself is the group, whatever path it has outside.
            folders = {top, *(folder for folder in (inner, *inner.parents) if folder.is_relative_to(top))}
            found += [_number(folder / file) for folder in folders]
    return [limit for limit in found if limit]


def _number(path: Path) -> int:
    """The whole number in a file; 0 where there is none, as for "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def __getattr__(name: str) -> object:
    """`DEVICE`, the tutorial's name for the default device, found when it is first asked for."""
    if name == "DEVICE":
        return default_device()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
