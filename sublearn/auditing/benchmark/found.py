"""What the benchmark of audits found, as its folder holds it: a file a base, a line a set; the table. Torch-free."""

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from sublearn.auditing.benchmark.settings import Kind, Settings
from sublearn.config import dotted
from sublearn.errors import InputError, plain
from sublearn.execution.manifests import Facts, Provenance, Short
from sublearn.files.appending import Appending
from sublearn.files.folders import check_made, made_by
from sublearn.files.reading import file_bytes, json_file, json_value, typed
from sublearn.files.writing import a_page, beginning, check_within, replace_text
from sublearn.records import LARGEST_N, Number
from sublearn.seeds import LARGEST_SEED

COMMAND = "sublearn audit --benchmark"
MANIFEST, PAGE, BASES = "benchmark.json", "benchmark.html", "bases"
_MANIFESTS = {MANIFEST: beginning(b'{\n  "benchmark": ')}
_FILES = {PAGE: a_page}
_LINE = b'{"seed":'
RECIPE = 2
"""Which sets are made and how they are audited; another number where a program finds something else of a base."""
LARGEST = 1 << 24
"""Bytes of a base's file."""
Count = Annotated[int, Field(ge=0, le=LARGEST_N)]
Words = Annotated[tuple[Short, ...], Field(max_length=100)]


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Ranks = Annotated[tuple[Annotated[int, Field(ge=1, le=LARGEST_N)], ...], Field(max_length=100)]


class ByScore(_Found):
    """What one score says of a set: its largest z, p, and the places of the set's traits, if it ranks traits."""

    name: Short
    z: Number
    p: Annotated[float, Field(ge=0, le=1)]
    ranks: Ranks = ()


class Measured(_Found):
    """What an audit says of one set of a base.

    `ranks` are the places of its traits that were candidates; `predicted` is the first one's shift by the audit, and
    `actual` that of a student which was trained on the rows. `scores` say the same each for itself, if they were kept.
    """

    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)]
    set: Short
    kind: Kind
    rows: Count
    traits: Words
    ranks: Ranks
    p: Annotated[float, Field(ge=0, le=1)]
    z: Number
    predicted: Number | None
    actual: Number | None
    said: Words
    flagged: Count
    seconds: Number
    scores: Annotated[tuple[ByScore, ...], Field(max_length=100)] = ()
    recipe: Annotated[int, Field(ge=1, le=LARGEST_N)] = 1


Verdict = Literal["met", "missed", "open"]


class Figure(_Found):
    """A figure with its 95% interval over n bases, and its goal, if it has one ("at least" unless `most`).

    Of one score alone, it names the score.
    """

    what: Short
    value: Number
    low: Number | None = None
    high: Number | None = None
    n: Count
    unit: Short = ""
    goal: Number | None = None
    most: bool = False
    score: Short = ""

    @model_validator(mode="before")
    @classmethod
    def _told_again(cls, given: Any) -> Any:
        """What follows from the rest is in the file for its readers, and is not read back."""
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if key not in ("reached", "verdict")}

    @computed_field
    @property
    def reached(self) -> bool | None:
        """Whether the value reaches the goal; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.most else self.value >= self.goal

    @computed_field
    @property
    def verdict(self) -> Verdict | None:
        """Met where the whole interval reaches the goal, missed where none of it does, else open; None without one."""
        if self.goal is None:
            return None
        if self.low is None or self.high is None:
            return "open"
        best, worst = (self.low, self.high) if self.most else (self.high, self.low)
        sign = 1 if self.most else -1
        return "met" if sign * worst <= sign * self.goal else "missed" if sign * best > sign * self.goal else "open"


class BenchmarkFile(_Found):
    """The content of benchmark.json."""

    benchmark: Literal["audit"] = "audit"
    settings: dict[Short, Any]
    seeds: Annotated[tuple[int, ...], Field(max_length=LARGEST_N)] = ()
    """Bases of which anything was measured."""
    sets: Count = 0
    figures: tuple[Figure, ...] = Field(default=(), max_length=1_000)
    command: str = ""
    versions: Facts = Field(default_factory=dict)

    @property
    def made(self) -> Provenance:
        """How it was made."""
        return Provenance(self.command, self.versions)


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a benchmark while it is at work. Raises InputError for a folder that holds something else."""
    _check_whole(out)
    return made_by(COMMAND, out, _MANIFESTS, _FILES)


