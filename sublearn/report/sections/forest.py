"""Published figures and ours on one axis."""

from typing import Any

from sublearn.report.charts.forest import forest_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Replicated
from sublearn.report.template import twins

CAPTION = (
    "A row is one published figure: theirs is the diamond, ours the round or square mark. Each is a mean accuracy over "
    "as many runs as the table below says, and the line through it is its 95% interval. Theirs has no line where the "
    "number of runs or the spread was not published, and there is no diamond where only a direction was. Ours has the "
    "colour of its verdict, and is hollow where nothing can be told; where there are several, each is of the setting "
    "that it names."
)


def view(given: Replicated, key: str) -> dict[str, Any] | None:
    """One figure; left out where no numbers were kept, as by version 0.1."""
    if not any(row.measured for row in given.rows):
        return None
    pictures = forest_figure(given.rows), forest_figure(given.rows, NARROW)
    return {"figures": [{**twins(*pictures, f"{key}-forest"), "title": "On one axis", "caption": CAPTION}]}
