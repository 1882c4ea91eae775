"""Every combination of some settings, each a study of its own in one directory, through one engine. Needs no torch."""

import json
import math
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sublearn.config import dotted
from sublearn.errors import InputError, SublearnError, quoted
from sublearn.execution import failures, looks, manifests, pipeline, store
from sublearn.execution.dry_run import time_line
from sublearn.execution.engines import ray
from sublearn.execution.pipeline import Options
from sublearn.execution.sweep_work import Plan, Work
from sublearn.execution.trackers import check_packages
from sublearn.files.folders import has_manifest, locked
from sublearn.files.reading import yaml_value
from sublearn.files.writing import a_page, anything, check_folder, check_within, replace_page, replace_text
from sublearn.report.page import sweep_page
from sublearn.report.sweep import Point, sweep_table
from sublearn.seeds import checked_seeds
from sublearn.study.base import Study
from sublearn.study.jobs import Job
from sublearn.study.table import build, check_memory, read_file

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, INDEX = manifests.SWEEP_FILE, "index.json"
MANY = 10_000
"""More combinations than this are asked about first."""


@dataclass(frozen=True)
class Sweep:
    """A study, fixed changes of its settings, and a grid: dotted keys to the values that each takes.

    Where both name a key, the grid's values count. Raises InputError for a key without a value.
    """

    study: str
    settings: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        for key, values in self.grid.items():
            if not values:
                raise InputError(f"The grid gives '{key}' no value; expected at least one.")

    @property
    def size(self) -> int:
        """The number of combinations."""
        return math.prod(len(values) for values in self.grid.values())

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Each combination's values by key."""
        for values in product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))

    def studies(self) -> Iterator[tuple[dict[str, Any], Study]]:
        """Each combination with its study; two combinations of one study are refused."""
        seen: dict[str, dict[str, Any]] = {}
        for chosen in self.combinations():
            study = build(self.study, dict(self.settings) | chosen)
            own = study.id
            if own in seen:
                raise InputError(f"--grid: {chosen} and {seen[own]} are the same study; give each value once.")
            seen[own] = chosen
            settings = dotted(study.settings)
            yield {key: settings[key] for key in chosen}, study


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


def read_sweep(path: Path) -> tuple[Sweep, str | None]:
    """A sweep from a YAML file with the keys study, settings, seeds and grid, and its seeds text."""
    name, settings, seeds, grid = read_file(path, with_grid=True)
    return Sweep(name, settings, grid), seeds


def checked(sweep: Sweep, yes: bool) -> Sweep:
    """The sweep, if it has a grid whose keys and values exist and is not larger than was meant."""
    if not sweep.grid:
        raise InputError("A sweep needs at least one --grid key=a,b,c.")
    for key, values in sweep.grid.items():
        studies = [build(sweep.study, dict(sweep.settings) | {key: value}).id for value in values]
        for i, study in enumerate(studies):
            if study in studies[:i]:
                raise InputError(f"--grid {key}: {values[i]} gives the same study as a value before it; give it once.")
    if sweep.size > MANY and not yes:
        raise InputError(f"The grid has {sweep.size:,} combinations; give --yes if that is meant.")
    if sweep.size <= MANY:
        for _ in sweep.studies():
            pass
    return sweep


def describe(sweep: Sweep, seeds: Sequence[int], out: Path, options: Options) -> str:
    """What a run of the sweep would do: studies, runs, jobs, what is there, and the time from a measured pilot."""
    chosen = checked_seeds(seeds)
    _check_folder(sweep, out)
    place = pipeline.place_of(options)
    try:
        _prepare(sweep, options, place)
        return _described(sweep, chosen, out, options, place)
    finally:
        ray.disconnect()


def _described(sweep: Sweep, chosen: Sequence[int], out: Path, options: Options, place: pipeline.Place) -> str:
    work = Plan(sweep, chosen, options, place)
    jobs = runs = 0
    there = 0
    pilot: Job | None = None
    for _, study, own in work.parts():
        done = pipeline.seeds_there(study, out / study.id) & set(own)
        there += len(done)
        for job in work.jobs(study, own, done):
            jobs, runs, pilot = jobs + 1, runs + len(job.seeds), pilot or job
    lines = [f"{sweep.size:,} studies, {runs:,} runs in {jobs:,} jobs to do; {there:,} runs are there."]
    if pilot is not None:
        lines.append(
            f"{time_line(pilot, runs, options, place)} It is of the first study; settings may change the cost."
        )
    return "\n".join(lines)


