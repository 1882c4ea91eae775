"""The table of engines, and what each must offer. A new engine is one module and one line here."""

from collections.abc import Generator, Iterable
from typing import Protocol

from sublearn.execution.engines import local, ray
from sublearn.study.jobs import Hear, Job, Outcome, unheard


class Engine(Protocol):
    """Runs jobs somewhere. The modules `local` and `ray` are engines."""

    def connect(self, jobs: int, device: str) -> tuple[str, int]:
        """The device, "cpu" or "cuda", and how many jobs run at a time at most; a cluster is connected to.

        Raises InputError for what is not there.
        """
        ...

    def disconnect(self) -> None:
        """Leave what `connect` connected to; nothing if that was done."""
        ...

    def run_jobs(
        self, jobs: Iterable[Job], workers: int, tolerant: bool = False, hear: Hear = unheard
    ) -> Generator[Outcome]:
        """Run jobs, so many at a time; if `tolerant`, a job's failure is an outcome.

        `hear` is told what they are at, in the thread of the caller, by an engine that can.
        """
        ...

    def seconds(self, job: Job) -> float:
        """The time that a job takes where it would be run; what it gives is thrown away."""
        ...

    def workers(self, seconds: float, slots: int) -> int:
        """How many jobs at a time are worth it for so many seconds of work, where so many can be run."""
        ...

    def sends(self, jobs: int) -> bool:
        """Whether jobs go to other processes."""
        ...

    def uses_this_memory(self, device: str) -> bool:
        """Whether the runs have to fit in the memory of this machine."""
        ...


ENGINES: dict[str, Engine] = {"local": local, "ray": ray}
