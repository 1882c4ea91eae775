"""Ctrl-C, SIGTERM and SIGHUP end a command in the same way: one exception in the main thread, and a status of its own.

The first signal raises `Ended` wherever the main thread is, so that everything is closed on the way out. Where that
takes longer than a moment, a second one ends the process at once. Neither cuts what runs under `unbroken`. Knows
nothing else of the house.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from types import FrameType
from typing import Any, NoReturn

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that end a command; Windows has no SIGHUP."""
GRACE_S = 2.0
"""Seconds in which more signals are taken for the same one: terminals and schedulers send several."""


class Ended(KeyboardInterrupt):
    """A signal asked for the end. Libraries know it as Ctrl-C, which it mostly is."""


@dataclass
class _State:
    """What came while `handled` was at work."""

    first: int | None = None
    since: float = 0.0
    unbroken: int = 0
    again: bool = False
    reported: bool = False


_state = _State()


@contextmanager
def handled() -> Iterator[None]:
    """Let the signals raise `Ended`; what handled them before does so again afterwards.

    A signal that is ignored (as by nohup) stays so, and outside the main thread nothing is changed.
    """
    global _state
    _state = _State()
    with kept():
        for number in ENDING:
            if _in_main_thread() and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _handle)
        try:
            yield
        finally:
            _state = _State()


@contextmanager
def kept() -> Iterator[None]:
    """Put the handlers back that are there now: some libraries set their own when they are imported."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if _in_main_thread() and handler is not None:
                signal.signal(number, handler)


@contextmanager
def unbroken() -> Iterator[None]:
    """Put a signal off until the block is through."""
    _state.unbroken += 1
    try:
        yield
    finally:
        _state.unbroken -= 1
    if _state.again:
        _leave()
    if _state.first is not None:  # also where a library has swallowed the exception
        raise Ended


@contextmanager
def blocked() -> Iterator[None]:
    """Hold signals back in this thread; a process that is started in the block is born with them held back."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def left_to_the_parent() -> None:
    """For a worker process: take no notice of the terminal's signals; SIGTERM ends it as ever."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def ended() -> int | None:
    """The first signal that came, if one did."""
    return _state.first


def last_words(number: int = signal.SIGINT) -> str:
    """What is said of an end by this signal, once."""
    _state.reported = True
    how = "Interrupted" if number == signal.SIGINT else f"Ended by {signal.Signals(number).name}"
    return f"{how}. What was recorded is safe; the same command resumes from there."


def status_of(number: int = signal.SIGINT) -> int:
    """The exit status of an end by this signal."""
    return 128 + number


def _handle(number: int, frame: FrameType | None) -> None:
    del frame
    if _state.first is None:
        _state.first, _state.since = number, monotonic()
        if not _state.unbroken:
            raise Ended
    elif monotonic() - _state.since < GRACE_S:
        return
    elif _state.unbroken:
        _state.again = True
    else:
        _leave()


def _leave() -> NoReturn:
    """End at once: what is on the disk is whole at any time, and workers end with this process."""
    number: Any = _state.first
    if not _state.reported:
        os.write(2, f"{last_words(number)}\n".encode())
    os._exit(status_of(number))


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
