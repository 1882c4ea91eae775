"""Every claim of every combination of a sweep."""

from typing import Any

from sublearn.report.sections.given import Swept
from sublearn.report.sweep import claims_of


def view(given: Swept, key: str) -> dict[str, Any]:
    """Each combination with its claims and the folder of its run."""
    rows = [(point.name, point.analysis.study.id, claims_of(point)) for point in given.points]
    return {"key": key, "rows": rows}
