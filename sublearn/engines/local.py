"""Jobs on this machine: in this process, or in several of one thread each. Knows jobs, not their content; no torch."""

import atexit
import multiprocessing
import os
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from time import perf_counter

from sublearn import signals
from sublearn.errors import SublearnError
from sublearn.studies.run import Job, Outcome, measure


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(jobs: Iterable[Job], workers: int) -> Generator[Outcome]:
    """Run the jobs and yield each outcome as it ends; in this process if one worker is enough.

    Jobs are taken as workers become free, so that any number of them may follow.
    """
    if workers <= 1:
        yield from map(measure, jobs)
    else:
        yield from _in_processes(jobs, workers)


def seconds(job: Job) -> float:
    """The time that one job takes in this process; what it gives is thrown away."""
    start = perf_counter()
    measure(job)
    return perf_counter() - start


def _in_processes(jobs: Iterable[Job], workers: int) -> Generator[Outcome]:
    # Fresh processes, because a forked PyTorch may hang; few jobs in flight, so that memory does not grow with them.
    context = multiprocessing.get_context("spawn")
    running: set[Future[Outcome]] = set()
    with signals.blocked():
        ensure_running()  # multiprocessing's helper; if it was started later, it would let signals through then
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        for job in jobs:
            with signals.blocked():  # a worker that is just being born leaves them to its parent, too
                running.add(pool.submit(measure, job))
            if len(running) >= 2 * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)
    except BaseException:
        _end(pool)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes at once, and none of the caller's own, which `active_children` lists too."""
    for child in list((getattr(pool, "_processes", None) or {}).values()):
        child.kill()


def _finished(running: set[Future[Outcome]]) -> list[Outcome]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    running -= done
    try:
        return [future.result() for future in done]
    except (OSError, RuntimeError) as error:
        raise SublearnError(f"A worker failed: {error}. Give the same command again to go on.") from error


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
