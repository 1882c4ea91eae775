"""The traits that claims speak of, by arm, and the claims' differences."""

from typing import Any

from sublearn.report.charts.figures import contrasts_crowded, contrasts_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.further import arms_view
from sublearn.report.sections.given import Section
from sublearn.report.template import twins

PAIRS = "Each point is the difference within one seed"
PAIRS_DENSITY = (
    "Too many runs for points: the shapes show how densely the differences within a seed lie, each row to its own "
    "height"
)


def view(given: Section, key: str) -> dict[str, Any]:
    """One figure for each claimed trait, and one for all claims."""
    shown = [arms_view(given, key, *trait) for trait in given.traits(claimed=True)]
    return {"figures": [*shown, _claims(given, key)] if given.analysis.study.claims else shown}


def _claims(given: Section, key: str) -> dict[str, Any]:
    narrow = contrasts_figure(given.analysis, given.records, width=NARROW)
    points = PAIRS_DENSITY if contrasts_crowded(given.analysis) else PAIRS
    caption = f"{points}. Zero is no difference; differences in the grey band count as none."
    return {**twins(given.contrasts, narrow, f"{key}-claims"), "title": "The claims", "caption": caption}
