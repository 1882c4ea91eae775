"""How often verdicts and intervals are wrong, by simulated studies that go through the library's own rule.

Each cell is a shape of the differences, a number of runs and a true effect; each study of it has three claims, as the
controlled studies do: an effect of the same init, none of another init, and the difference of both. Every hundredth
study also goes through `analyse` as records, and must get the same verdicts and intervals there.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated import (
    CEILING_MEAN,
    CHECKED,
    SHAPES,
    Truth,
    analysed,
    contrasts_of,
    drawn,
    judged,
    normal,
    same_as_analyse,
    study_of,
)
from benchmarks.table import Line, publish
from sublearn import stats
from sublearn.seeds import stream
from sublearn.stats import Family, skewed
from sublearn.stats.intervals import intervals
from sublearn.stats.signs import sign_flip_bounds
from sublearn.stats.values import t_above
from sublearn.study.analysis import family_of

STUDIES, RUNS = 5_000, (3, 6, 12, 24, 96)
Ends = tuple[NDArray[np.float64], NDArray[np.float64]]
Method = Callable[[NDArray[np.float64], float], Ends]
"""Values ("study run") and the chance that is left to each side, to the ends of each study's interval."""


@dataclass
class Worst:
    """The largest of several rates and where it was; for coverages the smallest."""

    least: bool = False
    rates: dict[str, float] = field(default_factory=dict)

    def add(self, where: str, rate: np.floating[Any] | float) -> None:
        """One cell's rate, if there is one."""
        if not np.isnan(rate):
            self.rates[where] = float(rate)

    def line(self, what: str, goal: float | None = None) -> Line:
        """The table's line."""
        where = (min if self.least else max)(self.rates, key=self.rates.__getitem__)
        return Line(f"{what} ({len(self.rates)} cells; {where})", self.rates[where], "", goal, most=not self.least)


SETTINGS = (("null", 0.0, 0.0), ("null", 0.0, 0.4), ("null", 0.0, 0.8), ("delta", 1.0, 0.4), ("half", 0.5, 0.4))
"""What is true (the effect of both students, in deltas) and how correlated the differences are."""


def of_shapes(studies: int, runs: Sequence[int] = RUNS) -> list[Line]:
    """Every shape and number of runs, with no effect, one of delta and half of it, for families of 3 and of 1."""
    null, at_delta, half, covered = Worst(), Worst(), Worst(), Worst(least=True)
    for shape, n, (name, size, rho) in product(SHAPES, runs, SETTINGS):
        effects = (size * shape.delta, size * shape.delta)
        values = drawn(stream(0, f"calibration/{shape.name}/{n}/{name}/{rho}"), shape, studies, n, rho, effects)
        for claims in (3, 1):
            where = f"{shape.name}, {n} runs, {name}, rho {rho:g}, {claims} claim{'s' if claims > 1 else ''}"
            study, truth = study_of(shape.unit, shape.delta, claims), Truth((*effects, 0.0), shape.delta)
            family = family_of(study)
            tally = judged(study, values, family)
            same_as_analyse(study, values, tally, family)
            {"null": null, "delta": at_delta, "half": half}[name].add(where, truth.wrong(tally).any(axis=1).mean())
            for claim in range(claims):
                covered.add(f"{where}, claim {claim + 1}", truth.coverage(tally, claim))
    return [
        null.line("no effect: any wrong verdict of a family", 0.05),
        at_delta.line("effects of delta: any wrong verdict of a family", 0.05),
        half.line("effects of delta / 2: any wrong verdict of a family", 0.05),
        covered.line("coverage of each interval of a claim", 0.93),
    ]


SCHEDULES = ((6, 12, 24, 48, 96), (12, 24, 36, 48, 60), (24, 27, 30, 33, 36))
LOOKED_AT = ("normal", "left-skewed", "right-skewed", "log-normal, left", "near a ceiling")


