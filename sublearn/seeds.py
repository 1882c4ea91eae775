"""Named random streams, the tutorial's one global seed, and the seeds of runs as text. Knows no study and no model."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from operator import index
from typing import TYPE_CHECKING

from sublearn.errors import InputError, quoted

if TYPE_CHECKING:
    import numpy as np

MOST_SEEDS = 10_000_000
LARGEST_SEED = 2**32 - 1001
"""The tutorial adds up to 200 to a seed, and NumPy's global generator takes 32 bits."""


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream `name` of run `seed`; independent of every other name."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(seed: int, name: str) -> np.random.Generator:
    """A NumPy generator for one named use, as in `stream(7, "student/init")`: no other name's draws shift it."""
    import numpy as np  # late: `sublearn list` needs the names of studies at once, and no numbers

    return np.random.default_rng(stream_seed(seed, name))


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (all CUDA devices too, where there are any)."""
    import numpy as np
    import torch  # late: this module must import without torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def parse_seeds(text: str) -> list[int]:
    """Seeds from text: single numbers and ranges without their end, joined by commas, as in "0:24,30".

    Raises InputError for anything else, for a seed that comes twice, and for more than 10 million in all.

    >>> parse_seeds("0:3,7")
    [0, 1, 2, 7]
    """
    ranges = [_range(part, text) for part in text.split(",")]
    count = sum(map(len, ranges))
    if count > MOST_SEEDS:
        raise InputError(f"--seeds {quoted(text)}: {count:,} seeds; the most is {MOST_SEEDS:,}.")
    return checked_seeds(seed for some in ranges for seed in some)


def checked_seeds(seeds: Iterable[int]) -> list[int]:
    """The seeds as a list. Raises InputError if there are none, one cannot be used or one comes twice."""
    chosen: list[int] = []
    for seed in whole_seeds(seeds):
        if len(chosen) == MOST_SEEDS:
            raise InputError(f"More than {MOST_SEEDS:,} seeds were given, which is the most.")
        chosen.append(seed)
    if not chosen:
        raise InputError("No seeds were given; expected at least one, as in --seeds 0:24.")
    if len(set(chosen)) < len(chosen):
        seen: set[int] = set()
        doubled = next(seed for seed in chosen if seed in seen or seen.add(seed))
        raise InputError(f"The seed {doubled} was given twice; a run counts once.")
    return chosen


def whole_seeds(seeds: Iterable[int]) -> Iterator[int]:
    """The seeds one by one, as Python's own numbers. Raises InputError for what is no list of usable seeds."""
    if isinstance(seeds, str | bytes | Mapping) or not isinstance(seeds, Iterable):
        hint = f", or sublearn.seeds.parse_seeds({quoted(seeds)})" if isinstance(seeds, str) else ""
        raise InputError(
            f"seeds got {quoted(seeds)}; expected several whole numbers, as in range(24) or [0, 11, 23]{hint}."
        )
    for seed in seeds:
        number = _whole(seed)
        if number is None or not 0 <= number <= LARGEST_SEED:
            raise InputError(
                f"The seed {quoted(seed)} cannot be used; expected a whole number from 0 to {LARGEST_SEED}."
            )
        yield number


def _whole(given: object) -> int | None:
    """A whole number of Python's, NumPy's or torch's as Python's own; None for anything else."""
    try:
        # Truth values, also of arrays and tensors, are no numbers, though some versions give them an index.
        return None if "bool" in str(getattr(given, "dtype", type(given))) else index(given)  # pyright: ignore[reportArgumentType]
    except TypeError:
        return None


def _range(part: str, text: str) -> range:
    first, colon, end = (piece.strip() for piece in part.partition(":"))
    if not _is_whole(first) or (colon and not _is_whole(end)):
        raise InputError(f"--seeds got {quoted(text)}; expected whole numbers from 0, as in 0:200, 0,11,23 or 7.")
    low, high = int(first), int(end) if colon else int(first) + 1
    if high <= low:
        raise InputError(f"--seeds {quoted(part)}: the range is empty; its end {high} must lie above its start {low}.")
    return range(low, high)


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number that Python can hold at once; Unicode has digits that nobody means."""
    return text.isascii() and text.isdecimal() and len(text) <= 18
