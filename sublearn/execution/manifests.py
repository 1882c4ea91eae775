"""What study.json and sweep.json hold, as typed values. Files that are read back are foreign until they fit here.

Knows what a study is; no records, no torch, and it writes nothing. Version 0.1.0's files fit.
"""

from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from sublearn.errors import InputError, plain, quoted
from sublearn.files.folders import STUDY_FILE
from sublearn.files.reading import first_problem, json_file
from sublearn.study.base import Study

SWEEP_FILE = "sweep.json"
Short = Annotated[str, Field(max_length=200)]
Facts = Annotated[dict[Short, Short], Field(max_length=200)]
"""Names and what they are, as packages and their versions."""


class StudyManifest(BaseModel, frozen=True):
    """study.json: the study with its id, and how its records are made; what another version adds is left aside.

    Raises ValueError if the id is not the study's.
    """

    id: Short
    study: Study
    versions: Facts
    runtime: Facts
    command: str = ""

    @model_validator(mode="after")
    def _of_this_study(self) -> Self:
        if self.study.id != self.id:
            raise ValueError(f"it was edited: its study is {self.study.id}, its id says {quoted(self.id)}")
        return self


class SweepManifest(BaseModel, frozen=True):
    """sweep.json: the study's name, fixed settings by dotted key, the values of each key of the grid, and how made."""

    study: Short
    settings: dict[Short, Any]
    grid: dict[Short, Annotated[list[Any], Field(min_length=1)]] = Field(min_length=1)
    command: str = ""
    versions: Facts = Field(default_factory=dict)


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
