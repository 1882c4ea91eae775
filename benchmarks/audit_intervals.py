"""How often the intervals of the benchmark of audits hold what is true, by simulated bases.

`python -m benchmarks audit_intervals`: 6 and 20 bases; an AUROC of .8, .95 and .99 of one normal value against five a
base, which share half of their variance or nothing; mean reciprocal ranks; shares of four sets a base. Beside the
method that is used stand a bootstrap of bases and a jackknife on the logit scale (its estimate pulled to the middle by
one more base of 1/2).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.table import Line, publish
from sublearn.auditing.benchmark.intervals import TAIL, as_a_share
from sublearn.seeds import stream

BASES, AREAS, SETS = (6, 20), (0.8, 0.95, 0.99), 5
DRAWN = 1_000
RESAMPLED = 200
Values = NDArray[np.float64]
Ends = tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """A statistic of some bases: its value, each base's part in it, that of resampled bases, and what is true."""

    value: float
    parts: Values
    resampled: Values
    true: float


def areas(n: int, true: float, shared: float, count: int) -> Iterator[Seen]:
    """An AUROC over all pairs, so many times."""
    rng, apart = stream(n, f"audit intervals/{true}/{shared}"), np.sqrt(2) * special.ndtri(true)
    within = special.ndtr(apart / np.sqrt(2 * (1 - shared)))
    for _ in range(count):
        common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 1 + SETS))
        values = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
        more = (values[:, :1, None] + apart > values[None, :, 1:].reshape(1, 1, -1)).reshape(n, n, SETS).mean(axis=2)
        whole = more.sum()
        without = (whole - more.sum(axis=0) - more.sum(axis=1) + np.diag(more)) / (n - 1) ** 2
        chosen = rng.integers(n, size=(RESAMPLED, n))
        again = more[chosen[:, :, None], chosen[:, None]].mean(axis=(1, 2))
        yield Seen(more.mean(), n * more.mean() - (n - 1) * without, again, true + (within - true) / n)


def means(n: int, name: str, draw: Callable[[np.random.Generator, int], Values], count: int) -> Iterator[Seen]:
    """A mean over bases, so many times."""
    rng = stream(n, f"audit intervals/{name}")
    true = float(draw(rng, 400_000).mean())
    for _ in range(count):
        values = draw(rng, n)
        again = values[rng.integers(n, size=(RESAMPLED, n))].mean(axis=1)
        yield Seen(float(values.mean()), values, again, true)


def reciprocal(rng: np.random.Generator, n: int, usual: float) -> Values:
    """One over ranks, of which so many are 1."""
    return 1 / np.minimum(rng.geometric(usual, n), 20)


MEANS: dict[str, Callable[[np.random.Generator, int], Values]] = {
    "reciprocal ranks, half at 1": lambda rng, n: reciprocal(rng, n, 0.5),
    "reciprocal ranks, 9 in 10 at 1": lambda rng, n: reciprocal(rng, n, 0.9),
    "shares of 4 sets, about .5": lambda rng, n: rng.binomial(4, rng.beta(4, 4, n)) / 4,
    "shares of 4 sets, about .95": lambda rng, n: rng.binomial(4, rng.beta(9.5, 0.5, n)) / 4,
}


def chosen(seen: Seen) -> Ends:
    """The interval that is used."""
    return as_a_share(seen.value, len(seen.parts))


def bootstrap(seen: Seen) -> Ends:
    """Of resampled bases."""
    low, high = np.quantile(seen.resampled, (1 - TAIL, TAIL))
    return float(low), float(high)


def logit_jackknife(seen: Seen) -> Ends:
    """Student's, of each base's part and one more of 1/2, on the logit scale; the value itself is in it."""
    n, parts = len(seen.parts), np.append(seen.parts, 0.5)
    middle = (n * seen.value + 0.5) / (n + 1)
    error = np.sqrt(((parts - middle) ** 2).sum() / n / (n + 1)) / (middle * (1 - middle))
    half = special.stdtrit(n - 1, TAIL) * error
    ends = special.expit(special.logit(middle) + np.array([-half, half]))
    return min(float(ends[0]), seen.value), max(float(ends[1]), seen.value)


METHODS = {"as a share of bases (used)": chosen, "bootstrap": bootstrap, "jackknife, logit scale": logit_jackknife}


def cells(count: int) -> Iterator[tuple[str, list[Seen]]]:
    """What is drawn."""
    for n in BASES:
        for true in AREAS:
            for shared in (0.0, 0.5):
                yield f"AUROC {true}, {shared:g} shared, {n} bases", list(areas(n, true, shared, count))
        for name, draw in MEANS.items():
            yield f"{name}, {n} bases", list(means(n, name, draw, count))


def lines(count: int = DRAWN) -> list[Line]:
    """How many intervals hold what is true, and how wide half of them are at most."""
    found = []
    for name, drawn in cells(count):
        for method, ends in METHODS.items():
            spans = np.array([ends(one) for one in drawn])
            held = np.mean([low <= one.true <= high for one, (low, high) in zip(drawn, spans, strict=True)])
            width = np.median(spans[:, 1] - spans[:, 0])
            goal = 0.93 if ends is chosen else None
            found.append(Line(f"{name}: {method} (width {width:.2f})", float(held), "", goal))
    return found


def main() -> None:
    """Measure and publish."""
    publish("audit_intervals", lines())


if __name__ == "__main__":
    main()
