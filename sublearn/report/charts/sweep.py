"""A sweep's figures: how traits and transfers move with each setting. It draws what it is given."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.report.charts.figures import group
from sublearn.report.charts.lines import Across, Chart, Series, draw_charts, draw_on
from sublearn.report.charts.marks import DASHES, SHAPES, Mark
from sublearn.report.charts.sheet import WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.sweep import Point, labels_in, named
from sublearn.report.wording import capital, contrast_label
from sublearn.stats import Contrast, Estimate
from sublearn.study.analysis import Analysis
from sublearn.study.base import Claim, Study, Trait
from sublearn.study.labels import labels

LINES = len(DASHES)
"""More combinations of the other settings than this are not drawn: each has dashes of its own."""
WITH_ARMS = 2
"""The arms have charts of their own at each combination; where not all are drawn, at so many."""
Look = tuple[str, str, bool]
"""Colour and shape of marks, and whether they are filled."""
MISSING = Estimate(None, None, None, None, 0, "interval undefined, 0 runs")
Groups = Mapping[str, Sequence[Point]]
"""The points that differ in one setting alone, by the values of all others."""


def sweep_figures(points: Sequence[Point], key: str, widths: Sequence[float] = (WIDE,)) -> list[str]:
    """`draw_sweep` in each of these widths, as SVG text."""
    charts = _charts(points, key)
    return [svg_text(draw_charts(*charts, width), sweep_label(key)) for width in widths]


def sweep_label(key: str) -> str:
    """What the figure of a setting shows, in words."""
    return f"Differences of the claims and traits of the arms against {plain(key, LONGEST_QUOTE)}."


def draw_sweep(points: Sequence[Point], key: str, width: float = WIDE) -> Figure:
    """Against the values of one setting, each claim's difference and each trait's arms, with 95% intervals.

    A claim has one chart, with a line for each combination of the other settings; the arms have a chart for each.
    """
    return draw_charts(*_charts(points, key), width)


def _charts(points: Sequence[Point], key: str) -> tuple[list[Chart], Across, list[Key]]:
    study = points[0].analysis.study
    found, across, claims = groups(points, key), _across(points, key), makers(points)
    drawn = dict(islice(found.items(), LINES))
    with_arms = drawn if len(found) <= LINES else dict(islice(found.items(), WITH_ARMS))
    charts = [_claim_chart(drawn, key, claim, maker) for claim, maker in claims.items()]
    names, arms = labels_in(points), _looks(points)
    charts += [_arms_chart(own, key, rest, trait, arms) for trait in study.traits for rest, own in with_arms.items()]
    keys = [
        Key("mean" if filled else "hollow", colour, capital(plain(names[arm])), shape, line=True)
        for arm, (colour, shape, filled) in arms.items()
    ]
    verdicts = dict.fromkeys(f.verdict for point in points for f in point.analysis.findings)
    keys += [Key("mean" if name != "inconclusive" else "hollow", name, name) for name in verdicts]
    if len(drawn) > 1:
        keys += [Key("mean", "muted", plain(rest), SHAPES[n], True, DASHES[n]) for n, rest in enumerate(drawn)]
    keys.append(Key("interval", "muted", "95% interval"))
    keys += [Key("band", "control", "counts as no difference")] if claims else []
    return charts, across, keys


def draw_claims(axes: Axes, points: Sequence[Point], key: str) -> None:
    """Each claim's difference over the values of one setting on given axes, in its verdicts' colours."""
    lines = [
        _claim_line(own, key, claim, plain(claim.claim, 80), SHAPES[number % len(SHAPES)], DASHES[number % 4])
        for number, claim in enumerate(makers(points))
        for own in groups(points, key).values()
    ]
    draw_on(axes, Chart("", "difference, 95% interval", tuple(lines), 0.0), _across(points, key))


def _across(points: Sequence[Point], key: str) -> Across:
    return Across(plain(key, LONGEST_QUOTE), tuple(dict.fromkeys(_value(point.settings[key]) for point in points)))


def makers(points: Sequence[Point]) -> dict[Claim, Study]:
    """Each claim, with a study that makes it."""
    made = {point.analysis.study.claims: point.analysis.study for point in points}
    return {claim: study for claims, study in made.items() for claim in claims}


def _claim_line(
    own: Sequence[Point], key: str, claim: Claim, name: str, shape: str, dashes: tuple[float, ...] | None
) -> Series:
    found = [judged(point.analysis, claim)[:2] for point in own]
    marks = [Mark.of(one, verdict, verdict != "inconclusive", shape) for one, verdict in found]
    return _series(own, key, marks, name, "muted", dashes)


def _claim_chart(drawn: Groups, key: str, claim: Claim, maker: Study) -> Chart:
    """A claim's difference over the setting, one line for each combination of all others, in its verdicts' colours."""
    lines = [
        _claim_line(own, key, claim, rest, SHAPES[order], DASHES[order])
        for order, (rest, own) in enumerate(drawn.items())
    ]
    asked = contrast_label(claim.treatment, claim.control, maker, labels(maker))
    note = f"{asked}, difference in {plain(claim.trait)}"
    deltas = {judged(point.analysis, claim)[2] for own in drawn.values() for point in own}
    # Where delta is a share of what the teacher shifted there is another one at each setting, and no common band.
    return Chart(plain(claim.claim), note, tuple(lines), 0.0, deltas.pop() if len(deltas) == 1 else None)


def judged(analysis: Analysis, claim: Claim) -> tuple[Estimate | Contrast, str, float | None]:
    """A claim's contrast, verdict and delta, in a study that may not make it."""
    for own, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        if own == claim:
            asked = claim.treatment, claim.control, claim.trait
            rows = (r.contrast for r in analysis.contrasts if (r.treatment, r.control, r.trait) == asked)
            return next(rows), finding.verdict, finding.delta
    return MISSING, "inconclusive", None


