"""The combinations of a sweep that failed."""

from typing import Any

from sublearn.report.sections.given import Swept


def view(given: Swept, key: str) -> dict[str, Any] | None:
    """Each with its reason; left out if none failed."""
    del key
    failed = [(point.name, point.failure) for point in given.points if point.failure]
    return {"failed": failed} if failed else None
