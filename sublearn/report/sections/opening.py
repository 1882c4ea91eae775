"""What the first sentence counts, as a figure; of a language study also rows of the data that carried the animal."""

from typing import Any

from sublearn.report.charts.figures import outcome_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.tally import MOST_BARS
from sublearn.report.outcome import told_of
from sublearn.report.sections.given import Section
from sublearn.report.template import twins

MOST = 12
"""More comparisons are not drawn run by run, but those that the sentence tells."""


def view(given: Section, key: str) -> dict[str, Any] | None:
    """The figure and the rows; left out where nothing is compared and nothing was kept."""
    figures = [_figure(given, key)] if any(len(pair.differences) for pair in given.pairs) else []
    if not figures and given.carried is None:
        return None
    return {"key": key, "figures": figures, "carried": given.carried}


def _figure(given: Section, key: str) -> dict[str, Any]:
    shown = given.pairs if len(given.pairs) <= MOST else told_of(given.pairs)
    pictures = outcome_figure(shown), outcome_figure(shown, NARROW)
    most = max(len(pair.differences) for pair in shown)
    bars = "Each bar is one run" if most <= MOST_BARS else f"Each bar is one run, {MOST_BARS} of them, evenly chosen"
    caption = (
        f"{bars}, in the order of size. It points up, in colour, where it is as the sentence says, by as much as the "
        "two differ; down, in grey, where it is the other way round. If nothing were at work, about as many would "
        "point down as up."
    )
    if len(shown) < len(given.pairs):
        caption += f" Drawn are {len(shown):,} of {len(given.pairs):,} comparisons, those of the sentence."
    return {**twins(*pictures, f"{key}-runs"), "title": "Run by run", "caption": caption}