def of_looks(studies: int) -> list[Line]:
    """Five looks at growing records: a verdict that is wrong at any of them, and an interval that misses at any."""
    wrong, covered = Worst(), Worst(least=True)
    shapes = [shape for shape in SHAPES if shape.name in LOOKED_AT]
    for shape, schedule, size, claims in product(shapes, SCHEDULES, (0.0, 1.0), (3, 1)):
        effects = (size * shape.delta, size * shape.delta)
        rng = stream(0, f"calibration/looks/{shape.name}/{schedule}/{size}")
        values = drawn(rng, shape, studies, schedule[-1], 0.4, effects)
        study, truth = study_of(shape.unit, shape.delta, claims), Truth((*effects, 0.0), shape.delta)
        any_wrong, any_missed = np.zeros(studies, dtype=bool), np.zeros((studies, claims), dtype=bool)
        look = 1
        for n in schedule:
            family = family_of(study, look)
            if n < family.least_runs:  # no verdict is possible, so this is no look
                continue
            tally = judged(study, values[:, :, :n], family)
            same_as_analyse(study, values[:, :, :n], tally, family, 10 * CHECKED)
            any_wrong |= truth.wrong(tally).any(axis=1)
            any_missed |= truth.missed(tally)
            look += 1
        where = f"{shape.name}, looks at {', '.join(map(str, schedule))}, effect {size:g} delta, {claims} claims"
        wrong.add(where, any_wrong.mean())
        for claim in range(claims):
            covered.add(f"{where}, claim {claim + 1}", 1 - any_missed[:, claim].mean())
    return [
        wrong.line("five looks: any wrong verdict at any of them", 0.05),
        covered.line("coverage of a claim's intervals at all five looks", 0.93),
    ]


def of_sweeps(sweeps: int, cells: int = 12, n: int = 24) -> list[Line]:
    """A grid without any effect: whether any of its studies has a wrong verdict."""
    wrong = Worst()
    for shape in SHAPES:
        study, truth = study_of(shape.unit, shape.delta), Truth((0.0, 0.0, 0.0), shape.delta)
        family = family_of(study, cells=cells)
        values = drawn(stream(0, f"calibration/sweep/{shape.name}"), shape, sweeps * cells, n, 0.4)
        tally = judged(study, values, family)
        same_as_analyse(study, values, tally, family, 10 * CHECKED)
        wrong.add(f"{shape.name}, {n} runs", truth.wrong(tally).any(axis=1).reshape(sweeps, cells).any(axis=1).mean())
    return [wrong.line(f"sweeps of {cells} studies without effect: any wrong verdict", 0.05)]


