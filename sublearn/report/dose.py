"""A sweep on one page: how traits and transfers move with each setting, and a table. It draws; no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.report.palette import PALETTE
from sublearn.report.svg import plain_style, plain_svg
from sublearn.report.template import template
from sublearn.report.wording import contrast_text, mean_text, runs
from sublearn.stats import Contrast, Estimate
from sublearn.studies.analysis import Analysis

LINES = 8
"""More combinations of the other settings than this are not drawn in one panel."""
TICKS = 8
"""With no more values than this, each has a mark of its own on the axis."""
COLOURS = ("#0072b2", "#d55e00", "#007a53", "#9a4f8c", "#7a6a00", "#4d4d4d", "#c1447e", "#3b8ea5")
STYLES = [(colour, dashes) for dashes in ("-", "--", ":") for colour in COLOURS]


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
    lines = []
    for point in points:
        lines.append(point.name)
        if point.failure:
            lines.append(f"  FAILED  {point.failure}")
        for cells in _claims(point):
            lines.append("  " + "  ".join(cells))
    return "\n".join(lines) if lines else "No records yet."


def dose_page(points: Sequence[Point], manifest: Mapping[str, Any]) -> str:
    """One self-contained page: a figure for each swept setting, and the table."""
    figures = {key: Markup(dose_figure(points, key)) for key in manifest["grid"]} if points else {}
    rows = [(point.name, cells) for point in points for cells in _claims(point)]
    failed = [(point.name, point.failure) for point in points if point.failure]
    return template("dose.html.j2").render(
        manifest=manifest, figures=figures, rows=rows, failed=failed, palette=PALETTE, count=len(points)
    )


def dose_figure(points: Sequence[Point], key: str) -> str:
    """SVG: against the values of one setting, each trait's arms and each claim's difference, with 95% intervals."""
    study = points[0].analysis.study
    groups = _groups(points, key)
    panels = [*((trait.name, None) for trait in study.traits), *((claim.trait, claim) for claim in study.claims)]
    with plain_style():
        figure = Figure(figsize=(7.5, 2.9 * len(panels)), layout="constrained")
        for axes, (trait, claim) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
            if claim is None:
                _arms(axes, groups, key, trait)
                axes.set_ylabel(trait)
            else:
                wanted = (claim.treatment, claim.control, claim.trait)
                _differences(axes, groups, key, wanted)
                axes.set_title(contrast_text(claim.treatment, claim.control), fontsize=9, loc="left")
                axes.set_ylabel(f"difference in {claim.trait}")
                axes.axhspan(-claim.delta, claim.delta, color="#cccccc", alpha=0.5, linewidth=0)
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[-1].set_xlabel(key)
        arms = figure.axes[0].get_legend_handles_labels()
        figure.legend(*arms, loc="outside upper left", frameon=False, fontsize=9, ncols=4)
        return plain_svg(figure)


def _arms(axes: Any, groups: Groups, key: str, trait: str) -> None:
    """Arms over the setting, of the first combination of all others."""
    others, own = next(iter(groups.items()))
    names = dict.fromkeys(row.arm for point in own for row in point.analysis.estimates)
    for style, arm in zip(cycle(STYLES), names, strict=False):
        found = [
            (p.settings[key], r.estimate) for p in own for r in p.analysis.estimates if (r.arm, r.trait) == (arm, trait)
        ]
        _line(axes, found, style, arm)
    if others:
        axes.set_title(f"with {others}", fontsize=9, loc="left")


def _differences(axes: Any, groups: Groups, key: str, wanted: tuple[str, str, str]) -> None:
    """One claim's difference over the setting, one line for each combination of all others."""
    for style, (others, own) in zip(STYLES, list(groups.items())[:LINES], strict=False):
        found = [
            (point.settings[key], row.contrast)
            for point in own
            for row in point.analysis.contrasts
            if (row.treatment, row.control, row.trait) == wanted
        ]
        _line(axes, found, style, others)
    axes.axhline(0, color="#777777", linewidth=0.8)
    if len(groups) > 1:
        title = f"{LINES} of {len(groups)}; the table has all" if len(groups) > LINES else None
        axes.legend(frameon=False, fontsize=8, title=title, title_fontsize=8)


def _line(axes: Any, found: Sequence[tuple[Any, Estimate | Contrast]], style: tuple[str, str], label: str) -> None:
    colour, dashes = style
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value, _ in found)
    pairs = sorted(((v, e) for v, e in found if e.mean is not None), key=lambda pair: pair[0] if numeric else 0)
    places = [value if numeric else str(value) for value, _ in pairs]
    means = [estimate.mean for _, estimate in pairs]
    axes.plot(places, means, "o", linestyle=dashes, color=colour, label=label, markersize=4)
    ends = [(place, e.low, e.high) for place, (_, e) in zip(places, pairs, strict=True) if e.low is not None]
    if ends:
        axes.vlines(*zip(*ends, strict=True), color=colour, alpha=0.5)
    positive = [value for value in places if isinstance(value, (int, float)) and value > 0]
    if numeric and len(positive) == len(places) > 2 and max(positive) / min(positive) >= 30:
        axes.set_xscale("log")
    marks = [value for value, _ in found] if numeric else []
    if 0 < len(marks) <= TICKS:  # also where a value has no measured mean on this line
        axes.set_xticks(marks, [f"{float(value):,.10g}" for value in marks])
        axes.minorticks_off()


def _groups(points: Sequence[Point], key: str) -> Groups:
    groups: dict[str, list[Point]] = {}
    for point in points:
        others = _named({name: value for name, value in point.settings.items() if name != key})
        groups.setdefault(others, []).append(point)
    return groups


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{plain(key, LONGEST_QUOTE)} = {plain(value, LONGEST_QUOTE)}" for key, value in settings.items())


def _claims(point: Point) -> list[tuple[str, str, str, str]]:
    """For each claim: the difference's name, trait, value with n, and verdict."""
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in point.analysis.contrasts}
    cells = []
    for claim, finding in zip(point.analysis.study.claims, point.analysis.findings, strict=True):
        found = contrasts[claim.treatment, claim.control, claim.trait]
        value = f"{mean_text(found)} ({runs(found.n)})"
        cells.append((contrast_text(claim.treatment, claim.control), claim.trait, value, finding.verdict))
    return cells
