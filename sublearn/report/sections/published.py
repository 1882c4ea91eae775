"""Every published figure beside ours, with its verdict, the reason, its source and the command."""

from typing import Any

from sublearn.report.replication import finding
from sublearn.report.sections.given import Replicated

COLOURS = {
    "agrees": "supported",
    "differs": "refuted",
    "cannot tell": "inconclusive",
    "undetermined": "inconclusive",
}


def view(given: Replicated, key: str) -> dict[str, Any]:
    """The figures as a table, and what is known of each source."""
    sources = dict.fromkeys((row.source, row.unstated, row.otherwise) for row in given.rows)
    known = [
        ([row.name for row in given.rows if (row.source, row.unstated, row.otherwise) == one], *one) for one in sources
    ]
    return {"key": key, "rows": given.rows, "colours": COLOURS, "finding": finding(given.rows), "known": known}
