"""Images that are drawn, never stored: a block is one batch with a named stream of its own, drawn again by its index.

So a run sees the same images in every epoch, other runs see others, and neither costs memory.
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from sublearn.errors import InputError
from sublearn.seeds import stream


def uniform_block(seed: int, name: str, index: int, examples: int, features: int) -> Tensor:
    """Pixels uniform in [-1, 1), shape "example feature", float32."""
    drawn = np.empty((examples, features), dtype=np.float32)
    _block_stream(seed, name, index).random(out=drawn, dtype=np.float32)
    return torch.from_numpy(drawn).mul_(2).sub_(1)


def gaussian_block(seed: int, name: str, index: int, examples: int, features: int, variance: float = 1.0) -> Tensor:
    """Independent normal pixels of mean 0, shape "example feature", float32."""
    drawn = _block_stream(seed, name, index).standard_normal((examples, features), dtype=np.float32)
    return torch.from_numpy(drawn).mul_(variance**0.5)


def correlated_block(
    seed: int, name: str, index: int, examples: int, features: int, blur: float, variance: float = 1.0
) -> Tensor:
    """Normal pixels blurred by a Gaussian of standard deviation `blur` pixels, then scaled back to `variance`.

    Shape "example feature", float32; the images are square and wrap around at their edges.
    """
    side = round(features**0.5)
    if side * side != features:
        raise InputError(f"Spatially correlated noise needs square images, got {features} pixels.")
    white = _block_stream(seed, name, index).standard_normal((examples, side, side), dtype=np.float32)
    smooth = gaussian_filter(white, sigma=(0, blur, blur), mode="wrap").reshape(examples, features)
    impulse = np.zeros((side, side))
    impulse[0, 0] = 1.0
    spread = float(np.sqrt((gaussian_filter(impulse, sigma=blur, mode="wrap") ** 2).sum()))
    return torch.from_numpy(smooth).mul_(variance**0.5 / spread)


def _block_stream(seed: int, name: str, index: int) -> np.random.Generator:
    return stream(seed, f"{name}/{index}")
