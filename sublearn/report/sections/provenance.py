"""How a result was made: arms, settings, runtime, versions and the command."""

from collections.abc import Mapping
from typing import Any

from sublearn.config import dotted
from sublearn.report.sections.given import Section
from sublearn.report.wording import plain
from sublearn.study.base import Arm

TEACHERS = {"neutral": "untrained"}
"""What version 0.1.0 called otherwise."""
INITS = {"same": "same", "cross": "other"}
LOGITS = {
    "none": "nothing",
    "class": "class logits",
    "aux": "auxiliary logits",
    "all": "all logits",
    "text": "sampled text",
}


def view(given: Section, key: str) -> dict[str, Any]:
    """Arms with their controls, settings by dotted key, and what the manifest says."""
    study, manifest = given.analysis.study, given.manifest
    return {
        "key": key,
        "arms": [_arm(arm) for arm in study.arms],
        "lists": [
            ("Settings", "settings", shown(dotted(study.settings))),
            ("Runtime", "runtime", shown(manifest.get("runtime"))),
            ("Versions", "versions", shown(manifest.get("versions"))),
        ],
        "command": manifest.get("command") or "",
    }


def shown(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Names and values as text."""
    return [(name, "not set" if value is None else plain(value)) for name, value in (values or {}).items()]


def _arm(arm: Arm) -> dict[str, str]:
    return {
        "name": arm.name,
        "about": arm.about,
        "control": arm.control or "none, a control",
        "teacher": TEACHERS.get(arm.teacher, arm.teacher),
        "init": INITS[arm.init],
        "logits": LOGITS[arm.logits],
    }
