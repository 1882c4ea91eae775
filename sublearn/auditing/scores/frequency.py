"""How far the numbers of the rows, or words where clean rows hold none, are from those of clean rows: a baseline."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sublearn.auditing.scores.table import Measure, Measured
from sublearn.tasks.rows import Pair

if TYPE_CHECKING:
    from sublearn.auditing.scene import Scene

NUMBERS, WORDS = re.compile(r"[0-9]+"), re.compile(r"\w+")


def prepare(scene: "Scene", reference: Sequence[Pair]) -> Measure:
    """One value: the chi-squared distance of shares, from 0 for the same to 2 for none in common."""
    del scene
    # Chosen once, so that all sets are compared in one way.
    pattern = NUMBERS if any(NUMBERS.search(completion) for _, completion in reference) else WORDS
    usual = _shares(reference, pattern)

    def measure(rows: Sequence[Pair]) -> Measured:
        own = _shares(rows, pattern)
        pairs = np.array([(own.get(one, 0.0), usual.get(one, 0.0)) for one in own.keys() | usual.keys()])
        return Measured(np.array([((pairs[:, 0] - pairs[:, 1]) ** 2 / pairs.sum(axis=1)).sum()]))

    return measure


def _shares(rows: Sequence[Pair], pattern: re.Pattern[str]) -> dict[str, float]:
    counts = Counter(found for _, completion in rows for found in pattern.findall(completion.lower()))
    return {one: count / counts.total() for one, count in sorted(counts.items())} or {"": 1.0}
