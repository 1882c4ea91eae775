"""Every published figure beside ours, with its verdict, the reason and the command."""

from typing import Any

from sublearn.report.replication import finding
from sublearn.report.sections.given import Replicated

COLOURS = {"agrees": "supported", "differs": "refuted", "cannot tell": "inconclusive"}


def view(given: Replicated, key: str) -> dict[str, Any]:
    """The figures as a table."""
    return {"key": key, "rows": given.rows, "colours": COLOURS, "finding": finding(given.rows)}
