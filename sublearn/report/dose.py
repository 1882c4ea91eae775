"""A sweep on one page: how traits and transfers move with each setting, and a table. It draws; no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from markupsafe import Markup

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.report.charts import DASHES, SHAPES, Across, Chart, Series, draw_charts
from sublearn.report.figures import NARROW, WIDE, group
from sublearn.report.grid import grid
from sublearn.report.palette import PALETTE
from sublearn.report.sheet import Key
from sublearn.report.svg import css, inline_twins, svg_text
from sublearn.report.template import template
from sublearn.report.wording import contrast_text, mean_text, runs
from sublearn.stats import Contrast, Estimate
from sublearn.study.analysis import Analysis
from sublearn.study.base import Claim, Trait

LINES = 6
"""More combinations of the other settings than this are not drawn."""
Look = tuple[str, str, bool]
"""Colour and shape of marks, and whether they are filled."""
MISSING = Estimate(None, None, None, None, 0, "interval undefined, 0 runs")


@dataclass(frozen=True)
class Point:
    """One combination of a sweep: the swept settings' values, what its records show, and why it failed if it did."""

    settings: Mapping[str, Any]
    analysis: Analysis
    failure: str | None = None

    @property
    def name(self) -> str:
        """Its settings, as in "student.lr = 0.1, hidden = 8"."""
        return _named(self.settings)

    def to_dict(self) -> dict[str, Any]:
        """Its settings and the content of its estimates.json, and its failure if there is one."""
        failure = {"failure": self.failure} if self.failure else {}
        return {"settings": dict(self.settings), **failure, **self.analysis.to_dict()}


Groups = Mapping[str, Sequence[Point]]
"""The points that differ in one setting alone, by the values of all others."""


def dose_table(points: Sequence[Point]) -> str:
    """Plain text: for each combination, the contrast and the verdict of each claim."""
    claims = [_claims(point) for point in points]
    keys = ("difference", "trait", "value", "verdict")
    shown = iter(grid([claim[key] for key in keys] for of_point in claims for claim in of_point))  # once: it takes 1 ms
    lines = []
    for point, of_point in zip(points, claims, strict=True):
        lines.append(point.name)
        if point.failure:
            lines.append(f"  FAILED  {point.failure}")
        lines += islice(shown, len(of_point))
    return "\n".join(lines) if lines else "No records yet."


def dose_page(points: Sequence[Point], manifest: Mapping[str, Any]) -> str:
    """One self-contained page: a figure for each swept setting, and the table, whose rows lead to the run directories.

    The page stands in the sweep's own folder.
    """
    keys = list(manifest["grid"]) if points else []
    figures = {key: _twins(points, key, f"k{number}") for number, key in enumerate(keys)}
    rows = [{"name": point.name, "folder": point.analysis.study.id, "claims": _claims(point)} for point in points]
    failed = [(point.name, point.failure) for point in points if point.failure]
    return template("dose.html.j2").render(
        manifest=manifest,
        figures=figures,
        notes={key: _note(points, key) for key in keys},
        rows=rows,
        failed=failed,
        palette=PALETTE,
        figure_css=Markup(css()),
        count=len(points),
    )


def dose_figure(points: Sequence[Point], key: str, width: float = WIDE) -> str:
    """SVG: against the values of one setting, each claim's difference and each trait's arms, with 95% intervals.

    A claim has one chart, with a line for each combination of the other settings; the arms have a chart for each.
    """
    study = points[0].analysis.study
    across = Across(plain(key, LONGEST_QUOTE), tuple(dict.fromkeys(_value(point.settings[key]) for point in points)))
    drawn = dict(islice(_groups(points, key).items(), LINES))
    claims = dict.fromkeys(claim for point in points for claim in point.analysis.study.claims)
    charts = [_claim_chart(drawn, key, claim) for claim in claims]
    arms = _looks(points)
    charts += [_arms_chart(own, key, rest, trait, arms) for trait in study.traits for rest, own in drawn.items()]
    keys = [
        Key("mean" if filled else "hollow", colour, plain(arm), shape, line=True)
        for arm, (colour, shape, filled) in arms.items()
    ]
    verdicts = dict.fromkeys(f.verdict for point in points for f in point.analysis.findings)
    keys += [Key("mean" if name != "inconclusive" else "hollow", name, name) for name in verdicts]
    if len(drawn) > 1:
        keys += [Key("mean", "muted", plain(rest), SHAPES[n], True, DASHES[n % 4]) for n, rest in enumerate(drawn)]
    keys.append(Key("interval", "muted", "95% interval"))
    keys += [Key("band", "control", "counts as no difference")] if claims else []
    figure = draw_charts(charts, across, keys, width)
    return svg_text(figure, f"Differences of the claims and traits of the arms against {plain(key, LONGEST_QUOTE)}.")


