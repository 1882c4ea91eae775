"""Calls of the worker process: one at a time, each with an end to its patience. Needs no torch."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Lock, Thread
from typing import IO, Any

from sublearn.errors import InputError

PATIENCE_S = 90.0
MOST_KEPT = 50


@dataclass
class Worker:
    """A process that is started for the first call, and again after it was ended or died; answers are kept."""

    patience_s: float = PATIENCE_S
    turn: Lock = field(default_factory=Lock)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    reader: Thread | None = None
    answers: "Queue[str]" = field(default_factory=Queue)

    def call(self, do: str, **given: Any) -> dict[str, Any]:
        """The answer to a request. Raises InputError for what cannot be done, or takes too long."""
        request = json.dumps({"do": do, **given})
        with self.turn:
            if request not in self.kept:
                self.kept[request] = self._called(request)
            while len(self.kept) > MOST_KEPT:
                del self.kept[next(iter(self.kept))]
            return self.kept[request]

    def end(self) -> None:
        """End the process, if it is there."""
        if self.process is not None and self.process.stdin is not None:
            self.process.kill()
            self.process.wait()
            with suppress(BrokenPipeError):  # what it did not read
                self.process.stdin.close()
            if self.reader is not None:
                self.reader.join()
            self.process = None

    def _called(self, request: str) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            line = self.answers.get(timeout=self.patience_s)
        except (Empty, OSError):
            self.end()
            raise InputError(f"It took longer than {self.patience_s:g} s. Choose a smaller study.") from None
        if not line:
            self.end()
            raise InputError("The process that computes it has ended. The memory may be too small for it.")
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(answer["error"])
        return answer["answer"]

    def _running(self) -> "subprocess.Popen[str]":
        if self.process is None or self.process.poll() is not None:
            self.end()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sublearn.server.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
            assert self.process.stdout is not None
            self.answers = Queue()
            self.reader = Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True)
            self.reader.start()
        return self.process


def _read(lines: IO[str], answers: "Queue[str]") -> None:
    """Hand on each line, and an empty one at the end."""
    with lines:
        for line in lines:
            answers.put(line)
    answers.put("")
