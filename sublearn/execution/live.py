"""What is seen of a point while its jobs are at work: the stage, how far it is, and how the losses fall.

It stands in the run directory, in a file that is a view and no result: nothing is computed from it, and what cannot be
written of it is left out. The curves stay there.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Annotated, Self

from pydantic import Field

from sublearn.config import Spec
from sublearn.errors import InputError
from sublearn.execution.pace import Pace, Stage
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import replace_view
from sublearn.records import LARGEST_VALUE, Number
from sublearn.stages import Curve, News, joined

PREFIX, ALL = "training", "training*.json"
EVERY_S = 0.5
"""Seconds from one writing to the next."""
MOST_NAMES = 2
"""Of several stages at a time so many are named."""
Name = Annotated[str, Field(max_length=300)]


class KeptCurve(Spec, frozen=True):
    """A model's mean loss over so many runs: a point every so many steps."""

    model: Name
    runs: int = Field(ge=1)
    every: int = Field(ge=1)
    losses: tuple[Number | None, ...] = Field(max_length=1_000)

    @classmethod
    def of(cls, curve: Curve) -> Self:
        """As it is kept."""
        losses = (None if loss is None or abs(loss) > LARGEST_VALUE else loss for loss in curve.losses)
        return cls(model=curve.model[:300], runs=curve.runs, every=curve.every, losses=tuple(losses))

    @property
    def curve(self) -> Curve:
        """As it was."""
        return Curve(self.model, self.runs, self.every, self.losses)


class Now(Spec, frozen=True):
    """What is at work: its stage, the runs that are done with parts of others, seconds left, and what trains now."""

    stage: Name
    done: Number = Field(ge=0)
    total: int = Field(ge=0)
    left_s: Number | None = None
    curves: tuple[KeptCurve, ...] = Field(default=(), max_length=2_000)


class Training(Spec, frozen=True):
    """The content of training.json: the curves of all jobs that have ended, and what is at work, if anything is."""

    curves: tuple[KeptCurve, ...] = Field(default=(), max_length=2_000)
    now: Now | None = None


def read(folder: Path) -> Training:
    """What a run directory holds of it, of all its shards. Raises InputError for a file that is none of ours."""
    found = [_read(file) for file in sorted(folder.glob(ALL))]
    curves = joined(curve.curve for one in found for curve in one.curves)
    now = next((one.now for one in found if one.now is not None), None)
    return Training(curves=tuple(map(KeptCurve.of, curves)), now=now)


def named(stages: Iterable[str]) -> str:
    """The stages of jobs that are at work at a time, as one text."""
    found = list(dict.fromkeys(stages))
    return ", ".join(found[:MOST_NAMES]) + (", ..." if len(found) > MOST_NAMES else "")


@dataclass
class View:
    """What is seen of one point, and the file that it is written to where the point has a run directory."""

    folder: Path | None
    shard: str | None
    pace: Pace = field(default_factory=Pace)
    ended: tuple[Curve, ...] = ()
    jobs: dict[int, int] = field(default_factory=dict)
    """The number of runs of each job that was begun and has not ended, by its first seed."""
    at: dict[int, News] = field(default_factory=dict)
    stage: str = ""
    """The stages that are at work, or were last."""
    closed: bool = False
    written: float = field(default_factory=monotonic)

    @classmethod
    def opened(cls, folder: Path | None, shard: str | None, done: int, total: int) -> Self:
        """The view of a point, with the curves that are in its run directory."""
        view = cls(folder, shard)
        view.pace.reach(done, total)
        if view.file is not None and view.file.is_file():
            with suppress(InputError):
                view.ended = tuple(one.curve for one in _read(view.file).curves)
        return view

    @property
    def file(self) -> Path | None:
        """Where it is written."""
        name = f"{PREFIX}-{self.shard}.json" if self.shard else f"{PREFIX}.json"
        return None if self.folder is None else self.folder / name

    @property
    def partly(self) -> float:
        """The runs' worth of work that is done in jobs that have not ended."""
        return sum(news.share * self.jobs[first] for first, news in self.at.items())

    def hear(self, first: int, news: News) -> bool:
        """Take note of what a job is at; whether it is one that is at work."""
        if first not in self.jobs:  # its outcome has come before the last of its news
            return False
        self.at[first] = news
        self.stage = named(news.stage for news in self.at.values())
        self.pace.at(Stage(self.stage, self.pace.done + self.partly, self.pace.total or 0))
        if monotonic() - self.written >= EVERY_S:
            self.write()
        return True

    def end(self, seeds: Sequence[int], curves: Iterable[Curve], done: int) -> None:
        """Take note of a job's end."""
        self.jobs.pop(seeds[0], None)
        self.at.pop(seeds[0], None)
        self.ended = joined((*self.ended, *curves))
        self.pace.reach(done, self.pace.total or 0)
        if monotonic() - self.written >= EVERY_S:
            self.write()

    def close(self) -> None:
        """Write it for the last time, if anything was trained."""
        self.closed = True
        if self.ended:
            self.write()

    def write(self) -> None:
        """Write what there is to see."""
        self.written = monotonic()
        if self.file is not None:
            # What matters is written elsewhere, and complains there; so many curves that none fits are not shown.
            with suppress(InputError, ValueError):
                replace_view(self.file, self._content().model_dump_json(indent=1) + "\n")

    def _content(self) -> Training:
        return Training(curves=tuple(map(KeptCurve.of, self.ended)), now=None if self.closed else self._now())

    def _now(self) -> Now:
        curves = joined(curve for news in self.at.values() for curve in news.curves)
        return Now(
            stage=self.stage[:300],
            done=self.pace.done + self.partly,
            total=self.pace.total or 0,
            left_s=self.pace.left,
            curves=tuple(map(KeptCurve.of, curves)),
        )


def _read(file: Path) -> Training:
    return typed(Training, json_file(file, "the training"), str(file))
