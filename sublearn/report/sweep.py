"""A sweep as text and on one page: how traits and transfers move with each setting. It draws; no torch."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from markupsafe import Markup

from sublearn.report.charts.palette import PALETTE
from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.svg import css, inline_twins
from sublearn.report.charts.sweep import LINES, groups, sweep_figure
from sublearn.report.template import template
from sublearn.report.wording import contrast_text, mean_text, runs
from sublearn.study.analysis import Analysis


class Point(Protocol):
    """One combination of a sweep: the swept settings' values, what its records show, and why it failed if it did."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The values of the grid's keys."""
        ...

    @property
    def name(self) -> str:
        """Its settings, as in "student.lr = 0.1, hidden = 8"."""
        ...

    @property
    def analysis(self) -> Analysis:
        """What its records show."""
        ...

    @property
    def failure(self) -> str | None:
        """Why it failed, if it did."""
        ...


def sweep_table(points: Sequence[Point]) -> str:
    """Plain text: for each combination, the contrast and the verdict of each claim."""
    lines = []
    for point in points:
        lines.append(point.name)
        if point.failure:
            lines.append(f"  FAILED  {point.failure}")
        for claim in _claims(point):
            lines.append("  " + "  ".join(claim[key] for key in ("difference", "trait", "value", "verdict")))
    return "\n".join(lines) if lines else "No records yet."


def sweep_page(points: Sequence[Point], manifest: Mapping[str, Any]) -> str:
    """One self-contained page: a figure for each swept setting, and the table, whose rows lead to the run directories.

    The page stands in the sweep's own folder.
    """
    keys = list(manifest["grid"]) if points else []
    figures = {key: _twins(points, key, f"k{number}") for number, key in enumerate(keys)}
    rows = [{"name": point.name, "folder": point.analysis.study.id, "claims": _claims(point)} for point in points]
    failed = [(point.name, point.failure) for point in points if point.failure]
    return template("sweep.html.j2").render(
        manifest=manifest,
        figures=figures,
        notes={key: _note(points, key) for key in keys},
        rows=rows,
        failed=failed,
        palette=PALETTE,
        figure_css=Markup(css()),
        count=len(points),
    )


def _twins(points: Sequence[Point], key: str, prefix: str) -> dict[str, Markup]:
    """The figure in two widths, for the inside of the page."""
    # The markup is our own: every text in it was escaped by the XML writer.
    wide, narrow = inline_twins(sweep_figure(points, key), sweep_figure(points, key, NARROW), prefix)
    return {"wide": Markup(wide), "narrow": Markup(narrow)}


def _note(points: Sequence[Point], key: str) -> str:
    """What is left out of the figure; empty if nothing is."""
    count = len(groups(points, key))
    if count <= LINES:
        return ""
    return f"Of {count:,} combinations of the other settings the first {LINES} are drawn; the table has all."


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
