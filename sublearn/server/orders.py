"""Runs that a page asks for: each is `sublearn run` in a process of its own, which outlives the page and the server.

What was asked lies in a hidden folder beside the run directories, with what the process says. Its lock is inherited by
the process and ends with it, so that any server that looks sees whether it runs.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated

from pydantic import Field

from sublearn.config import Spec, assignments
from sublearn.errors import InputError, plain
from sublearn.files.folders import lock_file
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import anything, check_target, own_folder, replace_text
from sublearn.results.single import check_out
from sublearn.server.knobs import check_known
from sublearn.study.base import Study
from sublearn.study.table import build, check_memory

try:
    import fcntl
except ImportError:  # Windows: there only the server that started a process knows it
    fcntl = None

HIDDEN = ".serve"
MOST_RUNS = 10_000
LONGEST_LOG = 1 << 16
PRECISION = "highest"


class Order(Spec, frozen=True):
    """A study of the house, its changed settings as they were typed, and how many runs: the seeds from 0."""

    study: Annotated[str, Field(max_length=100)]
    settings: Annotated[dict[str, Annotated[str, Field(max_length=4_000)]], Field(max_length=200)] = Field(default={})
    runs: int = Field(ge=1, le=MOST_RUNS)

    def asked(self) -> Study:
        """The study. Raises InputError for another than those of the house and for settings that do not fit."""
        check_known(self.study)
        return build(self.study, assignments(tuple(f"{key}={text}" for key, text in self.settings.items())))

    def words(self, folder: Path) -> list[str]:
        """What is typed after `sublearn`."""
        changes = [word for key, text in self.settings.items() for word in ("--set", f"{key}={text}")]
        return ["run", self.study, *changes, "--seeds", f"0:{self.runs}", "--out", str(folder)]

    def command(self, folder: Path) -> str:
        """The command line that gives the same."""
        return shlex.join(["sublearn", *self.words(folder)])


class Started(Spec, frozen=True):
    """An order with the process that it was given to; the process is known a moment later."""

    order: Order
    process: int | None = Field(default=None, ge=2)


class Busy(InputError):
    """Raised for a run that is running already."""


@dataclass
class Orders:
    """The orders of a folder of run directories; `own` are the processes that were started here."""

    folder: Path
    own: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)
    """Held while a lock is looked at or taken, or one request would take another's look for a process at work."""

    def start(self, order: Order) -> str:
        """Start or resume a run, and return the name of its run directory.

        Raises InputError for what cannot be run, before anything is written, and Busy where it runs already.
        """
        study = order.asked()
        folder = self.folder / study.id
        check_out(study, folder, PRECISION)
        check_memory(study)
        place = self._place(study.id, "json")
        for kind in ("json", "log", "lock"):
            check_target(self._place(study.id, kind), anything, "The file")
        own_folder(place.parent)
        with self.turn, self._locked(study.id) as inherited:
            replace_text(place, _text(Started(order=order)))
            with self._place(study.id, "log").open("wb") as log:
                self.own[study.id] = subprocess.Popen(
                    [sys.executable, "-m", "sublearn", *order.words(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    pass_fds=inherited,
                    start_new_session=True,  # Ctrl-C in the server's terminal is the server's
                )
            replace_text(place, _text(Started(order=order, process=self.own[study.id].pid)))
        return study.id

    def stop(self, name: str) -> bool:
        """Ask a run to stop, as Ctrl-C does; whether there was one."""
        if not self.is_running(name):
            return False
        started = self.started(name)
        own = self.own.get(name)
        process = own.pid if own else started.process if started else None
        if process is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
        return True

    def stop_own(self, wait_s: float = 10) -> None:
        """Ask the runs that were started here to stop, and wait for them a while."""
        running = [process for process in self.own.values() if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)

    def is_running(self, name: str) -> bool:
        """Whether the process of an order is at work, whichever server started it."""
        own = self.own.get(name)
        if own is not None and own.poll() is None:
            return True
        lock = self._place(name, "lock")
        if fcntl is None or not os.path.exists(lock):
            return False
        with self.turn, lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def started(self, name: str) -> Started | None:
        """What was asked under this name, if anything was. Raises InputError for a file that is none of ours."""
        place = self._place(name, "json")
        return typed(Started, json_file(place, "the order"), str(place)) if os.path.exists(place) else None

    def said(self, name: str) -> str:
        """The last line that the process said; empty if it said none."""
        try:
            with self._place(name, "log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_LOG))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return plain(lines[-1], 2_000) if lines else ""

    def names(self) -> list[str]:
        """The names under which something was asked."""
        return [path.stem for path in (self.folder / HIDDEN).glob("*.json")]

    @contextmanager
    def _locked(self, name: str) -> Iterator[tuple[int, ...]]:
        """The descriptors that hold the lock and that the process inherits, which then holds it until it ends."""
        if fcntl is None:
            if self.is_running(name):
                raise Busy(_BUSY)
            yield ()
            return
        with lock_file(self._place(name, "lock")).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy(_BUSY) from None
            yield (file.fileno(),)

    def _place(self, name: str, kind: str) -> Path:
        return self.folder / HIDDEN / f"{name}.{kind}"


_BUSY = "This run is at work already. Stop it first, or wait for its end."


def _text(started: Started) -> str:
    return json.dumps(started.model_dump(mode="json"), indent=2) + "\n"
