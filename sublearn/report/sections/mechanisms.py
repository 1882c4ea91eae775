"""What is published of each mechanism beside what came out, where a study asks about mechanisms."""

from typing import Any

from sublearn.report.charts.mechanisms import mechanisms_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.mechanisms import HEADS, NOT_PUBLISHED, about, cells
from sublearn.report.sections.given import Section
from sublearn.report.template import twins

CAPTION = "The difference that each claim is about, with the interval that its verdict follows from."


def view(given: Section, key: str) -> dict[str, Any] | None:
    """The forest plot, the table, and what each mechanism's source says; left out in other studies."""
    found = given.mechanisms
    if not found:
        return None
    pictures = twins(mechanisms_figure(found), mechanisms_figure(found, NARROW), f"{key}-mechanisms-forest")
    return {
        "key": key,
        "drawn": {**pictures, "title": "On one axis", "caption": CAPTION},
        "heads": HEADS,
        "rows": [cells(one, held) for one in found for held in one.claims],
        "about": about(given.analysis),
        "found": found,
        "unpublished": NOT_PUBLISHED,
    }
