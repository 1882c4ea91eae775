"""The question, who taught whom, and what every arm is."""

from collections.abc import Mapping
from typing import Any

from sublearn.report.charts.lineage import Lineage, lineage_figure, lineages
from sublearn.report.charts.sheet import NARROW
from sublearn.report.sections.given import Section
from sublearn.report.template import twins
from sublearn.report.wording import capital
from sublearn.study.base import Arm
from sublearn.study.labels import IMITATED

TEACHERS = {"neutral": "untrained"}
"""What version 0.1.0 called otherwise."""
INITS = {"same": "same", "cross": "other"}
MOST = 3
"""More differently built groups of arms are not drawn."""
MOST_ARMS = 30
"""A diagram of more is no easier to read than the list of them."""


def view(given: Section, key: str) -> dict[str, Any]:
    """The question, a diagram for each way in which arms are connected, and the arms with their controls."""
    study = given.analysis.study
    shown = [one for one in lineages(study) if len(one.arms) <= MOST_ARMS][:MOST]
    return {
        "key": key,
        "question": "" if given.before else study.question,
        "figures": [_figure(one, f"{key}-taught{number}") for number, one in enumerate(shown, 1)],
        "arms": [_arm(arm, given.labels) for arm in study.arms],
    }


def _figure(shown: Lineage, key: str) -> dict[str, Any]:
    pictures = lineage_figure(shown), lineage_figure(shown, NARROW)
    of = f" Shown: {shown.group}." if shown.group else ""
    alike = f" Built alike: {', '.join(shown.alike)}." if shown.alike else ""
    caption = f"An arrow leads from who taught to who was taught, a dashed one from an arm to its control.{of}{alike}"
    return {**twins(*pictures, key), "title": "The arms", "caption": caption}


def _arm(arm: Arm, labels: Mapping[str, str]) -> dict[str, str]:
    return {
        "name": arm.name,
        "label": capital(labels[arm.name]),
        "about": arm.about,
        "control": arm.control or "none, a control",
        "teacher": TEACHERS.get(arm.teacher, arm.teacher),
        "init": INITS[arm.init],
        "logits": IMITATED.get(arm.logits, "nothing"),
    }
