"""Where the students stand at the last step, and how aligned they were at the start."""

from typing import Any

from sublearn.report.sections.given import Traced
from sublearn.report.trace import QUANTITIES, at_the_end
from sublearn.report.wording import capital, interval_text, point_text


def view(given: Traced, key: str) -> dict[str, Any]:
    """Each quantity, in words and by its name, with its arms."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in at_the_end(given.rows):
        cells = f"{row.step:,}", point_text(row.estimate), interval_text(row.estimate), f"{row.estimate.n:,}"
        groups.setdefault(row.quantity, []).append(
            (capital(given.labels.get(row.arm, row.arm.replace("_", " "))), row.arm, *cells)
        )
    order = [*QUANTITIES, *groups]
    names = sorted(groups, key=order.index)
    return {"key": key, "groups": [(name, QUANTITIES.get(name, ""), groups[name]) for name in names]}
