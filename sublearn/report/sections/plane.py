"""The students' way in weight space, in a plane."""

from typing import Any

from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.trace import has_plane, plane_figure
from sublearn.report.sections.given import Traced
from sublearn.report.template import twins

CAPTION = (
    "From its start each student's weights move along the teacher's displacement (to the right: 1 is where the teacher "
    "went) and in all other directions at once (up). A mark is the mean over runs after one of the steps below. A "
    "student of another init starts elsewhere, far from this teacher: of its way the direction alone can be compared."
)


def view(given: Traced, key: str) -> dict[str, Any] | None:
    """One figure for all arms; left out where the ways were not recorded, as by an earlier version."""
    if not has_plane(given.rows):
        return None
    pictures = plane_figure(given.rows, names=given.labels), plane_figure(given.rows, NARROW, given.labels)
    return {"figures": [{**twins(*pictures, f"{key}-plane"), "title": "The ways of the arms", "caption": CAPTION}]}