def few(sweep: Sweep, seeds: Sequence[int], out: Path) -> str | None:
    """What to say where the seeds are too few for a verdict on the first study, which stands for all."""
    _, study = next(sweep.studies())
    return pipeline.few(study, seeds, out / study.id, sweep.size)


def run_sweep(sweep: Sweep, seeds: Sequence[int], out: Path, options: Options, command: str = "") -> list[Point]:
    """Run every combination into its own run directory below `out`; what is there is not run again.

    Jobs of all combinations go through one engine. Raises InputError before anything is written for input that cannot
    be used, or where `out` holds another sweep. A study whose job fails is left there, the others are run and the
    report is written; then StudiesFailed is raised.
    """
    chosen = checked_seeds(seeds)
    check_packages(options.trackers)
    _check_folder(sweep, out)
    place = pipeline.place_of(options)
    _prepare(sweep, options, place)
    with locked(out, pipeline.shard_name(options.shard)):
        if not (out / MANIFEST).exists():
            replace_text(out / MANIFEST, json.dumps(_manifest(sweep, command), indent=2) + "\n")
        # Before the work: what another version left may be of no use to this one.
        for _, _, folder in _folders(out):
            check_within(folder, {"estimates.json": anything, looks.FILE: anything})
        plan = Plan(sweep, chosen, options, place, out)
        with (
            Work(plan, out, command) as work,
            closing(pipeline.engine(work.jobs(), plan.workers, options, True)) as outcomes,
        ):
            for outcome in outcomes:
                work.take(outcome)
    points = report_sweep(out, len(chosen) if options.shard else 0)
    if work.failed:
        raise StudiesFailed(points, work.failed, out)
    return points


class StudiesFailed(SublearnError):
    """Studies of a sweep failed, by their ids; `points` are what there is of all of them."""

    def __init__(self, points: Sequence[Point], failed: Collection[str], out: Path) -> None:
        self.points = points
        named = [f"{point.name} ({point.failure})" for point in points if point.analysis.study.id in failed]
        shown = "; ".join(named[:3]) + ("; ..." if len(named) > 3 else "")
        super().__init__(
            f"{len(failed)} of {len(points)} studies failed: {shown}. What the others gave is in "
            f"{out / 'report.html'}. Give the same command to try again what failed."
        )


def report_sweep(out: Path, awaited: int = 0) -> list[Point]:
    """Write report.html, index.json and each estimates.json from the records, and return each one's analysis.

    The verdicts on a study wait for as many runs as are awaited.
    The index is for quick queries; it holds nothing that the run directories do not, and is made anew each time.
    """
    points = load_sweep(out, awaited)
    for point in points:
        own = point.analysis
        if len(own.seeds) >= awaited:
            looks.record(out / own.study.id, own.study, own.seeds)
        found = own.to_dict()
        replace_text(out / point.analysis.study.id / "estimates.json", json.dumps(found, indent=2) + "\n")
    # A line a study: to be searched by lines, and quick to write for many.
    lines = (json.dumps(point.to_dict()) for point in points)
    replace_text(out / INDEX, "[\n" + ",\n".join(lines) + "\n]\n")
    replace_page(out / "report.html", sweep_page(points, manifests.read_sweep(out).model_dump()))
    return points


def load_sweep(out: Path, awaited: int = 0) -> list[Point]:
    """Each combination of a sweep directory that has records, with its analysis."""
    return [Point(chosen, found.analysis, failures.found(folder)) for chosen, folder, found in _results(out, awaited)]


