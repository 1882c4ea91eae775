"""What a job is at: training says its stages, steps and losses here, and whoever runs the job may listen.

Where nobody listens, nothing is kept. Knows no study and no file, and needs no torch: losses are added as they come.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

POINTS = 40
"""Points of a curve at most."""
EVERY_S = 0.1
"""Seconds from one piece of news to the next within a stage."""
T = TypeVar("T")


@dataclass(frozen=True)
class Curve:
    """How a model's loss fell: the mean over so many runs, a point every so many steps, each the mean since the last.

    A point is None where no run's loss was finite.
    """

    model: str
    runs: int
    every: int
    losses: tuple[float | None, ...]


@dataclass(frozen=True)
class News:
    """What a job is at: the stage, the share of the whole job that is done, and the curves of what trains now."""

    stage: str
    share: float
    curves: tuple[Curve, ...] = ()


Hear = Callable[[News], object]


def joined(curves: Iterable[Curve]) -> tuple[Curve, ...]:
    """One curve a model, the mean over all of its runs; points are matched by their number."""
    found: dict[str, Curve] = {}
    for curve in curves:
        found[curve.model] = _both(found[curve.model], curve) if curve.model in found else curve
    return tuple(found.values())


@contextmanager
def listening(hear: Hear) -> Iterator["Job"]:
    """Hear what training says meanwhile; the job that it gives has the curves of what was trained to its end."""
    job = Job(hear)
    token = _JOB.set(job)
    try:
        yield job
    finally:
        _JOB.reset(token)


def ahead(weights: Mapping[str, float]) -> None:
    """Say which stages are to come in this part of the work, in their order, and about how much work each is."""
    job = _JOB.get()
    if job is not None:
        job.ahead(weights)


@contextmanager
def stage(name: str, steps: int = 0, models: Sequence[str] = ()) -> Iterator[None]:
    """Say that a stage begins, and that it ends; its `steps` train these models, whose runs lie one after the other."""
    job = _JOB.get()
    if job is None:
        yield
        return
    job.begin(name, steps, models)
    try:
        yield
    except BaseException:
        job.stages.pop()
        raise
    job.end()


def stepped(losses: Any) -> None:
    """Say the loss of each run, as a tensor "run" or a number, in the step that was done."""
    job = _JOB.get()
    if job is not None and job.stages:
        job.step(losses)


def parts(things: Sequence[T], weights: Sequence[float] = ()) -> Iterator[T]:
    """The things, each a part of the work that is at hand, equally large where no weights are given."""
    job = _JOB.get()
    if job is None:
        yield from things
        return
    sizes, (start, size), course = weights or [1.0] * len(things), job.span, job.course
    try:
        for place, thing in enumerate(things):
            before, total = sum(sizes[:place]), sum(sizes) or 1.0
            job.span, job.course = (start + size * before / total, size * sizes[place] / total), {}
            yield thing
    finally:
        job.span, job.course = (start, size), course


@contextmanager
def renaming(name_of: Callable[[str], str]) -> Iterator[None]:
    """Call the models of the stages meanwhile by other names: those of the study that they are a part of."""
    job = _JOB.get()
    if job is None:
        yield
        return
    before, job.name_of = job.name_of, name_of
    try:
        yield
    finally:
        job.name_of = before


@contextmanager
def unheard() -> Iterator[None]:
    """Listen to nothing meanwhile: what is done is no part of the work, as when a trainer is tried on a model."""
    token = _JOB.set(None)
    try:
        yield
    finally:
        _JOB.reset(token)


@contextmanager
def trying() -> Iterator[None]:
    """Forget the curves of what is done meanwhile if it fails, since it will be done again."""
    job = _JOB.get()
    kept = list(job.curves) if job is not None else []
    try:
        yield
    except BaseException:
        if job is not None:
            job.curves = kept
        raise


@dataclass
class _Stage:
    """A stage at work: where its share of the job begins, and how large it is."""

    name: str
    start: float
    size: float
    steps: int
    models: Sequence[str]
    done: int = 0
    total: Any = None
    runs: int = 1
    points: list[list[float | None]] = field(default_factory=list)

    @property
    def every(self) -> int:
        """Steps from one point of its curves to the next."""
        return -(-self.steps // POINTS)

    @property
    def share(self) -> float:
        """How much of the job is done."""
        return self.start + (self.size * min(self.done / self.steps, 1) if self.steps else 0)

    def step(self, losses: Any) -> bool:
        """Add a step; whether it made a point."""
        if not self.steps:
            return False
        self.done += 1
        self.total = losses if self.total is None else self.total + losses
        rest = self.done % self.every
        if rest and self.done < self.steps:
            return False
        mean = self.total / (rest or self.every)
        values = mean.tolist() if hasattr(mean, "tolist") else mean
        self._add_point(values if isinstance(values, list) else [values])
        self.total = None
        return True

    def _add_point(self, values: list[float]) -> None:
        if self.models:
            self.runs = len(values) // len(self.models)
            own = [values[place * self.runs : (place + 1) * self.runs] for place in range(len(self.models))]
            self.points.append([_mean(one) for one in own])

    def curves(self) -> tuple[Curve, ...]:
        """Its models' curves, as far as they are."""
        if not self.points:
            return ()
        each = zip(self.models, zip(*self.points, strict=True), strict=True)
        return tuple(Curve(model, self.runs, self.every, losses) for model, losses in each)


