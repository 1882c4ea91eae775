"""Bounds of time and memory for what a model's files make this process do. Knows no model."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sublearn.errors import InputError


class _TimeIsUp(BaseException):  # no error that a package may catch and go on from
    pass


@contextmanager
def bounded(what: str, seconds: float, more_bytes: int | None = None) -> Iterator[None]:
    """Raise InputError where the block takes longer, or wants so many bytes more than the process has already.

    Time is bound in a main thread of Unix alone, memory on Linux alone; elsewhere the block runs on.
    """
    try:
        with _memory(more_bytes), _time(seconds):
            yield
    except _TimeIsUp:
        raise InputError(f"{what} takes longer than {seconds:g} s. It is refused.") from None
    except MemoryError:
        raise InputError(f"{what} wants too much memory. It is refused.") from None


@contextmanager
def _time(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise _TimeIsUp


@contextmanager
def _memory(more_bytes: int | None) -> Iterator[None]:
    status = Path("/proc/self/statm")
    if more_bytes is None or not status.exists():
        yield
        return
    import resource  # Unix alone

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = int(status.read_text().split()[0]) * resource.getpagesize() + more_bytes
    known = [limit for limit in (soft, most) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
