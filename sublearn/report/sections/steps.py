"""The students' way in weight space, step by step."""

from typing import Any

from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.trace import trace_figure
from sublearn.report.sections.given import Traced
from sublearn.report.template import twins

CAPTION = (
    "After each of the student's steps (to the right, the first ones wide apart): whether its update points in the "
    "direction of the teacher's displacement, how far it still is from the teacher, and how its trait has changed. A "
    "mark is the mean over runs; the band is its 95% interval."
)


def view(given: Traced, key: str) -> dict[str, Any]:
    """One figure for all quantities."""
    pictures = trace_figure(given.rows, names=given.labels), trace_figure(given.rows, NARROW, given.labels)
    title = "The trajectories of the students"
    return {"figures": [{**twins(*pictures, f"{key}-way"), "title": title, "caption": CAPTION}]}
