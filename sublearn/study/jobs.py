"""From a study and its seeds to jobs, and from a job to records. Planning is torch-free and printable; a job is run by
the study's training, which is imported then. Nothing here writes files.
"""

import gc
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sublearn import stages
from sublearn.config import Spec
from sublearn.devices import repeatable
from sublearn.errors import FOR_PROGRAMMERS, InputError, SublearnError, plain, quoted, unknown
from sublearn.records import Record
from sublearn.stages import Curve, News
from sublearn.study.base import Setup, Study, misfits
from sublearn.study.table import runs_at_once

Key = tuple[str, int]
"""A study's id and the first of a job's seeds."""
Hear = Callable[[Key, News], object]
"""Told what a job is at."""


def unheard(key: Key, news: News) -> None:
    """For a job to which nobody listens."""


class Job(Spec, frozen=True):
    """The seeds of a study that are trained together as one cohort."""

    study: Study
    seeds: tuple[int, ...]
    setup: Setup = Setup()

    @property
    def largest(self) -> int:
        """The most seeds that suit one job: as many as suit the device."""
        return 1 if self.setup.trainer == "single" else runs_at_once(self.study, self.setup.device)

    @property
    def key(self) -> Key:
        """What it is known by among the jobs at work."""
        return self.study.id, self.seeds[0]

    def measured(self) -> tuple[Any, ...]:
        """The records: one of every arm, trait and seed. Raises InputError for records that are none of the study's."""
        return checked(self.study, self.seeds, _measure(self.study, self.seeds, self.setup))


@dataclass(frozen=True)
class Failure:
    """Why a job gave no records: one line, and Python's own account of it."""

    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a job of a study (by its id) gave, and what there is to tell about it; a failed one has no records."""

    study: str
    seeds: tuple[int, ...]
    records: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    curves: tuple[Curve, ...] = ()
    """How the losses fell, by model."""


def plan(study: Study, seeds: Sequence[int], setup: Setup, done: Collection[int] = (), workers: int = 1) -> list[Job]:
    """The jobs for the seeds that are not done: cohorts as large as suits the device, and work for every worker."""
    return list(cut(Job(study=study, seeds=(), setup=setup), seeds, done, workers))


def cut(whole: Job, seeds: Sequence[int], done: Collection[int] = (), workers: int = 1) -> Iterator[Job]:
    """Jobs like `whole` for the seeds that are not done, one after the other, so that any number needs no memory."""
    size = max(1, min(whole.largest, -(-len(seeds) // workers)))
    # The borders do not move with what is done: a cohort that is run again after a stop has the same members.
    for start in range(0, len(seeds), size):
        todo = tuple(seed for seed in seeds[start : start + size] if seed not in done)
        if todo:
            yield whole.model_copy(update={"seeds": todo})


def measure(job: Job, hear: Hear = unheard) -> Outcome:
    """Run one job. A cohort that does not fit in memory is halved and tried again, with a note."""
    import torch

    torch.set_float32_matmul_precision(job.setup.precision)
    if job.setup.threads is not None:
        torch.set_num_threads(job.setup.threads)
    key = job.key  # which takes a digest of the study
    with repeatable(job.setup.device), warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", category)
        with stages.listening(lambda news: hear(key, news)) as said:
            records = job.measured()
    notes = tuple(str(one.message) for one in caught if not issubclass(one.category, FOR_PROGRAMMERS))
    return Outcome(job.study.id, job.seeds, records, notes, curves=stages.joined(said.curves))


def checked(study: Study, seeds: Sequence[int], records: Sequence[Record]) -> tuple[Record, ...]:
    """The records, if there is just one of every arm, trait and seed and no other. Raises InputError otherwise."""
    arms, traits = [arm.name for arm in study.arms], [trait.name for trait in study.traits]
    missing = {(arm, trait, seed) for arm in arms for trait in traits for seed in seeds}
    misfit = misfits(study)
    for record in records:
        for kind, name, known in (("arm", record.arm, arms), ("trait", record.trait, traits)):
            if name not in known:
                said = unknown(kind, name, known)
                raise InputError(f"The study '{study.name}' measured the {kind} {quoted(name)}. {said}")
        flaw = misfit(record)
        if flaw or record.seed not in seeds:
            flaw = flaw or f"the seed {record.seed} was not asked for"
            raise InputError(f"The study '{study.name}' measured what cannot be recorded: {flaw}.")
        if (record.arm, record.trait, record.seed) not in missing:
            raise InputError(
                f"The study '{study.name}' gave two records of {record.arm}, {record.trait}, seed {record.seed}."
            )
        missing.discard((record.arm, record.trait, record.seed))
    if missing:
        arm, trait, seed = min(missing)
        raise InputError(f"The study '{study.name}' gave no record of {arm}, {trait}, seed {seed}.")
    return tuple(records)


def attempt(job: Job, hear: Hear = unheard) -> Outcome:
    """`measure`, for where one study's failure must not end the others: an error comes back as an outcome."""
    try:
        return measure(job, hear)
    except Exception as error:
        return failed(job, _reason(error), traceback.format_exc())


def failed(job: Job, reason: str, account: str = "") -> Outcome:
    """The outcome of a job that gave nothing."""
    return Outcome(job.study.id, job.seeds, (), failure=Failure(reason, account))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SublearnError) else plain(f"{type(error).__name__}: {error}", 300)


def _measure(study: Study, seeds: tuple[int, ...], setup: Setup) -> list[Record]:
    try:
        with stages.trying():
            return study.designed.measure(study, seeds, setup)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        if len(seeds) == 1:
            raise SublearnError(
                f"A single run of {study.name} does not fit in memory; choose smaller sizes."
            ) from error
    gc.collect()
    halves = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
    warnings.warn(f"{len(seeds)} runs at once do not fit in memory; trying {len(halves[0])} at a time.", stacklevel=2)
    return [record for half in stages.parts(halves) for record in _measure(study, half, setup)]


def _out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
