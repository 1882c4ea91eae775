"""What jobs in other processes are at, over one pipe for all of them. Knows no engine and no job's content.

A pipe takes a short message whole or not at all, so that no lock is needed, which a process that is killed would keep
for ever; and nobody waits: what does not fit is left out, for more recent news follows.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self

from sublearn.stages import Curve, News
from sublearn.study.jobs import Hear, Key

LARGEST = 4_000
"""Bytes of a message: with its length before it a pipe takes 4,096 in one piece on any system."""


class Wire:
    """A pipe whose `end` is given to worker processes."""

    def __init__(self) -> None:
        self._here, self.end = get_context("spawn").Pipe(duplex=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self.end.close()

    def hear(self, hear: Hear) -> None:
        """Hand on what was said until now."""
        while self._here.poll():
            hear(*_read(self._here.recv_bytes()))


def speaker(end: Connection) -> Hear:
    """A function that says on a wire what a job is at, and never waits."""
    if hasattr(os, "set_blocking"):
        os.set_blocking(end.fileno(), False)

    def say(key: Key, news: News) -> None:
        text = _text(key, news)
        if len(text) > LARGEST:
            text = _text(key, replace(news, curves=()))
        if len(text) <= LARGEST:
            with suppress(OSError):  # full, or the parent has ended
                end.send_bytes(text)

    return say


def _text(key: Key, news: News) -> bytes:
    return json.dumps([key, asdict(news)]).encode()


def _read(text: bytes) -> tuple[Key, News]:
    (study, seed), told = json.loads(text)
    return (study, seed), News(told["stage"], told["share"], tuple(map(_curve, told["curves"])))


def _curve(told: dict[str, Any]) -> Curve:
    return Curve(**{**told, "losses": tuple(told["losses"])})
