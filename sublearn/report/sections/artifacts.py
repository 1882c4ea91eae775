"""What a language study recorded on its way: answers by animal, and rows that students were trained on."""

from typing import Any

from sublearn.report.sections.given import Section

MOST = 20
"""A table of more rows is folded."""


def view(given: Section, key: str) -> dict[str, Any] | None:
    """The tables; left out where there are none."""
    return {"key": key, "tables": given.tables, "most": MOST} if given.tables else None
