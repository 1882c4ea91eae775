"""Estimates, paired contrasts and their tests, on plain arrays of one value a run. Knows no arm, no study, no torch."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Not scipy.stats, whose distributions are these functions behind half a second of import and much checking.
from scipy import special

from sublearn.errors import InputError
from sublearn.seeds import stream

EXACT_PAIRS = 12
PERMUTATION_DRAWS = 10_000
SIGN_FLIPS = "stats/sign-flip"
DRAWN_AT_ONCE = 1_000_000
"""Signs in memory at a time, so that memory does not grow with the runs."""
CACHED_AT_ONCE = 160_000
"""Signs at a time that fit in a core's cache as numbers."""


@dataclass(frozen=True)
class Estimate:
    """A mean over n runs with its standard error and confidence interval; undefined parts are None."""

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    n: int
    method: str

    def __str__(self) -> str:
        return _sentence(self)


@dataclass(frozen=True)
class Contrast:
    """A mean paired difference over n runs with interval, sign-flip p and Hedges-corrected effect size."""

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    n: int
    p: float | None
    effect_size: float | None
    method: str

    def __str__(self) -> str:
        return _sentence(self)


def estimate(values: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of `values` (shape "run") with a t-interval at `level`. One run has no interval, none has no mean."""
    return estimates([values], level)[0]


def estimates(several: Sequence[ArrayLike], level: float = 0.95) -> list[Estimate]:
    """The estimate of each of several arrays of values (shape "run")."""
    return [
        Estimate(*_interval(n, mean, sd, level), n, _method(n, level, "t-interval"))
        for n, mean, sd in _moments([_runs(values) for values in several])
    ]


def half_width(sd: float, n: int, level: float = 0.95) -> float:
    """Half the width of the t-interval of the mean of `n` runs, two or more, with this standard deviation."""
    return _t_above((1 - level) / 2, n - 1) * sd / math.sqrt(n)


def contrast(treatment: ArrayLike, control: ArrayLike, level: float = 0.95, seed: int = 0) -> Contrast:
    """Treatment minus control, paired by position (both shape "run"); p is that of `sign_flip_p`."""
    return contrasts([_differences(treatment, control)], level, seed)[0]


def contrasts(differences: Sequence[ArrayLike], level: float = 0.95, seed: int = 0) -> list[Contrast]:
    """The contrast that each of several paired differences (shape "run") gives; they share the work of sign flips."""
    arrays = [_runs(difference) for difference in differences]
    p_values = sign_flip_p_values(arrays, seed)
    return [_contrast(*own, p, level) for own, p in zip(_moments(arrays), p_values, strict=True)]


def sign_flip_p(difference: ArrayLike, seed: int = 0) -> float:
    """Two-sided p of the mean difference under random signs: exact up to 12 pairs, else 10,000 draws.

    The draws come from a stream named after this test; the observed signs count as one of them, so p is never 0.
    """
    return sign_flip_p_values([difference], seed)[0]


def sign_flip_p_values(differences: Sequence[ArrayLike], seed: int = 0) -> list[float]:
    """`sign_flip_p` of each of several differences. Those of one length meet the same signs, which are drawn once."""
    return _by_length([_runs(difference) for difference in differences], lambda same, n: _sign_flips(same, n, seed))


def hedges_g(difference: ArrayLike) -> float | None:
    """Paired effect size: mean over standard deviation, times the exact small-sample factor (Hedges 1981).

    None where there is no spread or where there are fewer than three runs: with two the factor is zero.
    """
    return _hedges_g(*_moments([_runs(difference)])[0])


def equivalence_p(difference: ArrayLike, delta: float) -> float | None:
    """The larger p of two one-sided t-tests that the mean lies inside (-delta, delta) (Schuirmann 1987)."""
    return within_p(estimate(difference), delta)


def within_p(result: Estimate | Contrast, delta: float) -> float | None:
    """`equivalence_p` of the values that gave this result."""
    if delta <= 0:
        raise InputError(f"The equivalence bound is {delta}; it must be above 0.")
    if result.mean is None or result.se is None:
        return None
    if result.se == 0:
        return 0.0 if abs(result.mean) < delta else 1.0
    return float(special.stdtr(result.n - 1, -(delta - abs(result.mean)) / result.se))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for their family (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def rank_correlation(x: ArrayLike, y: ArrayLike, level: float = 0.95, draws: int = 2000) -> Estimate:
    """Spearman's correlation over all pairs of x and y (both "run setting"), with a bootstrap interval over runs.

    The runs are drawn anew, each with all its settings, from a named stream; the interval is that of percentiles.
    Where x or y is the same everywhere there is no correlation; draws of which that is true are left out.
    """
    left, right = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if left.shape != right.shape or left.ndim != 2:
        raise InputError(f"Expected two arrays of one shape, run by setting, got {left.shape} and {right.shape}.")
    n = len(left)
    found = _spearman(left, right)
    if found is None:
        return Estimate(None, None, None, None, n, "Spearman undefined, nothing varies")
    if n < 2:
        return Estimate(found, None, None, None, n, _method(n, level, "Spearman"))
    rng = stream(0, "stats/rank-correlation")
    chosen = rng.integers(0, n, size=(draws, n))
    some = [_spearman(left[rows], right[rows]) for rows in chosen]
    drawn = np.array([one for one in some if one is not None])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        found, float(drawn.std(ddof=1)), float(low), float(high), n, _method(n, level, "Spearman, bootstrap over runs")
    )


def power(effect_size: float, n: int, alpha: float = 0.05) -> float:
    """Chance that a two-sided paired t-test over n runs finds a mean of `effect_size` standard deviations."""
    if n < 2:
        return 0.0
    critical = _t_above(alpha / 2, n - 1)
    shift = abs(effect_size) * math.sqrt(n)
    # Both tails by nctdtr: the far tail of scipy.stats.nct is NaN for large shifts.
    found = float(2 - special.nctdtr(n - 1, shift, critical) - special.nctdtr(n - 1, -shift, critical))
    # nctdtr gives NaN at some large shifts, where the normal approximation is exact enough.
    return float(special.ndtr(shift - critical)) if math.isnan(found) else found


def runs_needed(effect_size: float, target: float = 0.90, alpha: float = 0.05, most: int = 1_000_000) -> int | None:
    """The least number of runs with at least `target` power; None where even `most` runs are too few."""
    if not 0 < target < 1:
        raise InputError(f"The power is {target}; it must lie between 0 and 1.")
    if not math.isfinite(effect_size) or power(effect_size, most, alpha) < target:
        return None
    return _least(lambda n: power(effect_size, n, alpha) >= target, most)


def least_runs(family: int = 1, alpha: float = 0.05) -> int:
    """The fewest runs with which exact sign-flips can find anything: their p is at least 2 / 2**n.

    Holm may multiply it by the number of claims in the family.
    """
    return math.ceil(math.log2(2 * family / alpha))


def runs_needed_for_equivalence(
    sd: float, delta: float, target: float = 0.90, alpha: float = 0.05, most: int = 1_000_000
) -> int | None:
    """The least number of runs with which two one-sided tests show a true zero to lie within delta.

    `sd` is the standard deviation of the paired difference. None where even `most` runs are too few.
    """

    def reached(n: int) -> bool:
        room = delta / (sd / math.sqrt(n)) - _t_above(alpha, n - 1)
        return bool(room > 0 and 2 * special.stdtr(n - 1, room) - 1 >= target)

    if sd == 0:
        return 2
    if not reached(most):
        return None
    return _least(reached, most)


def _least(reached: Callable[[int], bool], most: int) -> int:
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _contrast(n: int, mean: float | None, sd: float | None, p: float, level: float) -> Contrast:
    method = _method(n, level, f"paired t-interval, {'exact' if n <= EXACT_PAIRS else '10,000-draw'} sign-flip p")
    return Contrast(*_interval(n, mean, sd, level), n, p if n > 1 else None, _hedges_g(n, mean, sd), method)


def _sign_flips(arrays: Sequence[NDArray[np.float64]], n: int, seed: int) -> list[float]:
    """The p of each difference of n pairs."""
    sums: list[list[NDArray[np.float64]]] = [[] for _ in arrays]
    for block in [_all_signs(n)] if n <= EXACT_PAIRS else _drawn_flips(n, seed):
        # Few rows at a time, so that all differences find them in the cache; each difference by a product of its own,
        # because one product with all of them would round otherwise.
        step = max(4, CACHED_AT_ONCE // max(n, 1) // 4 * 4)
        for start in range(0, len(block), step):
            signs = block[start : start + step].astype(float, copy=False)
            for own, array in zip(sums, arrays, strict=True):
                own.append(signs @ array)
    return [_share_as_large(array, np.concatenate(own)) for array, own in zip(arrays, sums, strict=True)]


def _share_as_large(array: NDArray[np.float64], products: NDArray[np.float64]) -> float:
    total, exact = float(array.sum()), len(array) <= EXACT_PAIRS
    sums = products if exact else total - 2 * products
    # A sum that equals the observed one but for rounding counts as equal.
    found = int(np.count_nonzero(np.abs(sums) >= abs(total) * (1 - 1e-12)))
    return found / len(sums) if exact else (found + 1) / (len(sums) + 1)


@lru_cache
def _all_signs(n: int) -> NDArray[np.float64]:
    """Every combination of n signs, shape "combination run"."""
    return np.array(list(product((-1.0, 1.0), repeat=n)))


def _drawn_flips(n: int, seed: int) -> Iterator[NDArray[np.uint8] | NDArray[np.float64]]:
    """Which runs change their sign (1) or keep it (0) in each draw, shape "draw run", in blocks of some draws."""
    if n * PERMUTATION_DRAWS <= DRAWN_AT_ONCE:
        yield _few_flips(n, seed)
        return
    rng = stream(seed, SIGN_FLIPS)
    rows = max(1, DRAWN_AT_ONCE // n)
    for start in range(0, PERMUTATION_DRAWS, rows):
        yield _flips(rng, min(rows, PERMUTATION_DRAWS - start), n)


@lru_cache(maxsize=4)
def _few_flips(n: int, seed: int) -> NDArray[np.float64]:
    """All draws in one block, kept because the studies of a sweep have the same few numbers of runs."""
    return _flips(stream(seed, SIGN_FLIPS), PERMUTATION_DRAWS, n).astype(float)


def _flips(rng: np.random.Generator, rows: int, n: int) -> NDArray[np.uint8]:
    """What `rng.integers(0, 2, (rows, n), np.int8)` draws, in a third of its time: the first bit of each byte."""
    words = rng.integers(0, 1 << 32, size=-(-rows * n // 4), dtype=np.uint32)
    return words.astype("<u4").view(np.uint8)[: rows * n].reshape(rows, n) >> np.uint8(7)


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import rankdata  # late: it takes half a second, and only traces rank

    return float(np.corrcoef(rankdata(x.ravel()), rankdata(y.ravel()))[0, 1])


def _runs(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(f"Expected one finite number a run, got shape {array.shape}; leave out unmeasured runs.")
    return array


def _differences(treatment: ArrayLike, control: ArrayLike) -> NDArray[np.float64]:
    left, right = _runs(treatment), _runs(control)
    if len(left) != len(right):
        raise InputError(f"{len(left)} treatment and {len(right)} control runs cannot be paired; keep common seeds.")
    return left - right


@lru_cache
def _t_above(share: float, df: int) -> float:
    """The t that `share` of the distribution lies above."""
    return -float(special.stdtrit(df, share))


Found = TypeVar("Found")
Moments = tuple[int, float | None, float | None]
"""How many runs there are, their mean and their standard deviation, as far as these are defined."""


def _by_length(
    arrays: Sequence[NDArray[np.float64]], work: Callable[[Sequence[NDArray[np.float64]], int], Sequence[Found]]
) -> list[Found]:
    """What `work` finds of each array; arrays of one length, which is named, are worked on together."""
    found: dict[int, Found] = {}
    for n in {len(array) for array in arrays}:
        same = {index: array for index, array in enumerate(arrays) if len(array) == n}
        found |= zip(same, work(list(same.values()), n), strict=True)
    return [found[index] for index in range(len(arrays))]


def _moments(arrays: Sequence[NDArray[np.float64]]) -> list[Moments]:
    def of_one_length(same: Sequence[NDArray[np.float64]], n: int) -> list[Moments]:
        if n == 0:
            return [(0, None, None)] * len(same)
        stacked = np.stack(same)
        sds = stacked.std(axis=1, ddof=1).tolist() if n > 1 else [None] * len(same)
        return [(n, mean, sd) for mean, sd in zip(stacked.mean(axis=1).tolist(), sds, strict=True)]

    return _by_length(arrays, of_one_length)


Interval = tuple[float | None, float | None, float | None, float | None]


def _interval(n: int, mean: float | None, sd: float | None, level: float) -> Interval:
    """Mean, standard error, and the ends of the t-interval."""
    if mean is None or sd is None:
        return mean, None, None, None
    se = sd / math.sqrt(n)
    half = half_width(sd, n, level)
    return mean, se, mean - half, mean + half


def _hedges_g(n: int, mean: float | None, sd: float | None) -> float | None:
    df = n - 1
    if df < 2 or mean is None or not sd:
        return None
    factor = math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    return mean / sd * factor


def _method(n: int, level: float, name: str) -> str:
    if n < 2:
        return f"interval undefined, {n} run{'' if n == 1 else 's'}"
    return f"{level:.0%} {name}"


def _sentence(result: Estimate | Contrast) -> str:
    if result.mean is None:
        return f"unmeasured ({result.method})"
    if result.low is None or result.high is None:
        return f"{result.mean:.3f} ({result.method})"
    return f"{result.mean:.3f} ± {(result.high - result.low) / 2:.3f} ({result.method}, {result.n} runs)"
