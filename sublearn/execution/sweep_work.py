"""A sweep at work: which jobs its studies are cut into, and where their records and failures go. It plans no grid."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from sublearn.execution import failures, pipeline, store
from sublearn.execution.pipeline import Options
from sublearn.execution.trackers import Followers
from sublearn.study.base import Study
from sublearn.study.jobs import Failure, Job, Outcome, planned


class Studies(Protocol):
    """So many combinations of settings, each with its study."""

    @property
    def size(self) -> int:
        """The number of combinations."""
        ...

    def studies(self) -> Iterator[tuple[dict[str, Any], Study]]:
        """Each combination with its study."""
        ...


class Plan:
    """Which seeds of which study are run, by which jobs."""

    def __init__(
        self, sweep: Studies, seeds: Sequence[int], options: Options, place: pipeline.Place, out: Path | None = None
    ) -> None:
        self.sweep, self.seeds, self.options, self.place, self.out = sweep, seeds, options, place, out
        self.runtime = pipeline.runtime_of(options, place)
        self._known = store.known_in(out) if out else {}
        self.total = sweep.size * len(seeds) // (options.shard[1] if options.shard else 1)
        # Cohorts are formed as for all seeds, so that a sweep that was stopped goes on with the same ones.
        self.workers = pipeline.workers(next(sweep.studies())[1].designed.seconds_a_run, self.total, options, place)

    def parts(self) -> Iterator[tuple[dict[str, Any], Study, list[int]]]:
        """Each study that this shard has seeds of, with them."""
        for number, (chosen, study) in enumerate(self.sweep.studies()):
            own = pipeline.share(self.seeds, self.options.shard, number)
            if own:
                known = self._known.get(study.id)
                yield chosen, study.known_as(known) if known else study, own

    def jobs(self, study: Study, own: Sequence[int], done: Collection[int]) -> Iterator[Job]:
        """The jobs of one study; the more studies there are, the less each must be cut to keep all workers busy."""
        setup = pipeline.setup_of(self.options, self.place, self.out and self.out / study.id)
        return planned(study, own, setup, done, -(-self.workers // self.sweep.size))


class Work:
    """The jobs of a sweep, study by study, and where their records go; few run directories are open at a time."""

    def __init__(self, plan: Plan, out: Path, command: str) -> None:
        self.plan, self.out, self.command = plan, out, command
        self.ended = self.total = 0
        self.open: dict[str, _Open] = {}
        self.failed: set[str] = set()
        self._tell = plan.options.progress or (lambda *_: None)

    def __enter__(self) -> Self:
        for _, study, own in self.plan.parts():
            self.total += len(own)
            self.ended += len(pipeline.seeds_there(study, self.out / study.id) & set(own))
        self._tell(self.ended, self.total, ())
        return self

    def __exit__(self, *_: object) -> None:
        for study in list(self.open):
            self._close(study)

    def jobs(self) -> Iterator[Job]:
        """Every job that is left to do; a run directory is opened when its first job is asked for."""
        for _, study, own in self.plan.parts():
            folder = self._opened(study, own)
            for job in self.plan.jobs(study, own, set(own) - folder.left):
                if study.id in self.failed:
                    break
                folder.begun |= set(job.seeds)
                yield job
            if not folder.left:
                self._close(study.id)

    def take(self, outcome: Outcome) -> None:
        """Write what a job gave; the folder of a study that is through is closed."""
        study, folder = outcome.study, self.open[outcome.study]
        self._end(folder, outcome.seeds)
        if outcome.failure:
            self._fail(folder, outcome.seeds, outcome.failure)
        folder.writer.add(outcome.records)
        folder.followers.add(outcome.records)
        if not folder.left:
            self._close(study)
        self._tell(self.ended, self.total, outcome.notes)

    def _end(self, folder: "_Open", seeds: Collection[int]) -> None:
        folder.left -= set(seeds)
        self.ended += len(seeds)

    def _fail(self, folder: "_Open", seeds: Sequence[int], why: Failure) -> None:
        """Note why a study failed; of its seeds, those that are not begun are not tried."""
        self.failed.add(why.study)
        note = failures.Failed(reason=why.reason, seeds=tuple(seeds), traceback=why.traceback)
        failures.note(self.out / why.study, note, pipeline.shard_name(self.plan.options.shard))
        self._end(folder, folder.left - folder.begun)

    def _opened(self, study: Study, own: Sequence[int]) -> "_Open":
        options, folder = self.plan.options, self.out / study.id
        with ExitStack() as stack:
            shard = pipeline.shard_name(options.shard)
            writer = stack.enter_context(store.writing(folder, study, self.plan.runtime, self.command, shard))
            left = set(own) - writer.done
            followers = stack.enter_context(Followers(options.trackers if left else (), folder))
            self.open[study.id] = _Open(writer, followers, left, stack.pop_all())
        return self.open[study.id]

    def _close(self, study: str) -> None:
        folder = self.open.pop(study, None)
        if folder is None:
            return
        if not folder.left and study not in self.failed:
            failures.clear(self.out / study, pipeline.shard_name(self.plan.options.shard))
        folder.stack.close()


@dataclass
class _Open:
    """A run directory at work: where records go, seeds that are still to come, and begun, and what must be closed."""

    writer: store.Writer
    followers: Followers
    left: set[int]
    stack: ExitStack
    begun: set[int] = field(default_factory=set)
