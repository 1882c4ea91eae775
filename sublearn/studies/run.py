"""From a study and its seeds to jobs, and from a job to records. Planning is torch-free and printable; a job is run by
the study's flow, which is imported then. Nothing here writes files.
"""

import gc
import traceback
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from pydantic import Field

from sublearn.config import Spec
from sublearn.devices import Precision
from sublearn.errors import FOR_PROGRAMMERS, SublearnError, plain
from sublearn.records import Record
from sublearn.studies import flow_of, runs_at_once
from sublearn.studies.base import Study, misfits


class Setup(Spec, frozen=True):
    """How a job is run, which must not change what comes out: device, float32 matrix precision, cohort or not.

    `keep` is the folder for what a flow makes on its way (rows, models), so that it can be looked at and gone on with.
    """

    device: str = "cpu"
    precision: Precision = "highest"
    one_at_a_time: bool = False
    threads: int | None = Field(default=None, ge=1)
    keep: str | None = None


class Job(Spec, frozen=True):
    """The seeds of a study that are trained together as one cohort."""

    study: Study
    seeds: tuple[int, ...]
    setup: Setup = Setup()


@dataclass(frozen=True)
class Failure:
    """Why a job of a study (by its id) gave no records: one line, and Python's own account of it."""

    study: str
    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a finished job gave, and what there is to tell about it; a failed one has no records."""

    seeds: tuple[int, ...]
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def study(self) -> str:
        """The id of its study."""
        return self.failure.study if self.failure else self.records[0].study


class Flow(Protocol):
    """A module that trains and measures every arm of a study for some seeds."""

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """One record for each arm, trait and seed."""
        ...


def plan(study: Study, seeds: Sequence[int], setup: Setup, done: Collection[int] = (), workers: int = 1) -> list[Job]:
    """The jobs for the seeds that are not done: cohorts as large as suits the device, and work for every worker."""
    return list(planned(study, seeds, setup, done, workers))


def planned(
    study: Study, seeds: Sequence[int], setup: Setup, done: Collection[int] = (), workers: int = 1
) -> Iterator[Job]:
    """The jobs of `plan`, one after the other, so that any number of them needs no memory."""
    size = 1 if setup.one_at_a_time else runs_at_once(study, setup.device)
    size = max(1, min(size, -(-len(seeds) // workers)))
    # The borders do not move with what is done: a cohort that is run again after a stop has the same members.
    for start in range(0, len(seeds), size):
        todo = tuple(seed for seed in seeds[start : start + size] if seed not in done)
        if todo:
            yield Job(study=study, seeds=todo, setup=setup)


def measure(job: Job) -> Outcome:
    """Run one job. A cohort that does not fit in memory is halved and tried again, with a note.

    Raises SublearnError for records that are none of the study's.
    """
    import torch

    torch.set_float32_matmul_precision(job.setup.precision)
    if job.setup.threads is not None:
        torch.set_num_threads(job.setup.threads)
    flow = cast(Flow, import_module(flow_of(job.study)))
    with warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", category)
        records = _measure(flow, job.study, job.seeds, job.setup)
    misfit = misfits(job.study)
    for flaw in filter(None, map(misfit, records)):
        raise SublearnError(f"The study {job.study.name} measured what cannot be recorded: {flaw}.")
    notes = tuple(str(one.message) for one in caught if not issubclass(one.category, FOR_PROGRAMMERS))
    return Outcome(job.seeds, tuple(records), notes)


def attempt(job: Job) -> Outcome:
    """`measure`, for where one study's failure must not end the others: an error comes back as an outcome."""
    try:
        return measure(job)
    except Exception as error:
        return failed(job, _told(error), traceback.format_exc())


def failed(job: Job, reason: str, account: str = "") -> Outcome:
    """The outcome of a job that gave nothing."""
    return Outcome(job.seeds, (), failure=Failure(job.study.id, reason, account))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, SublearnError) else plain(f"{type(error).__name__}: {error}", 300)


def _measure(flow: Flow, study: Study, seeds: tuple[int, ...], setup: Setup) -> list[Record]:
    try:
        return flow.measure(study, seeds, setup)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        if len(seeds) == 1:
            raise SublearnError(
                f"A single run of {study.name} does not fit in memory; choose smaller sizes."
            ) from error
    gc.collect()
    half = len(seeds) // 2
    warnings.warn(f"{len(seeds)} runs at once do not fit in memory; trying {half} at a time.", stacklevel=2)
    return _measure(flow, study, seeds[:half], setup) + _measure(flow, study, seeds[half:], setup)


def _out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
