"""What one student is taught, as a file between the command and the processes that train. Torch-free."""

from pathlib import Path

from sublearn.config import Spec
from sublearn.files.reading import json_file, typed
from sublearn.language.plans import LoraPlan

PACE = "pace.json"
CHECKPOINTS = 10
"""So many times, about, a training is saved on its way."""


class Lesson(Spec, frozen=True):
    """Which rows teach which model, how, and where the adapters go; `scratch` is for what is not kept."""

    model: str
    rows: str
    lora: LoraPlan
    seed: int
    most: int
    """Rows that a process takes at a time, at most."""
    save_steps: int
    scratch: str
    out: str

    def steps(self, rows: int) -> int:
        """Whole batches in which each row comes once an epoch at the least."""
        return self.lora.steps(rows)

    def at_a_time(self, processes: int) -> int:
        """Rows that each of so many processes takes at a time: the most that make up a batch."""
        return self.lora.at_a_time(self.most, processes)


class Pace(Spec, frozen=True):
    """How far a training is, and how long its later steps took; on a GPU also the most memory it had."""

    step: int
    steps: int
    timed: int
    seconds: float
    gigabytes: float | None


def pace(scratch: Path) -> Pace | None:
    """How far a training is; None if it has not begun."""
    file = scratch / PACE
    return typed(Pace, json_file(file, "the pace"), str(file)) if file.exists() else None
