"""A plan: studies with their seeds, how they are cut into jobs, and what is said of it before it is run.

Every command that trains makes one, of one point or of many. Needs no torch, and writes nothing.
"""

import os
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sublearn.errors import plain
from sublearn.execution import looks, store
from sublearn.execution.engines.table import ENGINES, Engine
from sublearn.execution.options import Options
from sublearn.study.analysis import family_of, units_of
from sublearn.study.base import Setup, Study
from sublearn.study.jobs import Job, cut
from sublearn.study.table import check_memory
from sublearn.training.choice import Choice

ARTIFACTS = "made"
"""The folder, in a run directory, of what a language run makes on its way."""
LONGEST_REASON = 200
PILOT_S = 10.0
"""A pilot has as many runs of a job as take about so many seconds, by the study's own rough cost."""
WARM_UP_S = 20.0
"""A shorter pilot is measured twice: the first time loads torch."""


@dataclass(frozen=True)
class Point:
    """One study with its seeds, and its run directory if it has one, where `command` is kept."""

    study: Study
    seeds: Sequence[int]
    folder: Path | None = None
    command: str = ""

    @property
    def seconds(self) -> float:
        """A rough cost of its seeds on one core."""
        return self.study.designed.seconds_a_run * len(self.seeds)

    def job(self, setup: Setup) -> Job:
        """What is done for its seeds, as a job of none of them."""
        return Job(study=self.study, seeds=(), setup=setup)

    def check(self, device: str) -> None:
        """Raise InputError if its seeds cannot be measured; nothing is trained."""
        del device


class Points(Protocol):
    """So many points, which may be made anew each time that they are gone through."""

    def __iter__(self) -> Iterator[Point]: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Plan:
    """Points and how they are run.

    If it is `tolerant`, a study that fails ends no other. `probes` are studies that need whatever any of its points
    needs, where not all points are to be asked. `hold` is entered for the work, once all input has been checked.
    """

    points: Points
    options: Options
    tolerant: bool = False
    probes: Sequence[Study] | None = None
    hold: Callable[[], AbstractContextManager[None]] = nullcontext

    def shares(self) -> Iterator[Point]:
        """The points that this shard has seeds of, with those alone."""
        for number, point in enumerate(self.points):
            own = self.options.share(point.seeds, number)
            if own:
                yield replace(point, seeds=own)


