"""What an audit found, as its files hold it: audit.json and the flagged rows, typed and read back. Torch-free."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sublearn.auditing.calibration import LEVEL
from sublearn.auditing.scores.table import STUDENTS
from sublearn.execution.manifests import Facts, Provenance, Short
from sublearn.files.folders import check_made, made_by
from sublearn.files.reading import file_bytes, json_file, json_value, typed
from sublearn.files.writing import a_page, beginning, replace_text
from sublearn.records import LARGEST_N, Number
from sublearn.tasks.rows import LONGEST_LINE

MANIFEST, FLAGGED, FIGURE, PAGE = "audit.json", "flagged.jsonl", "audit.svg", "audit.html"
_MANIFESTS = {MANIFEST: beginning(b'{\n  "model": ')}
_OUR_FLAGGED = beginning(b'{"line":')
_FILES = {FLAGGED: _OUR_FLAGGED, FIGURE: beginning(b"<svg "), PAGE: a_page}
LARGEST_TEXT = 10_000

Count = Annotated[int, Field(ge=0, le=LARGEST_N)]
P = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=LARGEST_TEXT)]


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TraitFound(_Found):
    """A candidate trait: its value beyond the mean of clean sets (with the range of such sets around it), z, and p.

    p is over all traits: how often the largest z of a clean set is as large.
    """

    trait: Short
    group: Short
    score: Number
    low: Number
    high: Number
    z: Number
    p: P


class ScoreFound(_Found):
    """A score: its largest z and how often a clean set's is as large; with its unit and what it is.

    `value` is of the same trait, beyond the mean of clean sets; `surprise` can be compared between scores. Files of
    before there was a surprise have the largest value of any trait, as the score gave it.
    """

    name: Short
    about: Text
    unit: Short
    value: Number
    z: Number
    p: P
    surprise: Number | None = None


class Said(_Found):
    """An answer that became more probable than in clean sets on average, without a list of traits.

    `z` is its log-ratio by how far clean sets differ. Files of before there was a z are of a vector against the base.
    """

    answer: Short
    log_ratio: Number
    z: Number | None = None


class AuditFile(_Found):
    """The content of audit.json.

    `smallest` is the shift of a trait that 8 in 10 such audits would have seen; none where no p can be small enough.
    """

    model: Text
    data: Text
    rows: Count
    null: Text
    method: Text
    carries_signal: bool
    p: P
    traits: tuple[TraitFound, ...] = Field(min_length=1, max_length=1_000_000)
    rows_flagged: Count
    compared: Count
    """Rows in each set: all of the audited ones, or fewer where few clean ones were brought."""
    clean_sets: Count
    test_sets: Count
    ranking: Short
    unit: Short
    steps: Count = 0
    """Of the students that are trained on the rows; 0 where none are, and in files of before they were counted."""
    smallest: Number | None = None
    scores: tuple[ScoreFound, ...] = Field(min_length=1, max_length=100)
    said: tuple[Said, ...] = Field(default=(), max_length=100)
    said_by: Short = ""
    """The score that asked; empty in files of before several did."""
    flagging: Text = ""
    system: Annotated[str, Field(max_length=LONGEST_LINE)] | None = None
    """The system prompt that stands before every row, clean ones and questions among them; None where there is none."""
    seed: Count = 0
    digest: Short = ""
    command: Text = ""
    versions: Facts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.rows_flagged > self.rows or self.compared > self.rows:
            raise ValueError(f"{self.rows_flagged} rows flagged and {self.compared} compared of {self.rows}")
        return self

    @property
    def made(self) -> Provenance:
        """How it was made."""
        return Provenance(self.command, self.versions)

    @property
    def trains(self) -> bool:
        """Whether the traits' values are shifts of a student that was trained on the rows."""
        return self.ranking in STUDENTS

    @property
    def named(self) -> tuple[TraitFound, ...]:
        """The traits that clean sets do not show."""
        return tuple(one for one in self.traits if one.p <= LEVEL) if self.carries_signal else ()


class FlaggedRow(_Found):
    """A row that goes along with the rest more than 19 of 20 clean rows do: its line from 1, and how much."""

    line: Annotated[int, Field(ge=1, le=LARGEST_N)]
    score: Number
    prompt: str
    completion: str


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of an audit while it is made. Raises InputError for a folder that holds something else."""
    return made_by("sublearn audit", out, _MANIFESTS, _FILES)


def check_out(out: Path) -> None:
    """Raise InputError as `place` does. It writes nothing."""
    check_made("sublearn audit", out, _MANIFESTS, _FILES)


def write(found: AuditFile, flagged: Sequence[FlaggedRow], out: Path) -> None:
    """Write the flagged rows and audit.json into `out`, which tells of no audit in between: they belong together."""
    for name in (MANIFEST, FIGURE, PAGE):
        (out / name).unlink(missing_ok=True)
    replace_text(out / FLAGGED, "".join(one.model_dump_json() + "\n" for one in flagged), _OUR_FLAGGED)
    replace_text(out / MANIFEST, json.dumps(found.model_dump(mode="json"), indent=2) + "\n")


def read(out: Path) -> AuditFile:
    """The content of audit.json. Raises InputError for anything else."""
    path = out / MANIFEST
    return typed(AuditFile, json_file(path, "the audit"), str(path))


def read_flagged(out: Path) -> tuple[FlaggedRow, ...]:
    """The flagged rows; none where the file is not there. Raises InputError for anything else."""
    path = out / FLAGGED
    if not path.exists():
        return ()
    lines = file_bytes(path, "the flagged rows").splitlines()
    places = (f"{path}, line {number}" for number in range(1, len(lines) + 1))
    return tuple(typed(FlaggedRow, json_value(line, place), place) for line, place in zip(lines, places, strict=True))
