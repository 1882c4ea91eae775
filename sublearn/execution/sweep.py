"""Grids: every combination of some settings is a study of its own, and a point of a plan. What a sweep's folder holds.

Knows combinations and folders; how they are run, and what comes out, it does not know. Needs no torch.
"""

import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from sublearn.config import dotted
from sublearn.errors import InputError, plain, quoted, unknown
from sublearn.execution import looks, manifests, store
from sublearn.execution.plan import Point
from sublearn.files.folders import check_out_folder, has_manifest
from sublearn.files.reading import yaml_value
from sublearn.files.writing import a_page, anything, check_within, replace_text
from sublearn.study.base import Study
from sublearn.study.table import STUDIES, build, read_file

MANIFEST, INDEX, PAGE = manifests.SWEEP_FILE, "index.json", "report.html"
MANY = 10_000
"""More combinations than this are asked about first."""
TRIED = 100
"""So many combinations are tried at most to find out whether any of a refused grid is sound."""


@dataclass(frozen=True)
class Grid:
    """A study, fixed changes of its settings, and dotted keys with the values that each takes.

    Where both name a key, the grid's values count. Raises InputError for a key without a value.
    """

    study: Study | str
    settings: Mapping[str, Any]
    values: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise InputError(
                f"The grid got {quoted(self.values)}; expected lists of values by the setting's name, as in "
                "{'student.lr': [1e-4, 1e-3]}."
            )
        object.__setattr__(self, "values", {key: _values(key, given) for key, given in self.values.items()})

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.values.values())

    @property
    def name(self) -> str:
        """The name of its studies."""
        return next(self.studies())[1].name

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Each combination's values by key."""
        for values in product(*self.values.values()):
            yield dict(zip(self.values, values, strict=True))

    def studies(self) -> Iterator[tuple[dict[str, Any], Study]]:
        """Each combination with its study; two combinations of one study are refused."""
        seen: dict[str, dict[str, Any]] = {}
        for chosen in self.combinations():
            study = self.with_(chosen)
            own = study.id
            if own in seen:
                raise InputError(f"--grid: {chosen} and {seen[own]} are the same study; give each value once.")
            seen[own] = chosen
            yield typed_values(study, chosen), study

    def along(self, key: str) -> list[Study]:
        """A study for each value of a key, beside the first value of every other one: combinations of the grid."""
        first = {name: values[0] for name, values in self.values.items()}
        return [self.with_(first | {key: value}) for value in self.values[key]]

    def probes(self) -> list[Study]:
        """A study for each value of each key: together they need whatever any combination needs."""
        return [next(self.studies())[1], *(study for key in self.values for study in self.along(key)[1:])]

    def with_(self, chosen: Mapping[str, Any]) -> Study:
        """The study with these values of its own. Raises InputError, which says whether the grid is wrong."""
        try:
            return build(self.study, dict(self.settings) | dict(chosen), "--grid")
        except InputError as error:
            said = str(error).removeprefix("--grid")
        if not any(f"'{key}'" in said for key in chosen) and (words := self._unlike_others(chosen)):
            raise InputError(
                f"--grid: {words} cannot be run: {said.removeprefix(': ')} Other combinations can be: leave this "
                "one out by running a sweep of its own for each set of values that go together."
            )
        try:
            build(self.study, self.settings, "--set")
        except InputError as error:
            if str(error).removeprefix("--set") == said:
                raise
        raise InputError(f"--grid{said}" if said.startswith(":") else said)

    def _sound(self, chosen: Mapping[str, Any], without: str = "") -> bool:
        """Whether there is a study with these values, beside the fixed ones `without` one of them."""
        fixed = {key: value for key, value in self.settings.items() if key != without}
        try:
            build(self.study, fixed | dict(chosen))
        except InputError:
            return False
        return True

    def _unlike_others(self, chosen: Mapping[str, Any]) -> str:
        """A refused combination with the fixed settings that it does not go with; "" where it is no such thing.

        That is where no other combination is sound either, or one value alone is wrong.
        """
        if not any(map(self._sound, islice(self.combinations(), TRIED))):
            return ""
        beside = {key: value for key, value in self.settings.items() if self._sound(chosen, without=key)}
        named, fixed = (", ".join(f"{key}={plain(of[key], 60)}" for key in of) for of in (chosen, beside))
        if len(chosen) == 1 and not beside:
            return ""
        return f"{named} (with {fixed})" if fixed else named


def _values(key: object, given: Any) -> Sequence[Any]:
    """The values of a key. Raises InputError where they are no list or there are none."""
    values = given.tolist() if hasattr(given, "tolist") else given  # NumPy's, as Python's own numbers
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InputError(f"The grid gives {quoted(key)} as {quoted(given)}; expected a list of values, as in [2, 10].")
    if not values:
        raise InputError(f"The grid gives {quoted(key)} no value; expected at least one.")
    return values


def typed_values(study: Study, keys: Mapping[str, Any]) -> dict[str, Any]:
    """What a study's settings are for these keys."""
    settings = dotted(study.settings)
    return {key: settings[key] for key in keys}


