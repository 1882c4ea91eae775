"""How far some work is and how long the rest takes: counts and seconds, no study and no file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

FIRST_S, FIRST_SHARE = 2.0, 0.02
"""Before a run has ended what is left is told after so many seconds, once so much of the work is done."""


class Stage(NamedTuple):
    """What is being done, and how many of the runs are done, the parts of those at work counted in."""

    name: str
    done: float
    total: int


@dataclass
class Pace:
    """How many of the runs are done, and since when; `found` were there before."""

    clock: Callable[[], float] = monotonic
    done: int = 0
    total: int | None = None
    found: int = 0
    noun: str = "runs"
    stage: str = ""
    reached: float = 0.0
    """The runs that are done, and parts of those at work."""
    since: float = field(init=False)
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.last = self.clock()

    def reach(self, done: int, total: int) -> bool:
        """Take note of the runs done; True where this is the start of some work: there is no more done than before."""
        starts = self.total is None or total != self.total or done <= self.done
        if starts:
            self.found, self.since, self.reached, self.stage = done, self.clock(), done, ""
        self.done, self.total = done, total
        self._reach(done)
        return starts

    def at(self, stage: Stage) -> None:
        """Take note of what is being done."""
        if self.total is None:
            self.done = self.found = int(stage.done)
            self.total, self.reached = stage.total, stage.done
        self.stage = stage.name
        if stage.done > self.reached:
            self._reach(stage.done)

    def _reach(self, done: float) -> None:
        self.reached, self.last = max(done, self.reached), self.clock()

    @property
    def begun(self) -> bool:
        """Whether there is work to be done, and it is not over."""
        return self.total is not None and self.done < self.total

    @property
    def left(self) -> float | None:
        """About how many seconds the rest takes; None where nothing tells yet."""
        own, rest, now = self.reached - self.found, (self.total or 0) - self.reached, self.clock()
        early = now - self.since < FIRST_S or own < FIRST_SHARE * (own + rest)
        if not self.begun or own <= 0 or (self.done <= self.found and early):
            return None
        return max((self.last - self.since) / own * rest - (now - self.last), 0.0)

    def text(self) -> str:
        """As in "4 of 24 runs, 1:03, about 5:15 left (teacher)"; what is left is told once something tells it."""
        if self.total is None:
            return ""
        said = f"{self.done:,} of {self.total:,} {self.noun}, {duration(self.clock() - self.since)}"
        said += "" if self.left is None else f", about {duration(self.left)} left"
        return f"{said} ({self.stage})" if self.begun and self.stage else said


def duration(seconds: float) -> str:
    """Minutes and seconds, and hours if there are any.

    >>> duration(63), duration(3600)
    ('1:03', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
