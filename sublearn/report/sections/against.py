"""How claims and traits move with each setting of a sweep."""

from typing import Any

from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.charts.sweep import LINES, WITH_ARMS, groups, sweep_figures
from sublearn.report.sections.given import Swept
from sublearn.report.template import twins

CAPTION = (
    "A mark is the mean over runs. A claim's mark has the colour of its verdict; the grey band is what counts as no "
    "difference."
)


def view(given: Swept, key: str) -> dict[str, Any] | None:
    """A figure for each setting; left out where there are no records yet."""
    keys = list(given.manifest["grid"]) if given.points else []
    return {"figures": [_figure(given, name, f"{key}-{n}") for n, name in enumerate(keys)]} if keys else None


def _figure(given: Swept, name: str, key: str) -> dict[str, Any]:
    count = len(groups(given.points, name))
    left_out = f" Of {count:,} combinations of the other settings the first {LINES} are drawn; the table has all."
    left_out += f" Arms are drawn at the first {WITH_ARMS}."
    wide, narrow = sweep_figures(given.points, name, (WIDE, NARROW))
    caption = CAPTION + (left_out if count > LINES else "")
    return {**twins(wide, narrow, key), "title": f"Against {name}", "caption": caption}
