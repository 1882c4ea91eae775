"""What study.json and sweep.json hold, as typed values. Files that are read back are foreign until they fit here.

Knows what a study is; no records, no torch, and it writes nothing. Version 0.1.0's files are read as well: they have no
`format`, an id that digests prose, and differences of arms as text ("a - b").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from sublearn.errors import InputError, plain, quoted
from sublearn.files.folders import STUDY_FILE
from sublearn.files.reading import first_problem, json_file
from sublearn.study.base import Study
from sublearn.study.identity import first_id_of, id_of

SWEEP_FILE = "sweep.json"
FORMAT = 2
"""Of the files that this version writes; version 0.1.0's say none."""
Short = Annotated[str, Field(max_length=200)]
Folder = Annotated[str, Field(max_length=200, pattern=r"^[^./\\\x00][^/\\\x00]*$")]
"""The name of a folder beside the file, and no way out of there."""
Facts = Annotated[dict[Short, Short], Field(max_length=200)]
"""Names and what they are, as packages and their versions."""


@dataclass(frozen=True)
class Provenance:
    """How something was made: by which command, with which versions of packages, and where it was run."""

    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    runtime: Mapping[str, str] = field(default_factory=dict)


class StudyManifest(BaseModel, frozen=True):
    """study.json: the study with its id, and how its records are made; what another version adds is left aside.

    Raises ValueError if the id is not the study's.
    """

    format: int = FORMAT
    id: Short
    study: Study
    versions: Facts
    runtime: Facts
    command: str = ""
    source: Facts | None = None
    """Where a guest's study was defined, with the file's SHA-256 or the package's version."""

    @property
    def made(self) -> Provenance:
        """How its records are made."""
        return Provenance(self.command, self.versions, self.runtime)

    @model_validator(mode="wrap")
    @classmethod
    def _of_this_study(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        written = value.get("study") if isinstance(value, Mapping) else None
        if not isinstance(written, Mapping):  # made here, or no manifest at all
            return handler(value)
        old = "format" not in value
        made = handler({**value, "study": _restated(written)} if old else value)
        own = first_id_of(written) if old else id_of(written)
        if own != made.id:
            raise ValueError(f"it was edited: its study is {own}, its id says {quoted(made.id)}")
        return made.model_copy(update={"study": made.study.known_as(own)})


class SweepManifest(BaseModel, frozen=True):
    """sweep.json: the study's name, fixed settings by dotted key, the values of each key of the grid, and how made.

    `studies` are the ids of its combinations, in their order; an earlier version did not write them.
    """

    format: int | None = None
    study: Short
    settings: dict[Short, Any]
    grid: dict[Short, Annotated[list[Any], Field(min_length=1)]] = Field(min_length=1)
    studies: tuple[Folder, ...] | None = None
    command: str = ""
    versions: Facts = Field(default_factory=dict)

    @property
    def made(self) -> Provenance:
        """How it was made."""
        return Provenance(self.command, self.versions)


def _restated(study: Mapping[str, Any]) -> dict[str, Any]:
    """A study of version 0.1.0, in which no arm's name holds " - ", with its claims' differences as values.

    Tiny bases went in pairs then, too, though the study did not say so.
    """
    claims, settings = study.get("claims"), study.get("settings")
    tiny = study.get("name") == "numbers" and isinstance(settings, Mapping) and settings.get("model") == "tiny"
    restated = {**study, "seeds_a_unit": 2} if tiny else dict(study)
    if not isinstance(claims, list):
        return restated
    return restated | {"claims": [_with_differences(one) if isinstance(one, Mapping) else one for one in claims]}


def _with_differences(claim: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(claim)
    for key in ("treatment", "control"):
        side = claim.get(key)
        if isinstance(side, str) and " - " in side:
            arm, _, minus = side.partition(" - ")
            changed[key] = {"arm": arm, "minus": minus}
    return changed


def begun_with(manifest: StudyManifest | SweepManifest) -> str:
    """The version of sublearn that began a folder."""
    return plain(manifest.versions.get("sublearn", "of an unknown version"), 60)


Model = TypeVar("Model", bound=BaseModel)


def read_study(folder: Path) -> StudyManifest:
    """The manifest of a run directory. Raises InputError if it is none or its manifest is damaged."""
    return _read(StudyManifest, folder / STUDY_FILE, f"{folder} is no run directory: it has no readable {STUDY_FILE}.")


def read_sweep(folder: Path) -> SweepManifest:
    """The manifest of a sweep directory. Raises InputError if it is none or its manifest is damaged."""
    return _read(
        SweepManifest, folder / SWEEP_FILE, f"{folder} is no sweep directory: it has no readable {SWEEP_FILE}."
    )


def _read(model: type[Model], file: Path, absent: str) -> Model:
    try:
        found = file.exists()
    except (OSError, ValueError):  # a name that the file system cannot hold
        found = False
    if not found:
        raise InputError(absent)
    value = json_file(file, "the manifest")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{file} is damaged: {first_problem(error)} Nothing was changed.") from None
