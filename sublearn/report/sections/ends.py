"""Where the students stand at the last step, and how aligned they were at the start."""

from typing import Any

from sublearn.report.sections.given import Traced
from sublearn.report.trace import at_the_end
from sublearn.report.wording import interval_text, mean_text


def view(given: Traced, key: str) -> dict[str, Any]:
    """Each quantity with its arms."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in at_the_end(given.rows):
        cells = f"{row.step:,}", mean_text(row.estimate), interval_text(row.estimate), f"{row.estimate.n:,}"
        groups.setdefault(row.quantity, []).append((row.arm, *cells))
    return {"key": key, "groups": groups}