@dataclass(frozen=True)
class GridPoints:
    """The points of a grid, made anew each time that they are gone through, so that any number needs no memory."""

    grid: Grid
    seeds: Sequence[int]
    out: Path | None = None
    command: str = ""

    def __len__(self) -> int:
        return len(self.grid)

    def __iter__(self) -> Iterator[Point]:
        known = store.known_in(self.out) if self.out else {}
        for _, study in self.grid.studies():
            own = study.known_as(known[study.id]) if study.id in known else study
            yield Point(own, self.seeds, self.out and self.out / own.id, self.command)


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """`key=a,b,c` texts as a mapping; values are read as YAML scalars."""
    grid: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not key:
            raise InputError(f"--grid got {quoted(text)}; expected key=a,b,c, as in --grid student.lr=1e-4,1e-3.")
        if key in grid:
            raise InputError(f"--grid names {quoted(key)} twice; give all its values at once.")
        parts = values.split(",")
        if not all(part.strip() for part in parts):
            raise InputError(f"--grid {quoted(key)}: a value is empty in {quoted(values)}.")
        if any(mark in values for mark in "[]{}"):
            raise InputError(f"--grid {quoted(key)}: {quoted(values)} is no plain values; give lists in a sweep file.")
        grid[key] = [yaml_value(part, f"--grid {quoted(key)}") for part in parts]
    return grid


def read_grid(path: Path) -> tuple[Grid, str | None]:
    """A grid from a YAML file with the keys study, settings, seeds and grid, and its seeds text."""
    name, settings, seeds, grid = read_file(path, with_grid=True)
    return Grid(name, settings, grid), seeds


def checked(grid: Grid, yes: bool = False) -> Grid:
    """The grid, if its keys and values exist and it is not larger than was meant. Raises InputError otherwise."""
    if not grid.values:
        raise InputError("A sweep needs at least one --grid key=a,b,c.")
    for key, values in grid.values.items():
        studies = [study.id for study in grid.along(key)]
        for i, study in enumerate(studies):
            if study in studies[:i]:
                raise InputError(f"--grid {key}: {values[i]} gives the same study as a value before it; give it once.")
    if len(grid) > MANY and not yes:
        raise InputError(f"The grid has {len(grid):,} combinations; give --yes if that is meant.")
    if len(grid) <= MANY:
        for _ in grid.studies():
            pass
    return grid


def check_out(grid: Grid, out: Path) -> None:
    """Raise InputError unless a sweep of the grid and its report can be written into `out`. It writes nothing."""
    check_out_folder(out)
    if not out.is_dir():
        return
    check_within(out, {INDEX: anything, PAGE: a_page})
    if not has_manifest(out, MANIFEST):
        return
    manifest = manifests.read_sweep(out)
    # Not their texts but their studies count: another version may write the same number in another way.
    there, asked = set(_ids(manifest, out)), {study.id for _, study in grid.studies()}
    if there != asked or set(manifest.grid) != set(grid.values):
        raise InputError(f"{out} holds another sweep. Choose another --out, or the same grid and settings.")
    # Before the work: what another version left may be of no use to this one.
    for _, folder in folders(out):
        check_within(folder, {"estimates.json": anything, looks.FILE: anything})


def begin(grid: Grid, out: Path, name: str, ids: Iterable[str], made: manifests.Provenance) -> None:
    """Write sweep.json into `out`, if it is not there: the grid, the name of its studies and their ids."""
    if not (out / MANIFEST).exists():
        manifest = manifests.SweepManifest(
            format=manifests.FORMAT,
            study=name,
            settings=dict(grid.settings),
            grid={key: list(values) for key, values in grid.values.items()},
            studies=tuple(ids),
            command=made.command,
            versions=dict(made.versions),
        )
        replace_text(out / MANIFEST, json.dumps(manifest.model_dump(mode="json"), indent=2) + "\n")


def folders(out: Path) -> Iterator[tuple[list[str], Path]]:
    """The grid's keys and the run directory of each combination that has one; others in the folder are warned of.

    Raises InputError for a sweep directory that was edited, or a run directory of another study.
    """
    manifest, found = manifests.read_sweep(out), set[str]()
    known = store.known_in(out)
    for own in _ids(manifest, out):
        folder = out / known.get(own, own)
        if (folder / store.MANIFEST).exists():
            found.add(folder.name)
            yield list(manifest.grid), folder
    others = sorted(path.parent.name for path in out.glob(f"*/{store.MANIFEST}") if path.parent.name not in found)
    if others:
        warnings.warn(
            f"{out} holds {len(others)} run directories of no study of this sweep, {quoted(others[0])} among them; "
            f"they are left out. The sweep was begun with sublearn {manifests.begun_with(manifest)}; this is sublearn "
            f"{store.versions()['sublearn']}.",
            stacklevel=1,
        )


def read(keys: Sequence[str], folder: Path) -> tuple[dict[str, Any], store.Run]:
    """A combination's values and its run directory. Raises InputError if that holds another study."""
    found = store.load(folder)
    settings = dotted(found.study.settings)
    if found.study.id != folder.name or any(key not in settings for key in keys):
        raise InputError(f"{folder} holds another study: {quoted(found.study.id)}. Move it out of the sweep.")
    return {key: settings[key] for key in keys}, found


def _ids(manifest: manifests.SweepManifest, out: Path) -> Iterator[str]:
    """The ids of a sweep's studies, in the order of its combinations. Raises InputError where there are none such."""
    if manifest.studies is not None:
        yield from manifest.studies
        return
    try:
        if manifest.study not in STUDIES:  # a file that is named here is not run: what is read may be anybody's
            raise unknown("study", manifest.study, STUDIES)
        for _, study in Grid(manifest.study, manifest.settings, manifest.grid).studies():
            yield study.id
    except InputError as error:
        raise InputError(f"{out / MANIFEST} cannot be used: {error}") from None
