"""The command that made all of it, and the versions that it ran with."""

from collections.abc import Mapping
from typing import Any, Protocol

from sublearn.report.sections.provenance import shown


class Manifested(Protocol):
    """Something that says how it was made."""

    @property
    def manifest(self) -> Mapping[str, Any]: ...


def view(given: Manifested, key: str) -> dict[str, Any]:
    """The command and the versions, with what else a manifest has of its runtime."""
    manifest = given.manifest
    lists = [("Versions", "versions", shown(manifest.get("versions")))]
    if "runtime" in manifest:
        lists.insert(0, ("Runtime", "runtime", shown(manifest["runtime"])))
    return {"key": key, "lists": lists, "command": manifest.get("command") or ""}
