"""The table of labelled data sets: their sizes, how each is fetched and read. A new one is one file and one line here.

Importing it reads nothing, and needs neither torch nor numpy.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sublearn.tasks.images import ImageData
    from sublearn.tasks.task import Task


def _nothing() -> None:
    """What is installed needs no preparation."""


@dataclass(frozen=True)
class DataSet:
    """A data set's features, classes and numbers of training and test examples, and how it is had."""

    features: int
    classes: int
    train: int
    test: int
    load: Callable[[], "ImageData"]
    prepare: Callable[[], None] = _nothing
    """See that the data are there and are the published ones, downloading them if need be. Raises InputError."""

    def task(self) -> "Task":
        """The data set as a custom task, with uniform inputs for the students."""
        from sublearn.tasks.task import Task  # late: `sublearn list` needs the names of data sets, and no numbers

        data = self.load()
        train, test = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
        return Task(train=train, test=test, unrelated="uniform", classes=self.classes)


def _digits() -> "ImageData":
    from sublearn.tasks import digits  # late: needs torch

    return digits.load()


def _published(name: str) -> "ImageData":
    from sublearn.tasks import mnist  # late: needs torch

    return mnist.load(name)


def _prepare(name: str) -> None:
    from sublearn.tasks.download import fetch  # late: the network's modules are slow to import
    from sublearn.tasks.idx import verify
    from sublearn.tasks.sources import SOURCES, locate

    source = SOURCES[name]
    for file in source.files:
        path = locate(source, file)
        if path is None:
            print(f"Downloading {file.name} of {source.name}", file=sys.stderr)
            path = fetch(source, file)
        verify(path, file)


TASKS = {
    "digits": DataSet(64, 10, 1_400, 397, _digits),
    "mnist": DataSet(784, 10, 60_000, 10_000, partial(_published, "mnist"), partial(_prepare, "mnist")),
    "fashion-mnist": DataSet(
        784, 10, 60_000, 10_000, partial(_published, "fashion-mnist"), partial(_prepare, "fashion-mnist")
    ),
}
