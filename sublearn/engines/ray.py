"""Jobs as Ray tasks on a local or an existing cluster (RAY_ADDRESS). The driver alone keeps results; Ray is extra."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlparse

from sublearn.errors import InputError, SublearnError
from sublearn.studies.run import Job, Outcome, measure

TRIES = 5
"""How often a job is sent again after its worker or node died."""
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def run_jobs(jobs: Iterable[Job], workers: int) -> Iterator[Outcome]:
    """Run the jobs on the cluster and yield each outcome as it ends; a lost worker's job is sent again.

    A bounded number is in flight, however many jobs follow. Ending early cancels what runs. Raises InputError if Ray is
    not installed or RAY_ADDRESS cannot be reached, SublearnError if a job keeps failing.
    """
    _reachable(os.environ.get("RAY_ADDRESS", ""))
    ray = _ray()
    ours = _connect(ray, workers)
    slots = int(ray.cluster_resources().get("CPU", workers))
    gpus = ray.cluster_resources().get("GPU", 0) > 0
    flight = _Flight(ray, gpus)
    try:
        for job in jobs:
            flight.send(job)
            if len(flight.running) >= 2 * max(slots, 1):
                yield from flight.land()
        while flight.running:
            yield from flight.land()
    finally:
        flight.cancel()
        if ours:
            ray.shutdown()


class _Flight:
    """The tasks that are on their way."""

    def __init__(self, ray: Any, gpus: bool) -> None:
        self.ray = ray
        # One thread a task; a GPU only where the cluster has one, else the task would wait for ever.
        self.task = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=TRIES)(measure)
        self.running: dict[Any, tuple[Job, int]] = {}

    def send(self, job: Job, tries: int = 0) -> None:
        self.running[self.task.remote(job)] = (job, tries)

    def land(self) -> list[Outcome]:
        """Wait for at least one task; what was lost with its worker or node is sent again."""
        done, _ = self.ray.wait(list(self.running), num_returns=1)
        return [outcome for one in done for outcome in self._landed(one)]

    def _landed(self, one: Any) -> list[Outcome]:
        job, tries = self.running.pop(one)
        try:
            return [self.ray.get(one)]
        except self.ray.exceptions.RayTaskError as error:
            raise SublearnError(f"A job failed on the cluster: {error.cause}.") from error
        except self.ray.exceptions.RayError as error:
            if tries >= TRIES:
                raise SublearnError(f"A job was lost {tries} times; the last time: {type(error).__name__}.") from error
        self.send(job, tries + 1)
        return []

    def cancel(self) -> None:
        for one in self.running:
            with suppress(self.ray.exceptions.RayError):
                self.ray.cancel(one, force=True)


def _ray() -> Any:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs the package ray: pip install 'sublearn[ray]'.") from None
    return ray


def _connect(ray: Any, workers: int) -> bool:
    """Connect to RAY_ADDRESS, or start a local cluster; whether it is ours to shut down."""
    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False, "logging_level": "ERROR"}
    if address:
        del options["include_dashboard"]
        try:
            ray.init(address=address, **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"RAY_ADDRESS={address} cannot be used: {str(error).splitlines()[0]}") from None
        return True
    # A local cluster answers on this machine alone.
    ray.init(num_cpus=workers, object_store_memory=80 * 2**20, _node_ip_address="127.0.0.1", **options)
    return True


def _reachable(address: str, seconds: float = 10) -> None:
    """Raise InputError if nothing answers at host:port; Ray itself would try for minutes."""
    place = urlparse(address if "://" in address else f"ray://{address}")
    if place.hostname is None or place.port is None:
        return
    try:
        socket.create_connection((place.hostname, place.port), timeout=seconds).close()
    except OSError as error:
        raise InputError(f"RAY_ADDRESS={address} cannot be reached: {error}. Start the cluster, or unset it.") from None
