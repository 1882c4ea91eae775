"""The traits that no claim speaks of, by arm."""

from typing import Any

from sublearn.report.charts.figures import arms_crowded, arms_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Section
from sublearn.report.template import twins
from sublearn.report.wording import chance_text
from sublearn.study.base import Trait

POINTS = "Each point is one run"
DENSITY = "Too many runs for points: the shapes show how densely they lie, each row to its own height"


def view(given: Section, key: str) -> dict[str, Any] | None:
    """One figure for each trait; left out where claims speak of all of them."""
    traits = given.traits(claimed=False)
    return {"figures": [arms_view(given, key, *trait) for trait in traits]} if traits else None


def arms_view(given: Section, key: str, number: int, trait: Trait) -> dict[str, Any]:
    """The figure of the arms on a trait, with its caption."""
    narrow = arms_figure(given.analysis, given.records, trait.name, width=NARROW)
    points = DENSITY if arms_crowded(given.analysis, trait.name) else POINTS
    chance = f" The dashed line is chance, {chance_text(trait.chance)}." if trait.chance is not None else ""
    caption = f"{trait.about} {points}; the bar ends at the mean.{chance}"
    return {**twins(given.arms[trait.name], narrow, f"{key}-arms{number}"), "title": trait.name, "caption": caption}
