"""Jobs as Ray tasks on a local or an existing cluster (RAY_ADDRESS). The driver alone keeps results; Ray is extra."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlparse

from sublearn import signals
from sublearn.errors import LONGEST_QUOTE, InputError, SublearnError, plain
from sublearn.execution.engines import local
from sublearn.study.jobs import Hear, Job, Outcome, attempt, failed, measure, unheard

TRIES = 5
"""How often a job is sent again after its worker or node died."""
PATIENCE = 20.0
"""Seconds in which a cluster must answer; Ray itself would try for minutes."""
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_ours: set[str] = set()
"""Holds the connection to the cluster if it was made here; a caller's own is left open."""


def connect(jobs: int, device: str = "auto") -> tuple[str, int]:
    """Connect to RAY_ADDRESS, or start a local cluster for so many jobs; its device and how many jobs fit at a time.

    The device is "cuda" only if the cluster has GPUs. Raises InputError if Ray is not installed, the cluster cannot be
    reached, or CUDA is asked for where there is none.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    _reachable(address)
    ray = _ray()
    if not ray.is_initialized():
        _start(ray, address, jobs)
        _ours.add("connection")
    resources = ray.cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
    if device == "cuda" and not gpus:
        raise InputError("--device cuda was asked for, but the Ray cluster has no GPU. Use --device cpu or auto.")
    return ("cuda", gpus) if gpus and device != "cpu" else ("cpu", max(cpus, 1))


def disconnect() -> None:
    """Close the connection if it was made here; a local cluster ends with it."""
    if _ours:
        _ray().shutdown()
        _ours.clear()


def workers(seconds: float, slots: int) -> int:
    """As many jobs as the cluster takes: its workers are there already."""
    del seconds
    return slots


def sends(jobs: int) -> bool:
    """Always."""
    del jobs
    return True


def uses_this_memory(device: str) -> bool:
    """Not a GPU's, nor that of a cluster's other nodes."""
    return device == "cpu" and not os.environ.get("RAY_ADDRESS")


def run_jobs(jobs: Iterable[Job], workers: int, tolerant: bool = False, hear: Hear = unheard) -> Generator[Outcome]:
    """Run the jobs on the cluster and yield each outcome as it ends; a lost worker's job is sent again.

    A bounded number is in flight, however many jobs follow. Ending early cancels what runs, and at the end a
    connection that was made here is closed. Raises SublearnError if a job fails or keeps being lost; if `tolerant`,
    its outcome says so instead.
    """
    del hear  # what a job on a cluster is at is not told, only that it has ended
    connect(workers)
    flight = _Flight(_ray(), attempt if tolerant else measure, tolerant)
    try:
        for job in jobs:
            flight.send(job)
            if len(flight.running) >= 2 * max(workers, 1):
                yield from flight.land()
        while flight.running:
            yield from flight.land()
    finally:
        # With its connection a driver's tasks end; cancelling them as well can make Ray abort the process.
        if not _ours:
            flight.cancel()
        disconnect()


def seconds(job: Job) -> float:
    """The time that one job takes where the cluster runs it; what it gives is thrown away."""
    connect(1)
    flight = _Flight(_ray(), local.seconds)
    flight.send(job)
    while True:
        for took in flight.land():
            return took


class _Flight:
    """The tasks that are on their way."""

    def __init__(self, ray: Any, work: Callable[[Job], Any], tolerant: bool = False) -> None:
        self.ray, self.tolerant = ray, tolerant
        # One CPU, so one thread, a task; a GPU only if it is to be used: without one the task would wait for ever.
        # Ray's own tries are off, for it would try a job for ever that kills its worker by using up the memory.
        task = ray.remote(num_cpus=1, max_retries=0)(work)
        self.tasks = {"cpu": task, "cuda": task.options(num_gpus=1)}
        self.running: dict[Any, tuple[Job, int]] = {}

    def send(self, job: Job, tries: int = 0) -> None:
        self.running[self.tasks[job.setup.device].remote(_anywhere(job))] = (job, tries)

    def land(self) -> list[Any]:
        """Wait for at least one task; what was lost with its worker or node is sent again."""
        done, _ = self.ray.wait(list(self.running), num_returns=1)
        return [outcome for one in done for outcome in self._landed(one)]

    def _landed(self, one: Any) -> list[Any]:
        job, tries = self.running.pop(one)
        try:
            return [self.ray.get(one)]
        except self.ray.exceptions.RayTaskError as error:
            if self.tolerant:
                return [failed(job, f"The job failed on the cluster: {error.cause}")]
            if isinstance(error.cause, InputError):
                raise InputError(str(error.cause)) from error
            raise SublearnError(f"A job failed on the cluster: {error.cause}.") from error
        except self.ray.exceptions.RayError as error:
            if tries >= TRIES:
                reason = f"A job was lost {tries} times; the last time: {type(error).__name__}"
                if self.tolerant:
                    return [failed(job, reason)]
                raise SublearnError(f"{reason}.") from error
        self.send(job, tries + 1)
        return []

    def cancel(self) -> None:
        for one in self.running:
            with suppress(self.ray.exceptions.RayError):
                self.ray.cancel(one, force=True)


def _anywhere(job: Job) -> Job:
    """The job with a whole path to what it keeps: a worker does not stand in the driver's folder."""
    if job.setup.keep is None:
        return job
    return job.model_copy(update={"setup": job.setup.model_copy(update={"keep": os.path.abspath(job.setup.keep)})})


def _ray() -> Any:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        with signals.kept():  # it would make SIGTERM an end of its own kind
            import ray
    except ImportError:
        raise InputError("--engine ray needs the package ray: pip install 'sublearn[ray]'.") from None
    return ray


def _start(ray: Any, address: str, jobs: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not address:
        # A local cluster answers on this machine alone.
        here = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        ray.init(num_cpus=jobs, object_store_memory=80 * 2**20, **here, **quiet)
        return
    _answers(address)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"RAY_ADDRESS={_shown(address)} cannot be used: {plain(error, 300)}") from None


def _reachable(address: str, seconds: float = 5) -> None:
    """Raise InputError if nothing listens at host:port."""
    try:
        place = urlparse(address if "://" in address else f"ray://{address}")
        if place.hostname is not None and place.port is not None:
            socket.create_connection((place.hostname, place.port), timeout=seconds).close()
    except (OSError, ValueError) as error:
        raise InputError(
            f"RAY_ADDRESS={_shown(address)} cannot be reached: {plain(error, 300)}. Start the cluster, or unset it."
        ) from None


def _shown(address: str) -> str:
    return plain(address, LONGEST_QUOTE)


def _answers(address: str) -> None:
    """Raise InputError if a process that connects to the cluster does not get through; it can be killed, Ray cannot."""
    code = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, address], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"RAY_ADDRESS={_shown(address)} gives no answer within {PATIENCE:.0f} seconds. Is it a Ray cluster's? "
            "Start the cluster, or unset it."
        ) from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"RAY_ADDRESS={_shown(address)} cannot be used: {plain(reason, 300)}")