def check(out: Path, settings: Settings) -> None:
    """Raise InputError unless a benchmark with these settings may go on in `out`, undamaged. It writes nothing."""
    _check_whole(out)
    check_made(COMMAND, out, _MANIFESTS, _FILES)
    check_within(out, {}, (BASES,))
    if not (out / MANIFEST).exists():
        return
    if other := next((one.recipe for one in every(out) if one.recipe != RECIPE), None):
        raise InputError(
            f"{out} holds a benchmark that another version of sublearn measured: its recipe is {other} and here it is "
            f"{RECIPE}, so that the two cannot be mixed. Choose another --out."
        )
    there, now = dotted(read(out).settings), dotted(settings.model_dump(mode="json"))
    for key in dict.fromkeys((*now, *there)):
        if there.get(key) != now.get(key):
            was, asked = plain(there.get(key), 60), plain(now.get(key), 60)
            raise InputError(
                f"{out} holds a benchmark with other settings: {plain(key, 60)} is {was} there and {asked} here. "
                "Choose another --out."
            )


def _check_whole(out: Path) -> None:
    if (out / BASES).exists() and not (out / MANIFEST).exists():
        raise InputError(
            f"{out} holds {BASES} of a benchmark and no {MANIFEST}, which says with which settings they were measured. "
            "Put it back, or choose another --out."
        )


def file_of(out: Path, seed: int) -> Path:
    """The file of a base: a line for each set that was measured."""
    return out / BASES / f"seed-{seed}.jsonl"


def measured(out: Path, seed: int, mend: bool = False) -> list[Measured]:
    """What was measured of a base. A torn last line is left out, or cut off where the file is to be mended.

    Raises InputError for a file that is damaged otherwise.
    """
    path = file_of(out, seed)
    if not path.exists():
        return []
    content = file_bytes(path, "the sets of a base", LARGEST)
    whole = content.rfind(b"\n") + 1
    found = [_line(line, f"{path}, line {n}", seed) for n, line in enumerate(content[:whole].splitlines(), 1)]
    if len({one.set for one in found}) < len(found):
        raise InputError(f"{path} says twice what was found of a set. Keep one of the lines.")
    rest = content[whole:]
    if rest and not (rest.startswith(_LINE) or _LINE.startswith(rest)):
        raise InputError(f"{path}, line {len(found) + 1} cannot be used: it is no line of a benchmark.")
    if rest and mend:
        warnings.warn(f"The last line in {path} was torn; it is dropped and will be measured again.", stacklevel=2)
        Appending(path).cut(whole)
    return found


def line(one: Measured) -> str:
    """What was found of a set, as its base's file has it."""
    return f"{one.model_dump_json()}\n"


def _line(line: bytes, where: str, seed: int) -> Measured:
    found = typed(Measured, json_value(line, where), where)
    if found.seed != seed:
        raise InputError(f"{where} is of the seed {found.seed}, not of {seed}.")
    return found


def seeds_in(out: Path) -> list[int]:
    """The seeds of the bases that have a file."""
    names = (path.name.removeprefix("seed-").removesuffix(".jsonl") for path in (out / BASES).glob("seed-*.jsonl"))
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal() and len(name) < 11)


def every(out: Path) -> list[Measured]:
    """All that was measured, base by base. Raises InputError for what two versions of the benchmark measured."""
    found = [one for seed in seeds_in(out) for one in measured(out, seed)]
    if len(recipes := sorted({one.recipe for one in found})) > 1:
        raise InputError(f"{out} mixes sets of the recipes {recipes[0]} and {recipes[-1]}. Keep the bases of one.")
    return found


def write(found: BenchmarkFile, out: Path) -> None:
    """Write benchmark.json."""
    replace_text(out / MANIFEST, json.dumps(found.model_dump(mode="json"), indent=2) + "\n")


def read(out: Path) -> BenchmarkFile:
    """The content of benchmark.json. Raises InputError for anything else."""
    path = out / MANIFEST
    return typed(BenchmarkFile, json_file(path, "the benchmark"), str(path))


def summed(settings: Settings, found: Sequence[Measured], figures: Sequence[Figure], made: Provenance) -> BenchmarkFile:
    """The content of benchmark.json, of what was measured and the figures that follow."""
    return BenchmarkFile(
        settings=settings.model_dump(mode="json"),
        seeds=tuple(sorted({one.seed for one in found})),
        sets=len(found),
        figures=tuple(figures),
        command=made.command[:5_000],
        versions=dict(made.versions),
    )
