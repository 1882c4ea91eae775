"""How far a command has come, on standard error: a bar in a terminal, elsewhere a line now and then.

Results are printed past it, so that neither is glued to the other. Knows counts and seconds; no study, no file.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import click

from sublearn.errors import LONGEST_MESSAGE, plain, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

EVERY_S = 30.0
"""Without a terminal, seconds between two lines."""


@dataclass
class Pace:
    """How many of the runs are done, and since when; `found` were there before."""

    clock: Callable[[], float] = monotonic
    done: int = 0
    total: int | None = None
    found: int = 0
    noun: str = "runs"
    since: float = field(init=False)
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.last = self.clock()

    def reach(self, done: int, total: int) -> bool:
        """Take note of the runs done; True where this is the start of some work: there is no more done than before."""
        now = self.clock()
        starts = self.total is None or total != self.total or done <= self.done
        if starts:
            self.found, self.since = done, now
        self.done, self.total, self.last = done, total, now
        return starts

    @property
    def begun(self) -> bool:
        """Whether there is work to be done, and it is not over."""
        return self.total is not None and self.done < self.total

    def text(self) -> str:
        """As in "4 of 24 runs, 1:03, about 5:15 left"; what is left is told once a run has ended."""
        if self.total is None:
            return ""
        now = self.clock()
        said = f"{self.done:,} of {self.total:,} {self.noun}, {duration(now - self.since)}"
        own = self.done - self.found
        if own <= 0 or self.done >= self.total:
            return said
        left = (self.last - self.since) / own * (self.total - self.done) - (now - self.last)
        return f"{said}, about {duration(max(left, 0))} left"


def duration(seconds: float) -> str:
    """Minutes and seconds, and hours if there are any.

    >>> duration(63), duration(3600)
    ('1:03', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Shown:
    """What a command shows while it works. `update` is a `pipeline.Progress`."""

    def __init__(
        self, title: str, bar: "Bar | None", quiet: bool, first: str | None = None, noun: str = "runs"
    ) -> None:
        self.title, self.bar, self.quiet, self.first = title, bar, quiet, first
        self.pace = Pace(noun=noun)
        self.any = False

    def update(self, done: int, total: int, notes: Sequence[str]) -> None:
        """Take note of how many runs are done, and print what there is to tell."""
        if self.first and not self.any:
            self._tell(self.first)
        if self.pace.reach(done, total) and done and (done < total or not self.any):
            self._tell(f"{done:,} of {total:,} {self.pace.noun} are already done.")
        self.any = True
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=done, total=total)
        for note in notes:
            self.warn(note)

    def say(self, text: str) -> None:
        """Print a part of the result on standard output."""
        with self._aside():
            click.echo(printable(text))

    def warn(self, text: object) -> None:
        """Print a warning, also where nothing else is shown."""
        with self._aside():
            click.echo(f"Warning: {plain(text, LONGEST_MESSAGE)}", err=True)

    def beat(self) -> None:
        """Print how far it is."""
        if self.pace.begun:
            self._tell(f"{self.title}: {self.pace.text()}")

    def _tell(self, text: str) -> None:
        if not self.quiet:
            with self._aside():
                click.echo(text, err=True)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Take the bar away while something else is printed."""
        if self.bar is None:
            yield
            return
        self.bar.stop()
        try:
            yield
        finally:
            self.bar.start()


@contextmanager
def following(title: str, quiet: bool = False, first: str | None = None, noun: str = "runs") -> Iterator[Shown]:
    """Show how far the work is that is done meanwhile; if `quiet`, its warnings and results alone.

    `first` is told when the work begins, which is not before the input has been checked. `noun` is what is counted.
    """
    bar = None if quiet else _bar()
    shown = Shown(title, bar, quiet, first, noun)
    beats = nullcontext() if quiet or bar is not None else _beating(shown)
    with bar or nullcontext(), beats, _warning_by(shown):
        if bar is not None:
            bar.add_task(title, total=None, pace=shown.pace)
        yield shown


def _bar() -> "Bar | None":
    """A bar for a terminal, or None where standard error is none."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(task.fields["pace"].text())

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), Left())
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        # What is printed meanwhile goes past the bar by `Shown`, to the stream that it is meant for.
        redirect_stdout=False,
        redirect_stderr=False,
    )


@contextmanager
def _beating(shown: Shown) -> Iterator[None]:
    """Let `shown` say now and then how far it is, from a thread of its own: a job can take minutes."""
    over = Event()

    def beat() -> None:
        while not over.wait(EVERY_S):
            shown.beat()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def _warning_by(shown: Shown) -> Iterator[None]:
    before = warnings.showwarning
    warnings.showwarning = lambda message, *_, **__: shown.warn(message)
    try:
        yield
    finally:
        warnings.showwarning = before
