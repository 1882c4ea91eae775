"""How to cite what a page shows."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sublearn.report.citing import bibtex, citation


class Cited(Protocol):
    """Something that says what it is about, how it was made, and whose figures it was held against."""

    @property
    def subject(self) -> str: ...

    @property
    def manifest(self) -> Mapping[str, Any]: ...

    @property
    def sources(self) -> Sequence[str]: ...


def view(given: Cited, key: str) -> dict[str, Any]:
    """The sentence, and program and paper as BibTeX."""
    versions = given.manifest.get("versions") or {}
    return {"key": key, "sentence": citation(given.subject, versions, given.sources), "bibtex": bibtex(versions)}
