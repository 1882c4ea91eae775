"""The looks at a run directory: after how many runs its verdicts were seen, in looks.json. Errors are spent over them.

A look is written down before its verdicts are shown. The same seeds again are the same look. Version 0.1.0 wrote none:
there the estimates that lie in the folder are one.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from sublearn.errors import InputError
from sublearn.execution.manifests import SWEEP_FILE, read_sweep
from sublearn.files.reading import first_problem, json_file
from sublearn.files.writing import replace_text
from sublearn.study.analysis import Analysis, family_of, units_of
from sublearn.study.base import Study

FILE, ESTIMATES = "looks.json", "estimates.json"
FORMAT = 1
Count = Annotated[int, Field(ge=0, le=10**12)]


class Look(BaseModel, frozen=True):
    """What was looked at: how many runs, in how many independent units, a digest of their seeds, and when."""

    runs: Count
    units: Count
    seeds: str = Field(max_length=200)
    time: str = Field(default="", max_length=200)


class Looks(BaseModel, frozen=True):
    """looks.json: every look, in the order in which they were taken."""

    format: int = FORMAT
    looks: tuple[Look, ...] = Field(default=(), max_length=100_000)


class _Estimates(BaseModel, frozen=True):
    """What is read of an estimates.json, to see whether version 0.1.0 wrote it, which knew no looks."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...] | None = None


def earlier(folder: Path, study: Study, seeds: Sequence[int], cells: int = 1) -> tuple[int, ...]:
    """The numbers of runs at each look at other seeds than these that could have ended in a verdict."""
    digest = _digest(seeds)
    return tuple(_decisive(study, [look for look in _read(folder, study) if look.seeds != digest], cells))


def record(folder: Path, analysis: Analysis) -> None:
    """Write down that the verdicts of an analysis are about to be seen, if there are any and that is a new look."""
    there = _read(folder, analysis.study)
    look = _look(analysis.study, analysis.seeds, datetime.now(UTC).isoformat(timespec="seconds"))
    if analysis.is_look and all(one.seeds != look.seeds for one in there):
        _write(folder, (*there, look))


def copy(source: Path, folder: Path, study: Study) -> None:
    """Take over the looks at another run directory of the same records."""
    taken = _read(source, study)
    if taken:
        _write(folder, taken)


def cells_of(folder: Path) -> int:
    """How many studies are looked at together: those of the sweep that a run directory lies in, or it alone."""
    if not os.path.exists(folder.parent / SWEEP_FILE):  # unlike a path's own, it takes any name
        return 1
    try:
        return math.prod(len(values) for values in read_sweep(folder.parent).grid.values())
    except InputError:  # the sweep's own report says so
        return 1


def _write(folder: Path, taken: tuple[Look, ...]) -> None:
    replace_text(folder / FILE, json.dumps(Looks(looks=taken).model_dump(mode="json"), indent=2) + "\n")


def _decisive(study: Study, looks: Sequence[Look], cells: int) -> Iterator[int]:
    """The runs of each look at which there were enough for a verdict; others spend nothing."""
    count = 0
    for look in looks:
        if look.units >= family_of(study, count + 1, cells).least_runs:
            count += 1
            yield look.runs


def _read(folder: Path, study: Study) -> tuple[Look, ...]:
    """The looks that were taken. Raises InputError for a file that is none of ours."""
    file = folder / FILE
    if file.exists():
        try:
            return Looks.model_validate(json_file(file, "the looks")).looks
        except ValidationError as error:
            raise InputError(f"{file} is damaged: {first_problem(error)} Nothing was changed.") from None
    # Estimates that cannot be read are no reason to stop: they are written again.
    with suppress(InputError, ValidationError):
        if (folder / ESTIMATES).is_file():
            seen = _Estimates.model_validate(json_file(folder / ESTIMATES, "the estimates"))
            return (_look(study, seen.seeds),) if seen.looks is None else ()
    return ()


def _look(study: Study, seeds: Sequence[int], time: str = "") -> Look:
    return Look(runs=len(seeds), units=units_of(study, seeds), seeds=_digest(seeds), time=time)


def _digest(seeds: Sequence[int]) -> str:
    return sha256(",".join(map(str, sorted(seeds))).encode()).hexdigest()[:16]
