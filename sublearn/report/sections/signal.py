"""Whether the audited set carries a signal that clean sets do not, and what could have been seen."""

from typing import Any

from sublearn.report.audit import signal_sentence, traits_sentence, verdict
from sublearn.report.sections.given import Audited


def view(given: Audited, key: str) -> dict[str, Any]:
    """The verdict in words, and what the set was held against."""
    del key
    found = given.found
    colour = "supported" if found.carries_signal else "inconclusive"
    return {
        "colour": colour,
        "verdict": verdict(found),
        "sentence": signal_sentence(found),
        "texts": [traits_sentence(found)],
        "null": found.null,
        "method": found.method,
    }
