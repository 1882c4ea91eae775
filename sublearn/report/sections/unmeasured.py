"""The runs without a value, each with its reason."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.tables import grouped
from sublearn.report.wording import capital, seeds_text


def view(given: Section, key: str) -> dict[str, Any]:
    """Unmeasured records by arm, trait, status and reason."""
    unmeasured = given.analysis.unmeasured
    rows = [
        {
            "label": capital(given.labels.get(arm, arm)),
            "arm": arm,
            "trait": trait,
            "status": status,
            "reason": reason,
            "seeds": seeds_text(seeds),
        }
        for (arm, trait, status, reason), seeds in grouped(unmeasured).items()
    ]
    return {"key": key, "rows": rows, "count": f"{len(unmeasured):,}", "records": f"{len(given.records):,}"}
