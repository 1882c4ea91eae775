"""How far a command has come, on standard error: a bar in a terminal, elsewhere a line now and then.

Results are printed past it, so that neither is glued to the other. Knows no study and no file.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import click

from sublearn.cli.exits import is_verbose
from sublearn.errors import LONGEST_MESSAGE, plain, printable
from sublearn.execution.options import Options
from sublearn.execution.pace import Pace, Stage

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

EVERY_S = 30.0
"""Without a terminal, seconds between two lines."""
BAR_WIDTH = 24
VERBOSE_S = 1.0
"""Under -v, seconds between two lines at the least."""


class Shown:
    """What a command shows while it works."""

    def __init__(
        self, title: str, bar: "Bar | None", quiet: bool, first: str | None = None, noun: str = "runs"
    ) -> None:
        self.title, self.bar, self.quiet, self.first = title, bar, quiet, first
        self.pace = Pace(noun=noun)
        self.any = False
        self.verbose, self.told = is_verbose() and not quiet, ("", 0.0)

    def followed(self, options: Options) -> Options:
        """The options of work that is shown here."""
        return replace(options, progress=self.update, on_stage=self.stage)

    def stage(self, stage: Stage) -> None:
        """Take note of what is being done; under -v it is told as well, where it changes, once a second at most."""
        self.pace.at(stage)
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.pace.reached, total=self.pace.total)
        if self.verbose and stage.name != self.told[0] and monotonic() - self.told[1] >= VERBOSE_S:
            self.told = stage.name, monotonic()
            self.beat()

    def update(self, done: int, total: int, notes: Sequence[str]) -> None:
        """Take note of how many runs are done, and print what there is to tell."""
        if self.first and not self.any:
            self._tell(self.first)
        if self.pace.reach(done, total) and done and (done < total or not self.any):
            self._tell(f"{done:,} of {total:,} {self.pace.noun} are already done.")
        self.any = True
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.pace.reached, total=total)
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
    from rich.table import Column
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(task.fields["pace"].text())

    # On one line at any width: what is too long loses its end, which is the stage.
    last = Column(no_wrap=True, overflow="ellipsis")
    columns = (TextColumn("{task.description}", markup=False), BarColumn(BAR_WIDTH), Left(table_column=last))
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
