"""Optional followers of a run: TensorBoard, Weights & Biases. One that fails is dropped; it never stops a run."""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self

from sublearn.errors import InputError
from sublearn.records import Record


class Tracker(Protocol):
    """Follows the records of a run as they come."""

    def add(self, records: Sequence[Record]) -> None:
        """Take in the records of a finished job."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class TensorBoard:
    """Each arm's traits as scalars, with the seed as the step, in the run directory's folder `tensorboard`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"))

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.value is not None:
                self._writer.add_scalar(f"{record.trait}/{record.arm}", record.value, record.seed)

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """Each seed's traits as one row; offline unless WANDB_MODE says otherwise."""

    def __init__(self, folder: Path) -> None:
        wandb = import_module("wandb")
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        options = {"project": "sublearn", "name": folder.name, "dir": str(folder), "mode": mode}
        # A run of its own, because a sweep has several under way.
        self._run = wandb.init(**options, reinit="create_new")

    def add(self, records: Sequence[Record]) -> None:
        rows: dict[int, dict[str, float]] = {}
        for record in records:
            if record.value is not None:
                rows.setdefault(record.seed, {})[f"{record.trait}/{record.arm}"] = record.value
        for seed, row in rows.items():
            self._run.log({"seed": seed, **row})

    def close(self) -> None:
        self._run.finish()


TRACKERS: dict[str, Callable[[Path], Tracker]] = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases}
PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}
"""What each tracker needs."""


def check_packages(names: Iterable[str]) -> None:
    """Raise InputError with the way to install it if a tracker's package is missing."""
    for name in names:
        try:
            there = name not in PACKAGES or find_spec(PACKAGES[name]) is not None
        except ValueError:  # blocked in this process
            there = False
        if not there:
            raise InputError(f"The tracker needs the package {PACKAGES[name]}: pip install 'sublearn[trackers]'.")


class Followers:
    """The trackers of a run; one that fails is dropped with a warning, and the run goes on."""

    def __init__(self, names: Iterable[str], folder: Path) -> None:
        self._trackers: dict[str, Tracker] = {}
        for name in names:
            self._guarded(name, lambda name=name: self._trackers.update({name: TRACKERS[name](folder)}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, records: Sequence[Record]) -> None:
        """Hand the records to every tracker."""
        self._each(lambda tracker: tracker.add(records))

    def close(self) -> None:
        """End every tracker."""
        self._each(lambda tracker: tracker.close())

    def _each(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guarded(name, lambda tracker=tracker: call(tracker))

    def _guarded(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # whatever a tracker does must not cost a record
            warnings.warn(f"The tracker {name} failed and is dropped: {error}", stacklevel=4)
            self._trackers.pop(name, None)
