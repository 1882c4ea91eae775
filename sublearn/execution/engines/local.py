"""Jobs on this machine: in this process, or in several of one thread each. Knows jobs, not their content; no torch."""

import atexit
import math
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from time import perf_counter

from sublearn import signals
from sublearn.devices import resolve
from sublearn.errors import SublearnError
from sublearn.study.jobs import Job, Outcome, attempt, failed, measure

SECONDS_WORTH_A_PROCESS = 5.0


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


def run_jobs(jobs: Iterable[Job], workers: int, tolerant: bool = False) -> Generator[Outcome]:
    """Run the jobs and yield each outcome as it ends; in this process if one worker is enough.

    Jobs are taken as workers become free, so that any number of them may follow. If `tolerant`, a job that fails, or
    whose process is killed, gives an outcome that says so; else it ends them all with an error.
    """
    if workers <= 1:
        yield from map(attempt if tolerant else measure, jobs)
    else:
        yield from _in_processes(jobs, workers, tolerant)


def seconds(job: Job) -> float:
    """The time that one job takes in this process; what it gives is thrown away."""
    start = perf_counter()
    measure(job)
    return perf_counter() - start


def _in_processes(jobs: Iterable[Job], workers: int, tolerant: bool) -> Generator[Outcome]:
    # Few jobs are in flight, so that memory does not grow with them.
    flight = _Flight(workers, tolerant)
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

    def __init__(self, workers: int, tolerant: bool) -> None:
        self.workers, self.tolerant = workers, tolerant
        self.running: dict[Future[Outcome], Job] = {}
        self.lost: list[Job] = []
        self.pool = _pool(workers)

    def send(self, job: Job) -> None:
        try:
            self.running[_submitted(self.pool, attempt if self.tolerant else measure, job)] = job
        except BrokenProcessPool as error:
            self._lose(job, error)

    def land(self) -> list[Outcome]:
        """Wait for at least one job; all that have ended, with those that were run again."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        found = self._taken(done)
        if not self.lost:
            return found
        # A process was killed and the pool with it; whose doing it was shows when each job is run alone.
        found += self._taken(wait(self.running).done)
        self.pool.shutdown(wait=True)
        self.pool = _pool(1)
        for job in self.lost:
            found.append(self._alone(job))
        self.pool.shutdown(wait=True)
        self.lost, self.pool = [], _pool(self.workers)
        return found

    def _alone(self, job: Job) -> Outcome:
        try:
            return _submitted(self.pool, attempt, job).result()
        except BrokenProcessPool:
            self.pool.shutdown(wait=True)
            self.pool = _pool(1)
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


def _pool(workers: int) -> ProcessPoolExecutor:
    """Fresh processes, because a forked PyTorch may hang."""
    with signals.blocked():
        ensure_running()  # multiprocessing's helper; if it was started later, it would let signals through then
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)


def _submitted(pool: ProcessPoolExecutor, work: Callable[[Job], Outcome], job: Job) -> Future[Outcome]:
    with signals.blocked():  # a worker that is just being born leaves them to its parent, too
        return pool.submit(work, job)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes at once, and none of the caller's own, which `active_children` lists too."""
    for child in list((getattr(pool, "_processes", None) or {}).values()):
        child.kill()


def _start_worker() -> None:
    """Leave signals to the parent, end when the parent does, however it ends, and end at once."""
    atexit.register(os._exit, 0)  # all that it wrote is closed; tidying what PyTorch loaded takes half a second
    signals.left_to_the_parent()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