def _twins(points: Sequence[Point], key: str, prefix: str) -> dict[str, Markup]:
    """The figure in two widths, for the inside of the page."""
    # The markup is our own: every text in it was escaped by the XML writer.
    wide, narrow = inline_twins(dose_figure(points, key), dose_figure(points, key, NARROW), prefix)
    return {"wide": Markup(wide), "narrow": Markup(narrow)}


def _note(points: Sequence[Point], key: str) -> str:
    """What is left out of the figure; empty if nothing is."""
    count = len(_groups(points, key))
    if count <= LINES:
        return ""
    return f"Of {count:,} combinations of the other settings the first {LINES} are drawn; the table has all."


def _claim_chart(drawn: Groups, key: str, claim: Claim) -> Chart:
    """A claim's difference over the setting, one line for each combination of all others, in its verdicts' colours."""
    lines = []
    for order, (rest, own) in enumerate(drawn.items()):
        found, verdicts = zip(*(_judged(point.analysis, claim) for point in own), strict=True)
        lines.append(_series(own, key, found, rest, ("muted", SHAPES[order], True), DASHES[order % 4], verdicts))
    note = f"{contrast_text(claim.treatment, claim.control)}, difference in {plain(claim.trait)}"
    return Chart(plain(claim.claim), note, tuple(lines), 0.0, claim.delta)


def _judged(analysis: Analysis, claim: Claim) -> tuple[Estimate | Contrast, str]:
    """A claim's contrast and verdict, in a study that may not make it."""
    for own, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        if own == claim:
            asked = claim.treatment, claim.control, claim.trait
            rows = (r.contrast for r in analysis.contrasts if (r.treatment, r.control, r.trait) == asked)
            return next(rows), finding.verdict
    return MISSING, "inconclusive"


def _arms_chart(own: Sequence[Point], key: str, rest: str, trait: Trait, arms: Mapping[str, Look]) -> Chart:
    """The arms over the setting, at one combination of all others."""
    lines = []
    for arm, look in arms.items():
        found = [
            next((r.estimate for r in p.analysis.estimates if (r.arm, r.trait) == (arm, trait.name)), MISSING)
            for p in own
        ]
        lines.append(_series(own, key, found, arm, look))
    note = f"{plain(trait.unit)}, by arm" + (f", with {plain(rest)}" if rest else "")
    return Chart(plain(trait.name), note, tuple(lines), trait.chance, share=trait.unit == "share")


def _series(
    own: Sequence[Point],
    key: str,
    found: Sequence[Estimate | Contrast],
    name: str,
    look: Look,
    dashes: tuple[float, ...] | None = None,
    verdicts: tuple[str, ...] = (),
) -> Series:
    colour, shape, filled = look
    values = tuple(_value(point.settings[key]) for point in own)
    means, lows, highs = zip(*((one.mean, one.low, one.high) for one in found), strict=True)
    fills = tuple(verdict != "inconclusive" for verdict in verdicts)
    return Series(name, colour, values, means, lows, highs, shape, filled, dashes, verdicts, fills)


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


def _groups(points: Sequence[Point], key: str) -> Groups:
    groups: dict[str, list[Point]] = {}
    for point in points:
        others = _named({name: value for name, value in point.settings.items() if name != key})
        groups.setdefault(others, []).append(point)
    return groups


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{plain(key, LONGEST_QUOTE)} = {plain(value, LONGEST_QUOTE)}" for key, value in settings.items())


def _claims(point: Point) -> list[dict[str, str]]:
    """For each claim: its words, the difference's name, trait, value with n, and verdict."""
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in point.analysis.contrasts}
    cells = []
    for claim, finding in zip(point.analysis.study.claims, point.analysis.findings, strict=True):
        found = contrasts[claim.treatment, claim.control, claim.trait]
        cells.append(
            {
                "claim": claim.claim,
                "difference": contrast_text(claim.treatment, claim.control),
                "trait": claim.trait,
                "value": f"{mean_text(found)} ({runs(found.n)})",
                "verdict": finding.verdict,
            }
        )
    return cells
