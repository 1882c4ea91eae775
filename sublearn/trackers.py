"""Optional followers of a run: TensorBoard, Weights & Biases. One that fails is dropped; it never stops a run."""

import os
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from sublearn.errors import InputError, unknown
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
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise _missing("tensorboard") from None
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
        try:
            wandb = import_module("wandb")
        except ImportError:
            raise _missing("wandb") from None
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(project="sublearn", name=folder.name, dir=str(folder), mode=mode)

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


class Followers:
    """The trackers of a run; one that fails is dropped with a warning."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        for name in names:
            if name not in TRACKERS:
                raise unknown("tracker", name, TRACKERS)
        self._trackers: dict[str, Tracker] = {name: TRACKERS[name](folder) for name in names}

    def add(self, records: Sequence[Record]) -> None:
        """Hand the records to every tracker."""
        self._each(lambda tracker: tracker.add(records))

    def close(self) -> None:
        """End every tracker."""
        self._each(lambda tracker: tracker.close())

    def _each(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                call(tracker)
            except Exception as error:  # whatever a tracker does must not cost a record
                warnings.warn(f"The tracker {name} failed and is dropped: {error}", stacklevel=3)
                del self._trackers[name]


def _missing(package: str) -> InputError:
    return InputError(f"The tracker needs the package {package}: pip install 'sublearn[trackers]'.")