class Job:
    """What was said of one job."""

    def __init__(self, hear: Hear) -> None:
        self.hear, self.told = hear, 0.0
        self.span, self.share = (0.0, 1.0), 0.0
        self.course: dict[str, tuple[float, float]] = {}
        self.stages: list[_Stage] = []
        self.curves: list[Curve] = []
        self.name_of: Callable[[str], str] = str

    def ahead(self, weights: Mapping[str, float]) -> None:
        """Lay the stages out over the part of the work that is at hand."""
        (start, size), total, before = self.span, sum(weights.values()) or 1.0, 0.0
        self.course = {}
        for name, weight in weights.items():
            self.course[name] = (start + size * before / total, size * weight / total)
            before += weight

    def begin(self, name: str, steps: int, models: Sequence[str]) -> None:
        """Take up a stage; one that was not foreseen moves nothing forward."""
        start, size = self.course.get(name, (self.share, 0.0))
        self.stages.append(_Stage(name, start, size, steps, [self.name_of(model) for model in models]))
        self._tell()

    def end(self) -> None:
        """Keep what the stage gave, and go back to the one around it."""
        own = self.stages.pop()
        self.curves += own.curves()
        self.share = max(self.share, own.start + own.size)
        if self.stages:
            self._tell()

    def step(self, losses: Any) -> None:
        """Add a step of the stage at work."""
        if self.stages[-1].step(losses) and monotonic() - self.told >= EVERY_S:
            self._tell()

    def _tell(self) -> None:
        own = self.stages[-1]
        self.share, self.told = max(self.share, own.share), monotonic()
        self.hear(News(own.name, min(self.share, 1.0), own.curves()))


_JOB: ContextVar[Job | None] = ContextVar("job", default=None)


def _both(one: Curve, other: Curve) -> Curve:
    """The mean of two curves of a model, weighted by their runs."""
    longer, shorter = (one, other) if len(one.losses) >= len(other.losses) else (other, one)
    pairs = [(longer.runs, longer.losses), (shorter.runs, shorter.losses)]
    losses = (_weighted([(n, own[k]) for n, own in pairs if k < len(own)]) for k in range(len(longer.losses)))
    return Curve(one.model, one.runs + other.runs, longer.every, tuple(losses))


def _weighted(values: Sequence[tuple[int, float | None]]) -> float | None:
    found = [(n, value) for n, value in values if value is not None]
    weight = sum(n for n, _ in found)
    return _rounded(sum(n * value for n, value in found) / weight) if weight else None


def _mean(values: Sequence[float]) -> float | None:
    return _weighted([(1, value) for value in values if math.isfinite(value)])


def _rounded(value: float) -> float | None:
    """Six digits: a curve is looked at."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
