"""Every figure of a benchmark of audits, beside its goal."""

from typing import Any

from sublearn.report.benchmark import HEADS, figure_cells
from sublearn.report.charts.benchmark import benchmark_figure, drawn
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Benchmarked
from sublearn.report.template import twins

CAPTION = (
    "How often the planted trait is named first, and what else has a value of at most 1, over bases. A goal, which was "
    "set beforehand, is met where the whole interval reaches it, missed where none of it does, and else open; the row "
    "says whether the value itself reaches it. A large p of the test on clean sets "
    "does not show that their p are uniform."
)


def view(given: Benchmarked, key: str) -> dict[str, Any]:
    """A picture of what lies between 0 and 1, and all figures as rows, under the heads that the terminal has."""
    found = given.found
    figures = []
    if drawn(found):
        pictures = benchmark_figure(found), benchmark_figure(found, NARROW)
        figures.append({**twins(*pictures, f"{key}-goals"), "title": "Figures and goals", "caption": CAPTION})
    heads = [head if head[0].isdigit() else head.capitalize() for head in HEADS]
    rows = [figure_cells(one) for one in found.figures]
    return {"key": key, "figures": figures, "heads": heads, "rows": rows}
