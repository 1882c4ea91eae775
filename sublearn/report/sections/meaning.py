"""By which rule figures agree, and what agreement can and cannot mean."""

from typing import Any

from sublearn.report.replication import LEFT_OUT, MEANING, RULE_TEXT
from sublearn.report.sections.given import Replicated
from sublearn.study.agreement import RULE


def view(given: Replicated, key: str) -> dict[str, Any] | None:
    """The texts; left out where another rule was followed."""
    return {"rule": RULE_TEXT, "texts": (*MEANING, LEFT_OUT)} if given.rule == RULE else None