@dataclass(frozen=True)
class Resources:
    """Where jobs are run: an engine's device, and how many run at a time at most."""

    options: Options
    device: str
    slots: int

    @property
    def engine(self) -> Engine:
        """Who runs them."""
        return ENGINES[self.options.engine]

    def runtime(self, point: Point) -> "Runtime":
        """How the jobs of a point are run."""
        trainer = point.study.designed.trainer(self.options.trainer)
        setup = Setup(
            device=self.device,
            precision=self.options.precision,
            threads=1,
            keep=None if point.folder is None else str(point.folder / ARTIFACTS),
        )
        return Runtime(setup.model_copy(update={"trainer": trainer.name}), trainer, self.options.engine)

    def workers(self, seconds: float) -> int:
        """How many run at a time for so many seconds of work on one core."""
        return self.engine.workers(seconds, self.slots)

    def jobs(self, plan: Plan, point: Point, setup: Setup, done: Collection[int], total: float) -> Iterator[Job]:
        """The jobs of one point; the more points there are, the less each must be cut to keep all workers busy."""
        # By the cost of all seeds, so that what was stopped resumes with the same cohorts.
        return cut(point.job(setup), point.seeds, done, -(-self.workers(total) // len(plan.points)))


@dataclass(frozen=True)
class Runtime:
    """How the jobs of a point are run, by which trainer and engine."""

    setup: Setup
    trainer: Choice
    engine: str

    def facts(self) -> dict[str, str]:
        """What a run directory keeps of it."""
        why = {"trainer": self.trainer.name, "trainer_reason": plain(self.trainer.reason, LONGEST_REASON)}
        return {"device": self.setup.device, "precision": self.setup.precision, "engine": self.engine, **why}


@contextmanager
def connected(options: Options) -> Iterator[Resources]:
    """Where the options lead, connected to for so long. Raises InputError for what is not there."""
    engine = ENGINES[options.engine]
    try:
        yield Resources(options, *engine.connect(options.jobs, options.device))
    finally:
        engine.disconnect()


def prepare(plan: Plan, resources: Resources) -> None:
    """See that every study fits in memory and can be trained as asked; fetch and check what they need.

    Raises InputError where that is not so.
    """
    if resources.engine.uses_this_memory(resources.device):
        for point in plan.points:
            check_memory(point.study)
    for study in [point.study for point in plan.points] if plan.probes is None else plan.probes:
        study.designed.prepare()
        study.designed.trainer(plan.options.trainer)  # one that is forced may not take the model
        if resources.engine.sends(plan.options.jobs):
            study.designed.check_sent()
    for point in plan.shares():
        point.check(resources.device)


def seeds_there(point: Point) -> set[int]:
    """The seeds that have all their records in the point's run directory, whichever they are."""
    if point.folder is None or not os.path.exists(point.folder / store.MANIFEST):  # unlike a path's own, any name
        return set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who opens the folder to write is told of a torn record
        found = store.load(point.folder)
    return found.complete_seeds() if found.study.asks_what(point.study) else set()


def few(point: Point, cells: int = 1) -> str | None:
    """What to say before a run whose seeds, with those that are there, are too few for a verdict; None if enough.

    `cells` is the number of studies of the sweep that it belongs to.
    """
    study, there = point.study, seeds_there(point)
    every = sorted({*point.seeds, *there})
    seen = looks.earlier(point.folder, study, every, cells) if point.folder and there else ()
    family = family_of(study, len(seen) + 1, cells)
    if not study.claims or units_of(study, every) >= family.least_runs:
        return None
    least = family.least_runs * study.seeds_a_unit
    said = f"Note: {_runs(len(every))} cannot reach a verdict, whatever comes out"
    return f"{said}: it takes at least {least} ({family.text}), as in --seeds 0:{least}."


def describe(plan: Plan) -> str:
    """What running the plan would do: jobs, runs, what is there, the trainer, and about how long it takes."""
    with connected(plan.options) as resources:
        prepare(plan, resources)
        return "\n".join(_lines(plan, resources))


def _lines(plan: Plan, resources: Resources) -> Iterator[str]:
    jobs = runs = there = 0
    seconds, total = 0.0, sum(point.seconds for point in plan.shares())
    first: tuple[Job, Choice] | None = None
    for point in plan.shares():
        done, runtime = seeds_there(point) & set(point.seeds), resources.runtime(point)
        there += len(done)
        for job in resources.jobs(plan, point, runtime.setup, done, total):
            jobs, runs, first = jobs + 1, runs + len(job.seeds), first or (job, runtime.trainer)
            seconds += len(job.seeds) * point.study.designed.seconds_a_run
    what = f"{len(plan.points):,} studies, {_runs(runs)}"
    if len(plan.points) == 1:
        study = next(iter(plan.points)).study
        yield f"{study.id}: {', '.join(arm.name for arm in study.arms)}"
        what = f"{_runs(runs)} of {_counted(len(study.arms), 'arm')}"
    yield f"{what} in {_counted(jobs, 'job')} to do; {_runs(there)} {'is' if there == 1 else 'are'} there."
    if first is not None:
        job, trainer = first
        at_once = resources.workers(seconds)
        yield f"Trainer: {plain(trainer, LONGEST_REASON)}."
        yield from job.study.designed.plan_lines(runs / at_once) or [_time_line(job, runs, resources, at_once)]
        if len(plan.points) > 1:
            yield "The time is that of the first study; settings may change the cost."


def _time_line(job: Job, runs: int, resources: Resources, at_once: int) -> str:
    """About how long so many runs take, from a pilot: the first runs of `job`, measured and thrown away."""
    most = max(1, int(PILOT_S / job.study.designed.seconds_a_run))
    pilot = job.model_copy(update={"seeds": job.seeds[:most]})
    took = time_text(_seconds_a_run(pilot, resources.engine) * runs / at_once)
    return f"About {took} with {at_once} at a time on {resources.device}, from a pilot of {_runs(len(pilot.seeds))}."


def _seconds_a_run(pilot: Job, engine: Engine) -> float:
    """The measured time of a job for each of its runs, without what is only done once a process."""
    took = [engine.seconds(pilot)]
    if took[0] < WARM_UP_S:
        took.append(engine.seconds(pilot))
    return min(took) / len(pilot.seeds)


def time_text(seconds: float) -> str:
    """As in "2.5 hours".

    >>> time_text(9000), time_text(0.5)
    ('2.5 hours', '0.5 seconds')
    """
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _runs(n: int) -> str:
    return _counted(n, "run")


def _counted(n: int, what: str) -> str:
    """As in "1 run" and "2 runs"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