def of_units(studies: int, n: int = 24) -> list[Line]:
    """Neighbouring seeds that share something, as bases in `numbers`: a family's wrong verdicts on the units' means."""
    wrong, naive = Worst(), Worst()
    study = study_of("logits", 1.0)
    paired = study.model_copy(update={"seeds_a_unit": 2})
    truth = Truth((0.0, 0.0, 0.0), 1.0)
    for shared in (0.0, 0.2, 0.5, 0.8):
        rng = stream(0, f"calibration/units/{shared}")
        own, common = (drawn(rng, SHAPES[0], studies, n, 0.4) for _ in range(2))
        common = np.repeat(common[:, :, ::2], 2, axis=2)
        values = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
        means = values.reshape(studies, 4, n // 2, 2).mean(axis=3)
        tally = judged(paired, means, family_of(paired))
        for index in range(0, studies, CHECKED):
            found = analysed(paired, values[index]).findings
            assert [one.verdict for one in found] == list(tally.verdicts[index])
        wrong.add(f"correlated by {shared}", truth.wrong(tally).any(axis=1).mean())
        naive.add(f"correlated by {shared}", truth.wrong(judged(study, values, family_of(study))).any(axis=1).mean())
    return [
        wrong.line(f"{n} runs that share bases in pairs: any wrong verdict", 0.05),
        naive.line("  the same if they were taken as independent"),
    ]


def of_lost_runs(studies: int) -> list[Line]:
    """Without effect, the worst fifth of the treated runs is lost: any claim that is supported, through `analyse`."""
    supported, naive = Worst(), Worst()
    study = study_of("logits", 1.0)
    for n in (12, 24, 96):
        values = drawn(stream(0, f"calibration/lost/{n}"), SHAPES[0], studies, n, 0.4)
        worst = np.argsort(values[:, 0], axis=1)[:, : n // 5]
        index = np.arange(studies)[:, None]
        values[index, 0, worst] = np.nan
        found = [analysed(study, own).findings for own in values]
        supported.add(f"{n} runs", np.mean([any(own[k].verdict == "supported" for k in (0, 2)) for own in found]))
        naive.add(f"{n} runs", np.mean([(own[0].low or -1) > 0 or (own[2].low or -1) > 0 for own in found]))
    return [
        supported.line("the worst fifth of the treated runs is lost: any effect supported", 0.05),
        naive.line("  the same if lost runs were left out without a word"),
    ]


def of_estimates(studies: int, runs: Sequence[int] = RUNS) -> list[Line]:
    """Means of arms, which decide on nothing: the coverage of their intervals, and whether shares keep to 0 and 1."""
    covered, beyond = Worst(least=True), 0
    for (name, draw, mean), n in product(ARM_SHAPES, runs):
        values = draw(stream(0, f"calibration/arms/{name}/{n}"), (studies, n))
        bounds = None if mean == 0 else stats.SHARE
        found = intervals(values, (1 - 0.95) / 2, bounds, tested=False)
        for row, one in enumerate(stats.estimates(list(values[:10]), bounds=[bounds] * 10)):
            assert np.array_equal(
                [found.low[row], found.high[row]], [np.nan if e is None else e for e in (one.low, one.high)], True
            )
        shown = ~np.isnan(found.low)
        beyond += int(((found.low < 0) | (found.high > 1)).sum()) if mean else 0
        covered.add(
            f"{name}, {n} runs", np.mean(((found.low <= mean) & (mean <= found.high))[shown]) if shown.any() else np.nan
        )
    return [
        covered.line("coverage of the interval of an arm's mean", 0.93),
        Line("intervals of shares that pass 0 or 1", beyond, "", 0, most=True),
    ]


def student(rows: NDArray[np.float64], tail: float) -> Ends:
    """Student's t-interval."""
    n = rows.shape[1]
    mean, half = rows.mean(axis=1), t_above(tail, n - 1) * rows.std(axis=1, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def with_room(standard_errors: float) -> Method:
    """Sign flips and every skewness within so many standard errors of the one seen."""

    def ends(rows: NDArray[np.float64], tail: float) -> Ends:
        kept, skewed.STANDARD_ERRORS = skewed.STANDARD_ERRORS, standard_errors
        try:
            found = intervals(rows, tail)
        finally:
            skewed.STANDARD_ERRORS = kept
        return found.low, found.high

    return ends


METHODS: dict[str, Method] = {
    "Student's t": student,
    "sign flips": sign_flip_bounds,
    "sign flips and the skewness seen": with_room(0.0),
    "the same, and half a standard error more (chosen)": with_room(0.5),
    "the same, and a whole standard error more": with_room(1.0),
}


def of_methods(studies: int, runs: Sequence[int] = (8, 12, 24)) -> list[Line]:
    """What was chosen among: how often each leaves out the mean on its worse side, and how wide it is of normal values.

    One claim at its first look leaves 1.5% to each side; twice that on one side alone would be 3% instead of 1.5%.
    """
    lines = []
    tail = Family().tail
    for name, method in METHODS.items():
        missed, wide = Worst(), Worst()
        for shape, n in product(SHAPES, runs):
            rows = contrasts_of(drawn(stream(0, f"calibration/methods/{shape.name}/{n}"), shape, studies, n, 0.0))[0]
            low, high = method(rows, tail)
            missed.add(f"{shape.name}, {n} runs", max(np.mean(low > 0), np.mean(high < 0)))
            if shape.draw is normal:
                least, most = student(rows, tail)
                wide.add(f"{n} runs", float(np.median(high - low) / np.median(most - least)))
        lines.append(missed.line(f"{name}: misses on the worse side, of {tail:.3f}"))
        lines.append(wide.line("  width of normal values, over Student's t"))
    return lines


def counted(shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Shares of 200 prompts, each counted with its own chance."""
    return rng.binomial(200, shares) / 200


def at_the_ceiling(chance: float) -> Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]:
    """Runs that are exactly 1 with this chance, and anything between 0 and 1 otherwise."""
    return lambda rng, size: np.where(rng.random(size) < chance, 1.0, rng.random(size))


ARM_SHAPES = (
    ("normal", lambda rng, size: rng.normal(size=size), 0.0),
    ("exponential", lambda rng, size: rng.exponential(size=size) - 1, 0.0),
    ("share about .5", lambda rng, size: counted(rng.beta(2, 2, size), rng), 0.5),
    ("share near 1", lambda rng, size: counted(rng.beta(35, 0.5, size), rng), CEILING_MEAN),
    ("share near 0", lambda rng, size: counted(rng.beta(0.5, 35, size), rng), 1 - CEILING_MEAN),
    *((f"share, {c:.0%} of the runs at 1", at_the_ceiling(c), c + (1 - c) / 2) for c in (0.3, 0.5, 0.7, 0.88, 0.97)),
)
"""Name, what draws so many values a study, and their mean."""


def main() -> None:
    """Measure and publish."""
    lines: list[Line] = []
    for part in (of_shapes, of_looks, of_sweeps, of_units, of_lost_runs, of_estimates, of_methods):
        print(f"  {part.__name__}", file=sys.stderr)
        lines += part(STUDIES)
    publish("calibration", lines)


if __name__ == "__main__":
    main()
