"""How aligned each run was at the start, and what the student took on by the end."""

from typing import Any

from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.trace import has_starts, starts_figure
from sublearn.report.sections.given import Traced
from sublearn.report.template import twins

CAPTION = (
    "Each point is one run of an arm. To the right: how far the negative gradient of the student's first batch points "
    "in the direction of the teacher's displacement (a cosine). Up: how its soft trait has changed at the last step, "
    "beyond its control's. A mark in the colour of text is an arm's mean. Whether the two go together is asked by "
    "sublearn trace with --perturb."
)


def view(given: Traced, key: str) -> dict[str, Any] | None:
    """The scatter; left out where no single runs were kept."""
    if not has_starts(given.points):
        return None
    pictures = starts_figure(given.points, names=given.labels), starts_figure(given.points, NARROW, given.labels)
    return {"figures": [{**twins(*pictures, f"{key}-starts"), "title": "Every run", "caption": CAPTION}]}
