"""Jobs on this machine: in this process, or in several of one thread each. Knows jobs, not their content; no torch."""

import atexit
import math
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from time import perf_counter
from typing import TypeVar

from sublearn import signals
from sublearn.devices import resolve
from sublearn.errors import SublearnError
from sublearn.execution.engines.wire import Wire, speaker
from sublearn.study.jobs import Hear, Job, Outcome, attempt, failed, measure, unheard

T = TypeVar("T")
R = TypeVar("R")
SECONDS_WORTH_A_PROCESS = 5.0
LISTEN_S = 0.2
"""Seconds from one look at what workers say to the next."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def connect(jobs: int, device: str) -> tuple[str, int]:
    """The device that jobs are run on, and how many at a time at most. Raises InputError where it is not there."""
    found = resolve(device)
    # A GPU is not shared between processes.
    return found, jobs if found == "cpu" else 1


def disconnect() -> None:
    """Nothing: there is no connection."""


def workers(seconds: float, slots: int) -> int:
    """How many processes are worth it: one pays off after some seconds of work."""
    return max(1, min(slots, math.ceil(seconds / SECONDS_WORTH_A_PROCESS)))


def sends(jobs: int) -> bool:
    """Whether more than this process may be asked to work."""
    return jobs > 1


def uses_this_memory(device: str) -> bool:
    """A GPU has its own."""
    return device == "cpu"


def run_jobs(jobs: Iterable[Job], workers: int, tolerant: bool = False, hear: Hear = unheard) -> Generator[Outcome]:
    """Run the jobs and yield each outcome as it ends; in this process if one worker is enough.

    Jobs are taken as workers become free, so that any number of them may follow. If `tolerant`, a job that fails, or
    whose process is killed, gives an outcome that says so; else it ends them all with an error. `hear` is told what
    they are at, in this thread.
    """
    if workers <= 1:
        yield from (attempt(job, hear) if tolerant else measure(job, hear) for job in jobs)
    else:
        yield from _in_processes(jobs, workers, tolerant, hear)


def each(work: Callable[[T, Hear], R], tasks: Sequence[T], workers: int, hear: Hear = unheard) -> Iterator[R]:
    """What `work` gives of each task as it ends; in this process if one worker is enough, else in several.

    `hear` is told in this thread what the tasks are at, by whatever key they say it. Raises SublearnError where a
    process is killed.
    """
    if workers <= 1:
        yield from (work(task, hear) for task in tasks)
        return
    with Wire() as wire:
        pool = _pool(workers, wire)
        try:
            left = {_submitted(pool, _told, (work, task)) for task in tasks}
            while left:
                done, left = wait(left, LISTEN_S, FIRST_COMPLETED)
                wire.hear(hear)
                yield from (future.result() for future in done)
        except BrokenProcessPool as error:
            raise SublearnError(f"A worker failed: {error}. Give the same command again to resume.") from error
        except BaseException:
            _end(pool)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def seconds(job: Job) -> float:
    """The time that one job takes in this process; what it gives is thrown away."""
    start = perf_counter()
    measure(job)
    return perf_counter() - start


def _in_processes(jobs: Iterable[Job], workers: int, tolerant: bool, hear: Hear) -> Generator[Outcome]:
    # Few jobs are in flight, so that memory does not grow with them.
    with Wire() as wire:
        yield from _flown(_Flight(workers, tolerant, wire, hear), jobs, workers)


def _flown(flight: "_Flight", jobs: Iterable[Job], workers: int) -> Generator[Outcome]:
    try:
        for job in jobs:
            flight.send(job)
            if len(flight.running) >= 2 * workers:
                yield from flight.land()
        while flight.running or flight.lost:
            yield from flight.land()
    except BaseException:
        _end(flight.pool)
        raise
    finally:
        flight.pool.shutdown(wait=True, cancel_futures=True)


class _Flight:
    """The jobs that are on their way, and the processes that they are run in."""

    def __init__(self, workers: int, tolerant: bool, wire: Wire, hear: Hear) -> None:
        self.workers, self.tolerant, self.wire, self.hear = workers, tolerant, wire, hear
        self.running: dict[Future[Outcome], Job] = {}
        self.lost: list[Job] = []
        self.pool = _pool(workers, wire)

    def send(self, job: Job) -> None:
        try:
            self.running[_submitted(self.pool, _attempt if self.tolerant else _measure, job)] = job
        except BrokenProcessPool as error:
            self._lose(job, error)

    def land(self) -> list[Outcome]:
        """Wait for at least one job; all that have ended, with those that were run again."""
        while not (done := wait(self.running, LISTEN_S, FIRST_COMPLETED).done) and self.running:
            self.wire.hear(self.hear)
        self.wire.hear(self.hear)
        found = self._taken(done)
        if not self.lost:
            return found
        # A process was killed and the pool with it; whose doing it was shows when each job is run alone.
        found += self._taken(wait(self.running).done)
        self.pool.shutdown(wait=True)
        self.pool = _pool(1, self.wire)
        for job in self.lost:
            found.append(self._alone(job))
        self.pool.shutdown(wait=True)
        self.lost, self.pool = [], _pool(self.workers, self.wire)
        return found

    def _alone(self, job: Job) -> Outcome:
        try:
            return _submitted(self.pool, _attempt, job).result()
        except BrokenProcessPool:
            self.pool.shutdown(wait=True)
            self.pool = _pool(1, self.wire)
            return failed(job, "Its process was killed, perhaps because it took too much memory")

    def _taken(self, done: Iterable[Future[Outcome]]) -> list[Outcome]:
        found = []
        for future in done:
            job = self.running.pop(future)
            try:
                found.append(future.result())
            except (OSError, RuntimeError) as error:
                self._lose(job, error)
        return found

    def _lose(self, job: Job, error: Exception) -> None:
        if not (self.tolerant and isinstance(error, BrokenProcessPool)):
            raise SublearnError(f"A worker failed: {error}. Give the same command again to resume.") from error
        self.lost.append(job)


def _pool(workers: int, wire: Wire) -> ProcessPoolExecutor:
    """Fresh processes, because a forked PyTorch may hang."""
    with signals.blocked():
        ensure_running()  # multiprocessing's helper; if it was started later, it would let signals through then
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker, (wire.end,))


def _submitted(pool: ProcessPoolExecutor, work: Callable[[T], R], job: T) -> Future[R]:
    with signals.blocked():  # a worker that is just being born leaves them to its parent, too
        return pool.submit(work, job)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes at once, and none of the caller's own, which `active_children` lists too."""
    for child in list((getattr(pool, "_processes", None) or {}).values()):
        child.kill()


def _measure(job: Job) -> Outcome:
    return measure(job, _TOLD.get("by", unheard))


def _attempt(job: Job) -> Outcome:
    return attempt(job, _TOLD.get("by", unheard))


def _told(asked: tuple[Callable[[T, Hear], R], T]) -> R:
    work, task = asked
    return work(task, _TOLD.get("by", unheard))


_TOLD: dict[str, Hear] = {}
"""Of a worker process: how its parent hears what it is at."""


def _start_worker(wire: Connection) -> None:
    """Leave signals to the parent, end when the parent does, however it ends, and end at once."""
    atexit.register(os._exit, 0)  # all that it wrote is closed; tidying what PyTorch loaded takes half a second
    signals.left_to_the_parent()
    _TOLD["by"] = speaker(wire)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
