"""Every combination of some settings, each a study of its own in one directory, through one engine. Needs no torch."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import yaml

from sublearn import pipeline, store
from sublearn.config import dotted
from sublearn.errors import InputError
from sublearn.pipeline import Options
from sublearn.report.dose import Point, dose_page, dose_table
from sublearn.studies import build, prepare, read_file, seconds_a_seed
from sublearn.studies.base import Study
from sublearn.studies.run import Job, measure, plan

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, INDEX = "sweep.json", "index.json"
MANY = 10_000
"""More combinations than this are asked about first."""


@dataclass(frozen=True)
class Sweep:
    """A study, fixed changes of its settings, and a grid: dotted keys to the values that each takes."""

    study: str
    settings: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]

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
            if study.id in seen:
                raise InputError(f"--grid: {chosen} and {seen[study.id]} are the same study; give each value once.")
            seen[study.id] = chosen
            settings = dotted(study.settings)
            yield {key: settings[key] for key in chosen}, study


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """`key=a,b,c` texts as a mapping; values are read as YAML scalars."""
    grid: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not key:
            raise InputError(f"--grid got '{text}'; expected key=a,b,c, as in --grid student.lr=1e-4,1e-3.")
        if key in grid:
            raise InputError(f"--grid names '{key}' twice; give all its values at once.")
        parts = values.split(",")
        if not all(part.strip() for part in parts):
            raise InputError(f"--grid {key}: a value is empty in '{values}'.")
        grid[key] = [yaml.safe_load(part) for part in parts]
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
    return sweep


def describe(sweep: Sweep, seeds: Sequence[int], out: Path, options: Options) -> str:
    """What a run of the sweep would do: studies, runs, jobs, what is there, and the time from a measured pilot."""
    setup = pipeline.setup_of(options)
    jobs = runs = there = studies = 0
    pilot: Job | None = None
    for _, study in sweep.studies():
        done = store.load(out / study.id).complete_seeds() if (out / study.id / store.MANIFEST).exists() else set()
        planned = plan(study, pipeline.share(seeds, options.shard), setup, done)
        studies, there = studies + 1, there + len(done)
        jobs, runs = jobs + len(planned), runs + sum(len(job.seeds) for job in planned)
        pilot = pilot or (planned[0] if planned else None)
    lines = [f"{studies} studies, {runs} runs in {jobs} jobs to do; {there} runs are there."]
    if pilot is not None:
        prepare(pilot.study)
        start = perf_counter()
        measure(pilot)
        took = (perf_counter() - start) / len(pilot.seeds)
        hours = took * runs / max(1, options.jobs) / 3600
        lines.append(f"About {_time(hours)} with {options.jobs} processes, from a pilot of {len(pilot.seeds)} runs.")
    return "\n".join(lines)


def run_sweep(sweep: Sweep, seeds: Sequence[int], out: Path, options: Options, command: str) -> list[Point]:
    """Run every combination into its own run directory below `out`; what is there is not run again.

    Jobs of all combinations go through one engine. Raises InputError before anything is written for input that cannot
    be used, or where `out` holds another sweep.
    """
    chosen = pipeline.checked_seeds(seeds)
    first = next(sweep.studies())[1]
    prepare(first)
    _check_folder(sweep, out)
    with store.locked(out, pipeline.shard_name(options.shard)), ExitStack() as held:
        store.replace_text(out / MANIFEST, json.dumps(_manifest(sweep, command), indent=2) + "\n")
        total = sweep.size * len(pipeline.share(chosen, options.shard))
        work = _Work(sweep, chosen, out, options, command, held, total)
        workers = pipeline.workers(seconds_a_seed(first), total, options)
        for outcome in pipeline.engine(work.jobs(workers), workers, options):
            work.take(outcome.records, len(outcome.seeds), outcome.notes)
    return report_sweep(out)


def report_sweep(out: Path) -> list[Point]:
    """Write report.html, index.json and each estimates.json from the records, and return each one's analysis.

    The index is for quick queries; it holds nothing that the run directories do not, and is made anew each time.
    """
    points = load_sweep(out)
    for point in points:
        found = point.analysis.to_dict()
        store.replace_text(out / point.analysis.study.id / "estimates.json", json.dumps(found, indent=2) + "\n")
    store.replace_text(out / INDEX, json.dumps([point.to_dict() for point in points], indent=2) + "\n")
    manifest = json.loads((out / MANIFEST).read_text())
    store.replace_text(out / "report.html", dose_page(points, manifest))
    return points


def load_sweep(out: Path) -> list[Point]:
    """Each combination of a sweep directory that has records, with its analysis."""
    sweep = _read(out)
    points = []
    for chosen, study in sweep.studies():
        if (out / study.id / store.MANIFEST).exists():
            points.append(Point(chosen, pipeline.load(out / study.id).analysis))
    return points


def sweep_frame(out: Path) -> "pd.DataFrame":
    """All records of a sweep directory as one tidy table, with the swept settings as columns."""
    import pandas as pd

    frames = []
    for chosen, study in _read(out).studies():
        if (out / study.id / store.MANIFEST).exists():
            frames.append(pipeline.to_frame(pipeline.load(out / study.id)).assign(**chosen))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def summary(points: Sequence[Point]) -> str:
    """The table that is printed."""
    return dose_table(points)


class _Work:
    """The jobs of a sweep, study by study, and where their records go; few run directories are open at a time."""

    def __init__(
        self,
        sweep: Sweep,
        seeds: Sequence[int],
        out: Path,
        options: Options,
        command: str,
        held: ExitStack,
        total: int,
    ) -> None:
        self.sweep, self.seeds, self.out, self.options, self.command = sweep, seeds, out, options, command
        self.held, self.total, self.done = held, total, 0
        self.open: dict[str, tuple[AbstractContextManager[store.Writer], store.Writer, int]] = {}

    def jobs(self, workers: int) -> Iterator[Job]:
        setup = pipeline.setup_of(self.options)
        runtime = pipeline.runtime_of(self.options)
        own = pipeline.share(self.seeds, self.options.shard)
        for _, study in self.sweep.studies():
            folder = store.writing(
                self.out / study.id, study, runtime, self.command, pipeline.shard_name(self.options.shard)
            )
            writer = folder.__enter__()
            self.held.callback(self._close, study.id)
            done = writer.run.complete_seeds()
            planned = plan(study, own, setup, done, workers)
            self.open[study.id] = (folder, writer, len(planned))
            self.done += len(done & set(own))
            if not planned:
                self._close(study.id)
            yield from planned

    def take(self, records: Sequence[Any], seeds: int, notes: Sequence[str]) -> None:
        study = records[0].study
        folder, writer, left = self.open[study]
        writer.add(records)
        self.done += seeds
        self.open[study] = (folder, writer, left - 1)
        if left == 1:
            self._close(study)
        if self.options.progress:
            self.options.progress(self.done, self.total, notes)

    def _close(self, study: str) -> None:
        if study in self.open:
            folder, _, _ = self.open.pop(study)
            folder.__exit__(None, None, None)


def _manifest(sweep: Sweep, command: str) -> dict[str, Any]:
    grid = {key: list(values) for key, values in sweep.grid.items()}
    return {"study": sweep.study, "settings": dict(sweep.settings), "grid": grid, "command": command}


def _read(out: Path) -> Sweep:
    try:
        manifest = json.loads((out / MANIFEST).read_text())
        return Sweep(manifest["study"], manifest["settings"], manifest["grid"])
    except (OSError, ValueError, KeyError):
        raise InputError(f"{out} is no sweep directory: it has no readable {MANIFEST}.") from None


def _check_folder(sweep: Sweep, out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"--out {out} is a file; expected a folder. Choose another --out.")
    if (out / MANIFEST).exists():
        if _read(out) != Sweep(sweep.study, dict(sweep.settings), {k: list(v) for k, v in sweep.grid.items()}):
            raise InputError(f"{out} holds another sweep. Choose another --out, or the same grid and settings.")
    elif any(not child.name.startswith(store.LOCK) for child in out.iterdir()):
        raise InputError(f"{out} holds other files and no {MANIFEST}. Choose an empty or new folder for --out.")


def _time(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
