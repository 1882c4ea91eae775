"""Every claim of every combination of a sweep, also of those without runs."""

from collections.abc import Mapping
from typing import Any

from sublearn.report.sections.given import Swept
from sublearn.report.sweep import Cell, claims_of, labels_in

MOST = 200
"""More combinations without runs are counted only."""


def view(given: Swept, key: str) -> dict[str, Any]:
    """Each combination with its claims and where its run lies."""
    missing = sum(not cell.has_runs for cell in given.cells)
    cells = [cell for cell in given.cells if cell.has_runs] if missing > MOST else given.cells
    names = labels_in(given.points)
    paged = any(point.page.endswith(".html") for point in given.points)
    rows = [(cell.name, cell.point.page if cell.point else "", _claims(cell, names)) for cell in cells]
    return {"key": key, "rows": rows, "missing": f"{missing:,}" if missing > MOST else "", "paged": paged}


def _claims(cell: Cell, names: Mapping[str, str]) -> list[dict[str, str]]:
    return claims_of(cell.point, names) if cell.point and cell.has_runs else []
