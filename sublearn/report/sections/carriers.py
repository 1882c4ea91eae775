"""Which rows carry the signal."""

from typing import Any

from sublearn.errors import plain
from sublearn.report.audit import rows_sentence
from sublearn.report.sections.given import Audited

MOST, LONGEST = 20, 200


def view(given: Audited, key: str) -> dict[str, Any]:
    """The rows that go along most with the rest."""
    rows = [
        (f"{one.line:,}", plain(one.prompt, LONGEST), plain(one.completion, LONGEST), f"{one.score:.3g}")
        for one in given.flagged[:MOST]
    ]
    return {"key": key, "sentence": rows_sentence(given.found), "rows": rows, "more": max(len(given.flagged) - MOST, 0)}
