"""Published figures and ours on one axis."""

from typing import Any

from sublearn.report.charts.forest import forest_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Replicated
from sublearn.report.template import twins

CAPTION = (
    "Each published figure above ours, with 95% intervals. A published figure is a mark alone where the number of runs "
    "or the spread is not known, and is missing where only a direction was published. Ours has the colour of its "
    "verdict, and is hollow where nothing can be told."
)


def view(given: Replicated, key: str) -> dict[str, Any] | None:
    """One figure; left out where no numbers were kept, as by version 0.1."""
    if not any(row.measured for row in given.rows):
        return None
    pictures = forest_figure(given.rows), forest_figure(given.rows, NARROW)
    return {"figures": [{**twins(*pictures, f"{key}-forest"), "title": "On one axis", "caption": CAPTION}]}
