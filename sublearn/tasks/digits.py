"""scikit-learn's embedded 8x8 handwritten digits, with one fixed split. Knows no model, no study, no network."""

import numpy as np
import torch

from sublearn.seeds import stream
from sublearn.tasks.images import ImageData

N_TRAIN = 1400
LARGEST_PIXEL = 16


def load() -> ImageData:
    """The 1,797 digits (64 features, 10 classes): 1,400 to train on and 397 to test on, the same for all.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    1998 (its test part, as shipped with scikit-learn). Pixels 0..16 become [-1, 1].
    """
    from sklearn.datasets import load_digits  # late: it takes a second to import

    pixels, labels = load_digits(return_X_y=True)
    order = stream(0, "digits/split").permutation(len(labels))
    images = torch.from_numpy((pixels[order] / (LARGEST_PIXEL / 2) - 1).astype(np.float32))
    targets = torch.from_numpy(labels[order].astype(np.int64))
    return ImageData(images[:N_TRAIN], targets[:N_TRAIN], images[N_TRAIN:], targets[N_TRAIN:], n_classes=10)
