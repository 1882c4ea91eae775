"""A sweep as text: how its claims fare at each combination of settings. No torch."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from sublearn.report.grid import grid
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
    claims = [claims_of(point) for point in points]
    keys = ("difference", "trait", "value", "verdict")
    shown = iter(grid([claim[key] for key in keys] for of_point in claims for claim in of_point))  # once: it takes 1 ms
    lines = []
    for point, of_point in zip(points, claims, strict=True):
        lines.append(point.name)
        if point.failure:
            lines.append(f"  FAILED  {point.failure}")
        lines += islice(shown, len(of_point))
    return "\n".join(lines) if lines else "No records yet."


def claims_of(point: Point) -> list[dict[str, str]]:
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
