"""Labelled images as flat vectors, split into train and test. Knows no file, no network, no model and no study."""

from dataclasses import dataclass

from torch import Tensor

from sublearn.errors import InputError

MIN_CLASSES = 2


@dataclass(frozen=True, eq=False, repr=False)
class ImageData:
    """Images "example feature" (float32 in [-1, 1]) with labels "example" (int64 in 0..n_classes-1).

    Raises InputError when a split has not as many images as labels, or when train and test differ in their features.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    n_classes: int

    def __post_init__(self) -> None:
        _check_split("train", self.train_images, self.train_labels)
        _check_split("test", self.test_images, self.test_labels)
        if self.test_images.shape[1] != self.n_features:
            raise InputError(
                f"Test images have {self.test_images.shape[1]} features, train images {self.n_features}. "
                "Expected the same; take both splits from one data set."
            )

    def __repr__(self) -> str:
        sizes = f"{len(self.train_labels)} train, {len(self.test_labels)} test"
        return f"ImageData({sizes}, {self.n_features} features, {self.n_classes} classes)"

    @property
    def n_features(self) -> int:
        """Pixels in one image."""
        return self.train_images.shape[1]

    def keep_classes(self, kept: int) -> "ImageData":
        """Only the examples of the first `kept` classes, in their old order. InputError unless 2 <= kept <= n_classes.

        Keeping all of them gives back this very object.
        """
        if isinstance(kept, bool) or not isinstance(kept, int) or not MIN_CLASSES <= kept <= self.n_classes:
            raise InputError(
                f"Cannot keep {kept!r} classes of {self.n_classes}. "
                f"Give a whole number from {MIN_CLASSES} to {self.n_classes}."
            )
        if kept == self.n_classes:
            return self
        train, test = self.train_labels < kept, self.test_labels < kept
        return ImageData(
            self.train_images[train], self.train_labels[train], self.test_images[test], self.test_labels[test], kept
        )


def _check_split(split: str, images: Tensor, labels: Tensor) -> None:
    if images.dim() != 2 or labels.shape != images.shape[:1]:
        raise InputError(
            f"The {split} split has images of shape {tuple(images.shape)} and labels of shape {tuple(labels.shape)}. "
            'Expected images "example feature" and one label an example; flatten the images and match the counts.'
        )
