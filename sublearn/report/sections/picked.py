"""Which traits a student would pick up: each candidate's predicted shift."""

from typing import Any

from sublearn.report.audit import HEADS, said_sentence, trait_cells
from sublearn.report.charts.audit import audit_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Audited
from sublearn.report.template import twins

MOST = 100
CAPTION = (
    "How far a student that is trained on the rows shifts towards each trait, beyond the mean of students of clean "
    "rows. The interval is that in which 19 of 20 clean sets lie around the shift; p is over all candidate traits."
)


def view(given: Audited, key: str) -> dict[str, Any]:
    """A figure of the first traits, and a table of all."""
    found = given.found
    pictures = audit_figure(found), audit_figure(found, NARROW)
    return {
        "key": key,
        "figures": [{**twins(*pictures, f"{key}-traits"), "title": "Predicted shifts", "caption": CAPTION}],
        "heads": [head.capitalize() if head not in ("z", "p") else head for head in HEADS],
        "rows": [trait_cells(one) for one in found.traits[:MOST]],
        "more": max(len(found.traits) - MOST, 0),
        "said": said_sentence(found),
    }
