"""Named random streams, and the tutorial's one global seed. Knows no study and no model."""

import hashlib
import random

import numpy as np


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream `name` of run `seed`; independent of every other name."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(seed: int, name: str) -> np.random.Generator:
    """A NumPy generator for one named use, as in `stream(7, "student/init")`: no other name's draws shift it."""
    return np.random.default_rng(stream_seed(seed, name))


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (all CUDA devices too, where there are any)."""
    import torch  # late: this module must import without torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
