"""Mean alignment and transfer under each perturbation of the student's init, and their correlation."""

from typing import Any

from sublearn.report.sections.given import Aligned
from sublearn.report.trace import correlation_text
from sublearn.report.wording import mean_text


def view(given: Aligned, key: str) -> dict[str, Any]:
    """A row for each perturbation."""
    rows = [
        (f"{row.perturb:g}", mean_text(row.initial_cosine), mean_text(row.transfer), f"{row.transfer.n:,}")
        for row in given.found.rows
    ]
    return {"key": key, "rows": rows, "correlation": correlation_text(given.found)}
