"""Which traits a student would pick up: each candidate's predicted shift, or its score where none was trained."""

from typing import Any

from sublearn.auditing.found import AuditFile
from sublearn.report.audit import heads, said_sentence, student, trait_cells
from sublearn.report.charts.audit import audit_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Audited
from sublearn.report.template import twins
from sublearn.report.wording import capital

MOST = 100
RANGE = (
    "The line is the range in which 19 of 20 clean sets lie around the mark: how much of it can be the luck of "
    "the rows. p is over all candidate traits."
)


def caption(found: AuditFile) -> str:
    """What the figure shows: a student's shifts, or a score that trains none."""
    if not found.trains:
        return f"How far each trait's score lies beyond that of clean sets. This score trains no student. {RANGE}"
    most = "" if len(found.traits) == 1 else "The first is the largest of all candidates, which flatters its shift. "
    return (
        f"How far {student(found)}, trained on the rows, shifts towards each trait, beyond the mean of students of "
        f"clean rows. {most}{RANGE}"
    )


def view(given: Audited, key: str) -> dict[str, Any]:
    """A figure of the first traits, and a table of all."""
    found = given.found
    pictures = audit_figure(found), audit_figure(found, NARROW)
    title = "Predicted shifts" if found.trains else "Scores of the traits"
    return {
        "key": key,
        "figures": [{**twins(*pictures, f"{key}-traits"), "title": title, "caption": caption(found)}],
        "heads": [head if head in ("z", "p") else capital(head) for head in heads(found)],
        "rows": [trait_cells(one, found.unit) for one in found.traits[:MOST]],
        "more": max(len(found.traits) - MOST, 0),
        "said": said_sentence(found),
    }
