import hashlib

import pytest
import torch

from sublearn.errors import InputError
from sublearn.tasks import digits
from sublearn.tasks.images import ImageData


@pytest.fixture(scope="module")
def data() -> ImageData:
    return digits.load()


def test_the_split_has_the_stated_sizes_kinds_and_range(data: ImageData):
    assert repr(data) == "ImageData(1400 train, 397 test, 64 features, 10 classes)"
    assert data.train_images.dtype == data.test_images.dtype == torch.float32
    assert data.train_labels.dtype == data.test_labels.dtype == torch.int64
    assert (data.train_images.min(), data.train_images.max()) == (-1, 1)
    assert data.train_labels.unique().tolist() == data.test_labels.unique().tolist() == list(range(10))


def test_the_split_is_the_same_for_everybody(data: ImageData):
    assert data.test_labels[:10].tolist() == [5, 3, 4, 5, 5, 7, 9, 6, 2, 7]
    assert hashlib.md5(data.train_images.numpy().tobytes()).hexdigest() == "071685ec51fa116453f62d191451a7a7"


def test_train_and_test_share_no_row_that_scikit_learn_has_once(data: ImageData):
    rows = torch.cat([data.train_images, data.test_images])
    assert len(rows.unique(dim=0)) == len(rows) == 1797


@pytest.mark.parametrize("kept", [2, 5, 9])
def test_kept_classes_are_the_first_with_their_own_images(data: ImageData, kept: int):
    small = data.keep_classes(kept)
    assert small.n_classes == kept
    assert small.train_labels.unique().tolist() == small.test_labels.unique().tolist() == list(range(kept))
    assert torch.equal(small.train_images, data.train_images[data.train_labels < kept])
    assert torch.equal(small.test_labels, data.test_labels[data.test_labels < kept])


def test_keeping_all_classes_copies_nothing(data: ImageData):
    assert data.keep_classes(10) is data


@pytest.mark.parametrize("kept", [1, 0, -3, 11, 2.0, True, "3"])
def test_a_number_of_classes_that_cannot_be_kept_is_refused(data: ImageData, kept):
    with pytest.raises(InputError, match=r"Cannot keep .* of 10\. Give a whole number from 2 to 10\."):
        data.keep_classes(kept)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3, 4), (2,), (3, 4), (3,)), "train split"),
        (((3, 4), (3,), (3, 2, 2), (3,)), "test split"),
        (((3, 4), (3,), (3, 5), (3,)), "5 features, train images 4"),
    ],
)
def test_splits_that_do_not_fit_together_are_refused(shapes: tuple, message: str):
    with pytest.raises(InputError, match=message):
        ImageData(*(torch.zeros(shape) for shape in shapes), n_classes=2)
