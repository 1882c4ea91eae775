"""Simulated studies: what their differences look like, what the library says of them, and when that is wrong.

Many are judged at once, by the library's own rule; `same_as_analyse` sends some through `analyse` as records, which
must say the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sublearn.columns import Columns, Kind
from sublearn.stats import Family
from sublearn.stats.intervals import intervals
from sublearn.study.analysis import Analysis, analyse
from sublearn.study.base import Arm, Claim, Study
from sublearn.study.contrast import Difference
from sublearn.study.verdicts import verdict_of
from sublearn.traits.trait import Trait

CHECKED = 100
"""One study of so many goes through `analyse` as well."""
SAME, CROSS = Difference(arm="same", minus="same_control"), Difference(arm="cross", minus="cross_control")
ARMS = ("same", "same_control", "cross", "cross_control")
Values = NDArray[np.float64]
"""Shape "study arm run", the arms as in ARMS."""


def study_of(unit: str, delta: float, claims: int = 3) -> Study:
    """Two students with their controls, one trait, and the first few of three claims."""
    every = (
        Claim(claim="same", trait="t", treatment="same", control="same_control", delta=delta),
        Claim(claim="cross", trait="t", treatment="cross", control="cross_control", kind="equivalent", delta=delta),
        Claim(claim="gap", trait="t", treatment=SAME, control=CROSS, delta=delta),
    )
    arms = tuple(Arm(name=arm, about="", control=f"{arm}_control") for arm in ("same", "cross"))
    controls = tuple(Arm(name=f"{arm}_control", about="") for arm in ("same", "cross"))
    trait = Trait(name="t", about="", unit=unit)
    return Study(
        name="calibration",
        title="",
        question="",
        settings={},
        arms=arms + controls,
        traits=(trait,),
        claims=every[:claims],
    )


@dataclass(frozen=True)
class Shape:
    """A distribution of differences about their mean, drawn for both pairs of arms as correlated by `rho`."""

    name: str
    draw: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Standard normal values to differences of mean zero, as their quantiles."""
    delta: float = 1.0
    share: bool = False

    @property
    def unit(self) -> str:
        """The unit of the trait."""
        return "share" if self.share else "logits"


