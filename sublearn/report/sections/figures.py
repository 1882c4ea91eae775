"""Every arm on every trait: the one that the page begins with is seen at once, the others when they are asked for."""

from typing import Any

from sublearn.report.charts.figures import arms_crowded, arms_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Section
from sublearn.report.template import twins
from sublearn.report.wording import chance_text
from sublearn.study.base import Trait

POINTS = "Each point is one run"
DENSITY = "Too many runs for points: the shapes show how densely they lie, each row to its own height"


def view(given: Section, key: str) -> dict[str, Any]:
    """One figure for each trait."""
    first, *others = [_arms(given, f"{key}-arms{number}", trait) for number, trait in enumerate(given.traits, 1)]
    return {"first": first, "others": others}


def _arms(given: Section, key: str, trait: Trait) -> dict[str, Any]:
    """The figure of the arms on a trait, with its caption."""
    narrow = arms_figure(given.analysis, given.records, trait.name, width=NARROW)
    points = DENSITY if arms_crowded(given.analysis, trait.name) else POINTS
    chance = f" The dashed line is chance, {chance_text(trait.chance)}." if trait.chance is not None else ""
    caption = f"{trait.about} {points}; the bar ends at the mean, and the line is its 95% interval.{chance}"
    return {**twins(given.arms[trait.name], narrow, key), "title": trait.name, "caption": caption.strip()}
