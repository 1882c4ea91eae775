"""The one loop: the jobs of a plan go through its engine, and what they give goes where it belongs as it comes.

It knows run directories, trackers and failures; grids, claims and reports it does not know. Needs no torch.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from sublearn.execution import failures, store
from sublearn.execution.live import View, named
from sublearn.execution.plan import Plan, Point, Resources, connected, prepare
from sublearn.execution.trackers import Followers, check_packages
from sublearn.stages import News
from sublearn.study.jobs import Failure, Job, Key, Outcome

Ended = Callable[[Point], object]
"""Called with each point as its last seed is done, and once for a point that was done before."""


@dataclass
class Done:
    """What running a plan gave, by the studies' ids: why studies failed, run directories that held everything before,
    and the records and the runtime of points that have no run directory.
    """

    failed: dict[str, Failure] = field(default_factory=dict)
    there: dict[str, store.Run] = field(default_factory=dict)
    records: dict[str, list[Any]] = field(default_factory=dict)
    runtime: dict[str, dict[str, str]] = field(default_factory=dict)


def execute(plan: Plan, ended: Ended = lambda _: None) -> Done:
    """Run what is missing of a plan; run directories are made, or resumed.

    Raises InputError for anything that cannot be used before anything is written. The first error of a job ends it,
    unless the plan is tolerant: then it is noted in the study's folder, and the others are run.
    """
    check_packages(plan.options.trackers)
    done, cost = Done(), _Cost()
    for point in plan.shares():
        found = _looked_at(point, plan)
        cost.add(point, found.complete_seeds() & set(point.seeds) if found else ())
        if found and found.complete_seeds().issuperset(point.seeds):
            done.there[point.study.id] = found
    if cost.done == cost.runs:  # needs no device, and so no torch
        with plan.hold():
            plan.options.tell(cost.done, cost.runs)
            for point in plan.shares():
                _forget_failure(point, plan)
                ended(point)
        return done
    plan.options.tell_stage("loading", cost.done, cost.runs)
    with connected(plan.options) as resources:
        prepare(plan, resources)
        with (
            plan.hold(),
            _Work(plan, resources, done, ended, cost) as work,
            closing(
                resources.engine.run_jobs(work.jobs(), resources.workers(cost.seconds_left), plan.tolerant, work.hear)
            ) as outcomes,
        ):
            plan.options.tell(cost.done, cost.runs)
            for outcome in outcomes:
                work.take(outcome)
    return done


@dataclass
class _Cost:
    """The runs of a plan, those that are done, and about how many seconds of one core all and the rest take."""

    runs: int = 0
    done: int = 0
    seconds: float = 0.0
    seconds_left: float = 0.0

    def add(self, point: Point, done: Collection[int]) -> None:
        """Count the runs of a point, of which some are done."""
        self.runs, self.done = self.runs + len(point.seeds), self.done + len(done)
        self.seconds += point.seconds
        self.seconds_left += point.seconds * (1 - len(done) / len(point.seeds))


def _looked_at(point: Point, plan: Plan) -> store.Run | None:
    """What the point's run directory holds, mended and locked as for writing."""
    if point.folder is None:
        return None
    return store.mended(point.folder, point.study, {"precision": plan.options.precision}, plan.options.shard_name)


def _forget_failure(point: Point, plan: Plan) -> None:
    """What failed once is through now."""
    if point.folder is not None:
        failures.clear(point.folder, plan.options.shard_name)


class _Sink(Protocol):
    """Where the records of a point go, and which seeds have all theirs there."""

    done: set[int]

    def add(self, records: Iterable[Any]) -> None: ...


@dataclass
class _Kept:
    """Records in memory, of a point without a run directory."""

    records: list[Any]
    done: set[int] = field(default_factory=set)

    def add(self, records: Iterable[Any]) -> None:
        self.records += records


@dataclass
class _Open:
    """A point at work: where records go, the seeds that are still to come, and begun, and what must be closed."""

    point: Point
    sink: _Sink
    followers: Followers
    left: set[int]
    stack: ExitStack
    view: View
    begun: set[int] = field(default_factory=set)


