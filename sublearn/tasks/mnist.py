"""MNIST and Fashion-MNIST as images and labels: found on disk or downloaded, checked, read. Knows no model."""

from pathlib import Path

import numpy as np
import torch

from sublearn.errors import InputError, unknown
from sublearn.tasks.download import Progress, available
from sublearn.tasks.idx import N_CLASSES, read_images, read_labels
from sublearn.tasks.images import ImageData
from sublearn.tasks.sources import SOURCES, File, IdxSource


def load(name: str, progress: Progress | None = None) -> ImageData:
    """The data set "mnist" or "fashion-mnist": 60,000 train and 10,000 test images, 784 features, 10 classes.

    Pixels 0..255 become pixel / 127.5 - 1. Downloads what is not on disk; raises InputError where that fails or where
    a file is not the published one. Sources: LeCun et al., Proceedings of the IEEE 86(11), 1998; Xiao et al.,
    arXiv 1708.07747.
    """
    if name not in SOURCES:
        raise unknown("data set", name, SOURCES)
    return load_source(SOURCES[name], progress)


def load_source(source: IdxSource, progress: Progress | None = None) -> ImageData:
    """`load` for a row of the table, or for a custom table."""
    files = list(zip(available(source, progress), source.files, strict=True))
    train_images, train_labels = _read_split(files[0], files[1])
    test_images, test_labels = _read_split(files[2], files[3])
    return ImageData(train_images, train_labels, test_images, test_labels, N_CLASSES)


def _read_split(images: tuple[Path, File], labels: tuple[Path, File]) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled images "example feature" and labels "example", each from a path and the published file to be there."""
    pixels, targets = read_images(*images), read_labels(*labels)
    if len(pixels) != len(targets):
        raise InputError(
            f"'{images[0]}' holds {len(pixels)} images, but '{labels[0]}' holds {len(targets)} labels. "
            "Expected as many of the one as of the other; take both files from the same data set."
        )
    scaled = np.divide(pixels, np.float32(127.5), dtype=np.float32)
    scaled -= 1
    return torch.from_numpy(scaled), torch.from_numpy(targets.astype(np.int64))
