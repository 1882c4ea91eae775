"""What is left of transfer and task under each defence, where a study measures defences."""

from typing import Any

from sublearn.report.defences import HEADS, about, cells
from sublearn.report.sections.given import Section


def view(given: Section, key: str) -> dict[str, Any] | None:
    """The table, and what each defence does and needs; left out in other studies."""
    if not given.defences:
        return None
    named = [(one.name, one.about, one.needs) for one in given.defences if one.needs]
    rows = [cells(one) for one in given.defences]
    return {"key": key, "heads": HEADS, "rows": rows, "about": about(given.analysis), "named": named}
