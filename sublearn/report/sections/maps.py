"""The whole grid of a sweep, a heat map for each claim."""

from typing import Any

from sublearn.report.charts.cells import ROWS, maps_figures, rows_of
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.sections.given import Swept
from sublearn.report.template import twins

CAPTION = (
    "Each cell is one combination: its number and its colour are the mean of the difference over runs (blue above "
    "zero, orange below, the deeper the further), its sign is the verdict. Intervals stand in the table."
)


def view(given: Swept, key: str) -> dict[str, Any] | None:
    """One figure for all claims; left out where one setting alone is swept, and where there is no claim or record."""
    claimed = any(point.analysis.study.claims for point in given.points)
    if len(given.manifest["grid"]) < 2 or not claimed:
        return None
    wide, narrow = maps_figures(given.cells, (WIDE, NARROW))
    count = rows_of(given.cells)
    left_out = f" Of {count:,} rows the first {ROWS} are drawn." if count > ROWS else ""
    figure = {**twins(wide, narrow, f"{key}-maps"), "title": "Every combination", "caption": CAPTION + left_out}
    return {"figures": [figure]}