class _Work:
    """The jobs of a plan, point by point, and where their records go; few run directories are open at a time."""

    def __init__(self, plan: Plan, resources: Resources, done: Done, ended: Ended, cost: _Cost) -> None:
        self.plan, self.resources, self.done, self.ended, self.cost = plan, resources, done, ended, cost
        self.open: dict[str, _Open] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        rest = ExitStack()
        for own in self.open.values():
            rest.push(own.stack)
        rest.__exit__(*error)  # with the error, or each folder would be looked at for damage of its own

    def jobs(self) -> Iterator[Job]:
        """Every job that is left to do; a run directory is opened when its first job is asked for."""
        for point in self.plan.shares():
            if point.study.id in self.done.there:
                _forget_failure(point, self.plan)
                self.ended(point)
            else:
                yield from self._jobs(point)

    def _jobs(self, point: Point) -> Iterator[Job]:
        runtime = self.resources.runtime(point)
        own = self._opened(point, runtime.facts())
        for job in self.resources.jobs(self.plan, point, runtime.setup, set(point.seeds) - own.left, self.cost.seconds):
            if point.study.id in self.done.failed:
                break
            own.begun |= set(job.seeds)
            own.view.jobs[job.seeds[0]] = len(job.seeds)
            yield job
        if not own.left:
            self._close(own)

    def take(self, outcome: Outcome) -> None:
        """Write what a job gave; the folder of a point that is through is closed."""
        own = self.open[outcome.study]
        self._count_down(own, outcome.seeds)
        if outcome.failure:
            self._fail(own, outcome.seeds, outcome.failure)
        own.sink.add(outcome.records)
        own.view.end(outcome.seeds, outcome.curves, len(own.point.seeds) - len(own.left))
        own.followers.add(outcome.records)
        if not own.left:
            self._close(own)
        self.plan.options.tell(self.cost.done, self.cost.runs, outcome.notes)

    def hear(self, key: Key, news: News) -> None:
        """Take note of what a job is at, and hand on what all are at."""
        own = self.open.get(key[0])
        if own is not None and own.view.hear(key[1], news):
            views = [one.view for one in self.open.values()]
            stage = named(news.stage for view in views for news in view.at.values())
            self.plan.options.tell_stage(stage, self.cost.done + sum(view.partly for view in views), self.cost.runs)

    def _count_down(self, own: _Open, seeds: Collection[int]) -> None:
        own.left -= set(seeds)
        self.cost.done += len(seeds)

    def _fail(self, own: _Open, seeds: Sequence[int], why: Failure) -> None:
        """Note why a study failed; of its seeds, those that are not begun are not tried."""
        self.done.failed[own.point.study.id] = why
        if own.point.folder is not None:
            note = failures.Failed(reason=why.reason, seeds=tuple(seeds), traceback=why.traceback)
            failures.note(own.point.folder, note, self.plan.options.shard_name)
        self._count_down(own, own.left - own.begun)

    def _opened(self, point: Point, runtime: dict[str, str]) -> _Open:
        study, folder, options = point.study, point.folder, self.plan.options
        with ExitStack() as stack:
            if folder is None:
                sink: _Sink = _Kept(self.done.records.setdefault(study.id, []))
                self.done.runtime[study.id] = runtime
            else:
                folder_open = store.writing(folder, study, runtime, point.command, options.shard_name)
                sink = stack.enter_context(folder_open)
            left = set(point.seeds) - sink.done
            view = View.opened(folder, options.shard_name, len(point.seeds) - len(left), len(point.seeds))
            stack.callback(view.close)
            trackers = options.trackers if left and folder is not None else ()
            followers = stack.enter_context(Followers(trackers, folder or Path()))
            self.open[study.id] = _Open(point, sink, followers, left, stack.pop_all(), view)
        return self.open[study.id]

    def _close(self, own: _Open) -> None:
        if self.open.pop(own.point.study.id, None) is None:
            return
        through = not own.left and own.point.study.id not in self.done.failed
        if through:
            _forget_failure(own.point, self.plan)
        own.stack.close()
        if through:
            self.ended(own.point)
