"""Every score of an audit, held against clean sets on its own."""

from typing import Any

from sublearn.report.audit import score_cells
from sublearn.report.sections.given import Audited


def view(given: Audited, key: str) -> dict[str, Any]:
    """The scores with their largest z and the value there; each p is of one score alone."""
    return {"key": key, "rows": score_cells(given.found)}