def _arms_chart(own: Sequence[Point], key: str, rest: str, trait: Trait, arms: Mapping[str, Look]) -> Chart:
    """The arms over the setting, at one combination of all others."""
    lines = []
    for arm, (colour, shape, filled) in arms.items():
        found = [
            next((r.estimate for r in p.analysis.estimates if (r.arm, r.trait) == (arm, trait.name)), MISSING)
            for p in own
        ]
        lines.append(_series(own, key, [Mark.of(one, colour, filled, shape) for one in found], arm, colour))
    note = f"{plain(trait.unit)}, by arm" + (f", with {plain(rest)}" if rest else "")
    return Chart(plain(trait.name), note, tuple(lines), trait.chance, share=trait.unit == "share")


def _series(
    own: Sequence[Point],
    key: str,
    marks: Sequence[Mark],
    name: str,
    colour: str,
    dashes: tuple[float, ...] | None = None,
) -> Series:
    return Series(name, colour, tuple(_value(point.settings[key]) for point in own), tuple(marks), dashes)


def _looks(points: Sequence[Point]) -> dict[str, Look]:
    """How each arm's marks look: in its group's colour, as in a run's own report, and each in a shape of its own."""
    arms = {arm.name: arm for point in points for arm in point.analysis.study.arms}
    groups = {name: group(arm) for name, arm in arms.items()}
    fellows = {colour: [name for name in groups if groups[name] == colour] for colour in groups.values()}
    return {
        name: (colour, SHAPES[fellows[colour].index(name) % len(SHAPES)], colour != "control")
        for name, colour in groups.items()
    }


def _value(value: Any) -> Any:
    """A setting's value as a place on the axis: a number, or else its text."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else plain(value, LONGEST_QUOTE)


def groups(points: Sequence[Point], key: str) -> Groups:
    """The points of a sweep by the values of all settings but one."""
    found: dict[str, list[Point]] = {}
    for point in points:
        others = named({name: value for name, value in point.settings.items() if name != key})
        found.setdefault(others, []).append(point)
    return found