def to_frame(source: "pipeline.Result | Path | str") -> "pd.DataFrame":
    """The records of a result, a run directory or a sweep directory as one tidy pandas table, a row a record.

    The settings that a sweep goes through are columns of their own.
    """
    import pandas as pd

    if isinstance(source, pipeline.Result):
        return pipeline.to_frame(source)
    folder = Path(source)
    if not (folder / MANIFEST).exists():
        return pipeline.to_frame(pipeline.load(folder))
    frames = []
    for chosen, _, found in _results(folder):
        frame = pipeline.to_frame(found)
        # A value that is a list is one cell, not a column.
        frames.append(frame.assign(**{key: [value] * len(frame) for key, value in chosen.items()}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def summary(points: Sequence[Point]) -> str:
    """The table that is printed."""
    return sweep_table(points)


def _prepare(sweep: Sweep, options: Options, place: pipeline.Place) -> None:
    """See that every study fits in memory, and fetch what any value of the grid needs, before anything is written."""
    if pipeline.is_here(options, place):
        for _, study in sweep.studies():
            check_memory(study)
    next(sweep.studies())[1].designed.prepare()
    next(sweep.studies())[1].designed.trainer(options.trainer)
    for key, values in sweep.grid.items():
        for value in values[1:]:
            build(sweep.study, dict(sweep.settings) | {key: value}).designed.prepare()


def _results(out: Path, awaited: int = 0) -> Iterator[tuple[dict[str, Any], Path, pipeline.Result]]:
    """Each combination's values with its run directory and what that holds."""
    for chosen, _, folder in _folders(out):
        found = pipeline.load(folder, awaited)
        if found.study.id != folder.name:
            raise InputError(f"{folder} holds another study: {quoted(found.study.id)}. Move it out of the sweep.")
        yield chosen, folder, found


def _folders(out: Path) -> Iterator[tuple[dict[str, Any], Study, Path]]:
    """Each combination's values and study with its run directory, if it has one; others in the folder are warned of."""
    manifest = manifests.read_sweep(out)
    found: set[str] = set()
    known = store.known_in(out)
    for chosen, study in _studies(manifest, out):
        folder = out / known.get(study.id, study.id)
        if (folder / store.MANIFEST).exists():
            found.add(folder.name)
            yield chosen, study, folder
    others = sorted(path.parent.name for path in out.glob(f"*/{store.MANIFEST}") if path.parent.name not in found)
    if others:
        warnings.warn(
            f"{out} holds {len(others)} run directories of no study of this sweep, {quoted(others[0])} among them; "
            f"they are left out. The sweep was begun with sublearn {manifests.begun_with(manifest)}; this is sublearn "
            f"{store.versions()['sublearn']}.",
            stacklevel=1,
        )


def _studies(manifest: manifests.SweepManifest, out: Path) -> Iterator[tuple[dict[str, Any], Study]]:
    """The studies of a sweep directory. Raises InputError with the file's name for those that there are not."""
    try:
        yield from Sweep(manifest.study, manifest.settings, manifest.grid).studies()
    except InputError as error:
        raise InputError(f"{out / MANIFEST} cannot be used: {error}") from None


def _manifest(sweep: Sweep, command: str) -> dict[str, Any]:
    grid = {key: list(values) for key, values in sweep.grid.items()}
    made = {"command": command, "versions": store.versions()}
    settings = dict(sweep.settings)
    parts = {"format": manifests.FORMAT, "study": sweep.study, "settings": settings, "grid": grid}
    return manifests.SweepManifest(**parts, **made).model_dump()


def _check_folder(sweep: Sweep, out: Path) -> None:
    check_folder(out)
    if not out.is_dir():
        return
    check_within(out, {INDEX: anything, "report.html": a_page})
    if not has_manifest(out, MANIFEST):
        return
    manifest = manifests.read_sweep(out)
    wanted = Sweep(sweep.study, dict(sweep.settings), {key: list(values) for key, values in sweep.grid.items()})
    if Sweep(manifest.study, manifest.settings, manifest.grid) == wanted:
        return
    # Not their texts but their studies count: another version may write the same number in another way.
    there, asked = ({study.id for _, study in some} for some in (_studies(manifest, out), sweep.studies()))
    if there != asked or set(manifest.grid) != set(sweep.grid):
        raise InputError(f"{out} holds another sweep. Choose another --out, or the same grid and settings.")
