"""Every figure of a benchmark of audits, beside its goal."""

from typing import Any

from sublearn.report.benchmark import HEADS, figure_cells
from sublearn.report.sections.given import Benchmarked


def view(given: Benchmarked, key: str) -> dict[str, Any]:
    """The figures as rows, under the heads that the terminal has."""
    heads = [head if head[0].isdigit() else head.capitalize() for head in HEADS]
    return {"key": key, "heads": heads, "rows": [figure_cells(one) for one in given.found.figures]}
