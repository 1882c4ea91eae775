"""How a result was made: settings, runtime, versions and the command."""

from collections.abc import Mapping
from typing import Any

from sublearn.config import dotted
from sublearn.report.sections.given import Section
from sublearn.report.wording import plain


def view(given: Section, key: str) -> dict[str, Any]:
    """Settings by dotted key, and what the manifest says."""
    study, manifest = given.analysis.study, given.manifest
    return {
        "key": key,
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
