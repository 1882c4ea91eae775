"""Estimates of means and of paired differences, one or many at a time. Knows no arm, no study, no torch."""

import math
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sublearn.stats.families import Family
from sublearn.stats.intervals import BETTING, MIN_RUNS, SIGNS, Bounds, Intervals, intervals
from sublearn.stats.signs import sign_flip_p_values
from sublearn.stats.values import Contrast, Estimate, Rows, checked_runs, hedges_g, paired_differences

SHARE: Bounds = (0.0, 1.0)
"""The bounds of a share."""
Limits = Sequence[Bounds | None]
Found = TypeVar("Found")


def estimate(values: ArrayLike, level: float = 0.95, bounds: Bounds | None = None) -> Estimate:
    """Mean of `values` (shape "run") with its interval at `level`; none below five runs.

    `bounds` are those of a value, as 0 and 1 for a share, which the interval keeps.
    """
    return estimates([values], level, [bounds])[0]


def estimates(
    several: Sequence[ArrayLike], level: float = 0.95, bounds: Limits | None = None, each: int = 1
) -> list[Estimate]:
    """The estimate of each of several arrays of values (shape "run"), each the mean of `each` runs, if of several."""

    def of_one_kind(rows: Rows, own: Bounds | None) -> list[Estimate]:
        found = intervals(rows, (1 - level) / 2, own, tested=False)
        return [
            Estimate(
                *mean,
                *ends,
                rows.shape[1],
                _method(rows.shape[1], f"{level:.0%}", ends, own, alike[0], 0),
                *alike,
                each,
            )
            for mean, ends, alike in zip(_moments(rows), _ends(found), _alike(found), strict=True)
        ]

    return _by_kind([checked_runs(values) for values in several], bounds, of_one_kind)


def contrast(
    treatment: ArrayLike, control: ArrayLike, family: Family | None = None, bounds: Bounds | None = None
) -> Contrast:
    """Treatment minus control, paired by position (both shape "run"). `bounds` are those of a difference."""
    return contrasts([paired_differences(treatment, control)], family, [bounds])[0]


def contrasts(
    differences: Sequence[ArrayLike], family: Family | None = None, bounds: Limits | None = None, each: int = 1
) -> list[Contrast]:
    """The contrast of each of several paired differences (shape "run"), whose intervals hold for their family.

    There is none with fewer runs than the family's sign flips need. Without a family each interval stands alone, as for
    a single claim at a single look.
    """
    shared = family or Family()

    def of_one_kind(rows: Rows, own: Bounds | None) -> list[Contrast]:
        n = rows.shape[1]
        found = intervals(rows, shared.tail, own)
        p_values = sign_flip_p_values(rows).tolist() if n > 1 else repeat(None, len(rows))
        return [
            Contrast(
                *(mean, se, *ends, n, p, hedges_g(n, mean, se and se * math.sqrt(n))),
                _method(n, shared.text, ends, own, alike[0], shared.least_runs),
                *alike,
                each,
            )
            for (mean, se), ends, p, alike in zip(_moments(rows), _ends(found), p_values, _alike(found), strict=True)
        ]

    return _by_kind([checked_runs(difference) for difference in differences], bounds, of_one_kind)


def sign_flip_p(difference: ArrayLike) -> float:
    """Two-sided p of the mean difference under random signs: every one up to 16 pairs, a saddlepoint tail above."""
    return float(sign_flip_p_values(checked_runs(difference)[None])[0])


def _by_kind(
    arrays: Sequence[NDArray[np.float64]],
    bounds: Limits | None,
    work: Callable[[Rows, Bounds | None], Sequence[Found]],
) -> list[Found]:
    """What `work` finds of each array; those of one length and bounds are worked on as the rows of one array."""
    kinds: dict[tuple[int, Bounds | None], list[int]] = {}
    for index, (array, own) in enumerate(zip(arrays, bounds or repeat(None, len(arrays)), strict=True)):
        kinds.setdefault((len(array), own), []).append(index)
    found: dict[int, Found] = {}
    for (_, own), same in kinds.items():
        found |= zip(same, work(np.stack([arrays[index] for index in same]), own), strict=True)
    return [found[index] for index in range(len(arrays))]


def _moments(rows: Rows) -> list[tuple[float | None, float | None]]:
    """The mean of each study and its standard error, as far as these are defined."""
    n = rows.shape[1]
    means = rows.mean(axis=1).tolist() if n else repeat(None, len(rows))
    errors = (rows.std(axis=1, ddof=1) / math.sqrt(n)).tolist() if n > 1 else repeat(None, len(rows))
    return list(zip(means, errors, strict=True))


def _ends(found: Intervals) -> list[tuple[float | None, float | None]]:
    ends = zip(found.low.tolist(), found.high.tolist(), strict=True)
    return [(None, None) if math.isnan(low) else (low, high) for low, high in ends]


def _alike(found: Intervals) -> list[tuple[int, float | None]]:
    rows = zip(found.alike.tolist(), found.common.tolist(), strict=True)
    return [(alike, common if alike else None) for alike, common in rows]


def _method(
    n: int, text: str, ends: tuple[float | None, float | None], bounds: Bounds | None, alike: int, least: int
) -> str:
    """How an interval was made, or why there is none."""
    if ends[0] is not None:
        return f"{text}, {BETTING if alike else SIGNS}"
    if n >= max(MIN_RUNS, least):
        return f"interval undefined, {alike} of {n} runs are alike"
    return f"interval undefined, {n} run{'' if n == 1 else 's'}"