def normal(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return z


def right(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential: skewness 2."""
    return -np.log(special.ndtr(-z)) - 1


def left(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return -right(-z)


def lognormal(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-normal with a standard deviation of .75 in its logarithm: skewness 3.3, of mean 0 and sd 1."""
    s = 0.75
    mean, sd = np.exp(s * s / 2), np.sqrt(np.expm1(s * s)) * np.exp(s * s / 2)
    return (np.exp(s * z) - mean) / sd


def heavy(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Student's t with three degrees of freedom, of sd 1."""
    return special.stdtrit(3, special.ndtr(z)) / np.sqrt(3)


def tied(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of 200 prompts, and the middle fifth of the differences is exactly 0."""
    found = np.round(0.05 * z * 200) / 200
    return np.where(np.abs(z) < special.ndtri(0.6), 0.0, found)


CEILING_MEAN = 1 - 0.5 / 35.5


def ceiling(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Beta(35, .5): most students lie close to 1, few far below; less its mean."""
    return special.betaincinv(35, 0.5, special.ndtr(z)) - CEILING_MEAN


SHAPES = (
    Shape("normal", normal),
    Shape("right-skewed", right),
    Shape("left-skewed", left),
    Shape("log-normal", lognormal),
    Shape("log-normal, left", lambda z: -lognormal(-z)),
    Shape("heavy tails", heavy),
    Shape("tied, of 200 prompts", tied, 0.05, share=True),
    Shape("near a ceiling", ceiling, 0.02, share=True),
)
"""What differences may look like; delta is about a standard deviation in each."""


def drawn(
    rng: np.random.Generator, shape: Shape, studies: int, runs: int, rho: float, effects: Sequence[float] = (0.0, 0.0)
) -> Values:
    """The arms' values of many studies, whose two differences are correlated by `rho` in their normal scores."""
    z = rng.standard_normal((studies, 2, runs))
    z[:, 1] = rho * z[:, 0] + np.sqrt(1 - rho * rho) * z[:, 1]
    base = CEILING_MEAN if shape.draw is ceiling else 0.5 if shape.share else 0.0
    treated = base + shape.draw(z)
    control = np.broadcast_to(base - np.asarray(effects)[:, None], treated.shape)
    both = np.stack([treated, control], axis=2).reshape(studies, 4, runs)
    # Near a ceiling both are counted over 200 prompts: the controls lie closely about their mean, the treated do not.
    return rng.binomial(200, np.clip(both, 0, 1)) / 200 if shape.draw is ceiling else both


@dataclass
class Tally:
    """What came out of many studies: for each claim its interval and verdict."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    verdicts: NDArray[np.str_]


def contrasts_of(values: Values) -> list[NDArray[np.float64]]:
    """The differences of the three claims, each of shape "study run"."""
    same, cross = values[:, 0] - values[:, 1], values[:, 2] - values[:, 3]
    return [same, cross, np.sum([values[:, 0], -values[:, 1], -values[:, 2], values[:, 3]], axis=0)]


def judged(study: Study, values: Values, family: Family) -> Tally:
    """What `analyse` says of every study, many at a time."""
    share = study.traits[0].unit == "share"
    lows, highs, verdicts = [], [], []
    for claim, rows in zip(study.claims, contrasts_of(values), strict=False):
        reach = 2.0 if isinstance(claim.treatment, Difference) else 1.0
        found = intervals(rows, family.tail, (-reach, reach) if share else None)
        lows.append(found.low)
        highs.append(found.high)
        verdicts.append(
            [
                "inconclusive" if np.isnan(low) else verdict_of(claim.kind, low, high, claim.delta)
                for low, high in zip(found.low.tolist(), found.high.tolist(), strict=True)
            ]
        )
    return Tally(np.array(lows).T, np.array(highs).T, np.array(verdicts).T)


def analysed(study: Study, values: NDArray[np.float64], look: int = 1, cells: int = 1) -> Analysis:
    """One study (shape "arm run") through `analyse`, as records; what is not a number is a lost run."""
    arms, runs = values.shape
    gone = np.isnan(values).ravel()
    kinds = [Kind(study.id, arm, "t", *status) for arm in ARMS for status in (("ok", None), ("diverged", "lost"))]
    kind = np.repeat(np.arange(arms) * 2, runs) + gone
    seeds = np.tile(np.arange(runs), arms)
    records = Columns(kinds, kind.astype(np.int32), seeds, values.ravel(), np.where(gone, 0, 200))
    return analyse(study, records, range(1, look), cells)


def same_as_analyse(study: Study, values: Values, tally: Tally, family: Family, every: int = CHECKED) -> None:
    """Raise AssertionError where `analyse` says something else of any of some studies."""
    for index in range(0, len(values), every):
        found = analysed(study, values[index], family.look, family.cells).findings
        assert [one.verdict for one in found] == list(tally.verdicts[index]), (index, found)
        ends = [[np.nan if end is None else end for end in (one.low, one.high)] for one in found]
        ours = np.stack([tally.low[index], tally.high[index]], axis=1)
        assert np.array_equal(ends, ours, equal_nan=True), (ends, ours)


@dataclass(frozen=True)
class Truth:
    """What is true of each claim: its effect, as (same, cross, same minus cross)."""

    effects: tuple[float, float, float]
    delta: float
    kinds: tuple[str, ...] = ("positive", "equivalent", "positive")

    def wrong(self, tally: Tally) -> NDArray[np.bool_]:
        """Which verdicts are wrong, shape "study claim"."""
        columns = []
        for index in range(tally.verdicts.shape[1]):
            said, effect = tally.verdicts[:, index], self.effects[index]
            small = abs(effect) < self.delta
            if self.kinds[index] == "equivalent":
                false = (said == "supported") & (not small) | (said == "refuted") & (abs(effect) <= self.delta)
            else:
                false = (
                    (said == "supported") & (effect <= 0)
                    | (said == "negligible") & (not small)
                    | (said == "refuted") & (effect >= 0)
                )
            columns.append(false)
        return np.array(columns).T

    def missed(self, tally: Tally) -> NDArray[np.bool_]:
        """Which intervals leave out the effect, shape "study claim"."""
        effects = np.array(self.effects[: tally.low.shape[1]])
        return (tally.low > effects) | (tally.high < effects)

    def coverage(self, tally: Tally, claim: int) -> float:
        """The share of a claim's intervals that hold its effect; NaN where none is shown."""
        shown = ~np.isnan(tally.low[:, claim])
        return float(1 - self.missed(tally)[shown, claim].mean()) if shown.any() else np.nan
