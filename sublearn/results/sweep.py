"""A sweep: the result of every combination of some settings, and the call that runs one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn.columns import Columns
from sublearn.errors import SublearnError, plain
from sublearn.execution import failures, store
from sublearn.execution import sweep as grids
from sublearn.execution.manifests import Provenance, read_sweep
from sublearn.execution.options import Options
from sublearn.execution.plan import Plan
from sublearn.execution.run import Done, execute
from sublearn.execution.sweep import INDEX, PAGE, Grid, GridPoints, typed_values
from sublearn.files.folders import locked
from sublearn.files.jsontext import a_line
from sublearn.files.writing import folder_of, replace_page, replace_text
from sublearn.report.charts.cells import draw_cells, maps_label
from sublearn.report.charts.sweep import draw_claims, draw_sweep, sweep_label
from sublearn.report.page import sweep_page
from sublearn.report.sweep import Cell, cells_of, named, sweep_table
from sublearn.report.wording import contrast_text, interval_text, mean_text
from sublearn.results.base import Shown
from sublearn.results.single import PAGE as RUN_PAGE
from sublearn.results.single import Result
from sublearn.seeds import checked_seeds
from sublearn.study.analysis import Analysis, Finding
from sublearn.study.base import Study
from sublearn.study.identity import id_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHOLE = "grid"
"""The name of the figure of the whole grid."""


@dataclass(frozen=True)
class SweepPoint:
    """One combination: the values of the swept settings, its result, and why it failed if it did."""

    settings: Mapping[str, Any]
    result: Result
    failure: str | None = None

    @property
    def name(self) -> str:
        """Its settings, as in "student.lr = 0.1, hidden = 8"."""
        return named(self.settings)

    @property
    def analysis(self) -> Analysis:
        """What its records show."""
        return self.result.analysis

    @property
    def page(self) -> str:
        """Where its own page lies, or else its run directory, as seen from the sweep's folder."""
        page = self.result.path and (self.result.path / RUN_PAGE).exists()
        return f"{self.analysis.study.id}/{RUN_PAGE if page else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Its settings and the content of its estimates.json, and its failure if there is one."""
        failure = {"failure": self.failure} if self.failure else {}
        return {"settings": dict(self.settings), **failure, **self.analysis.to_dict()}


@dataclass(frozen=True, repr=False)
class Sweep(Shown):
    """Every combination of a grid that has records, in the grid's order."""

    grid: Grid = field(compare=False)
    points: tuple[SweepPoint, ...]
    made: Provenance = field(default=Provenance(), compare=False)
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str, awaited: int = 0) -> Self:
        """The sweep in a folder; no verdicts on a study with fewer runs than are awaited.

        Raises InputError if there is none.
        """
        out = Path(path)
        manifest = read_sweep(out)
        grid = Grid(manifest.study, manifest.settings, manifest.grid)
        found = [grids.read(keys, folder) for keys, folder in grids.folders(out)]
        results = Result.of_runs([run for _, run in found], len(grid), awaited)
        points = (
            SweepPoint(settings, result, failures.found(run.path))
            for (settings, run), result in zip(found, results, strict=True)
        )
        return cls(grid, tuple(points), manifest.made, out)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdicts of all its points, in their order."""
        return tuple(finding for point in self.points for finding in point.analysis.findings)

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.made

    @property
    def title(self) -> str:
        """What was swept."""
        over = ", ".join(plain(key, 60) for key in self.grid.values)
        return f"Sweep of {plain(self.points[0].result.study.name) if self.points else 'nothing yet'} over {over}"

    def lines(self) -> Sequence[tuple[str, str]]:
        """How many combinations support, and refute, each claim; and those that failed."""
        counts: dict[tuple[str, str], int] = {}
        for finding in self.findings:
            key = finding.verdict, plain(finding.claim)
            counts[key] = counts.get(key, 0) + 1
        said = [(verdict, f"{claim} ({count} of {len(self.points)})") for (verdict, claim), count in counts.items()]
        return [*said, *(("failed", f"{point.name}: {point.failure}") for point in self.points if point.failure)]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """Each claim's difference at each combination."""
        return [
            {key: plain(value, 60) for key, value in point.settings.items()} | row
            for point in self.points
            for row in _claims(point.analysis)
        ]

    def summary(self) -> str:
        """For each combination, the differences and verdicts of its claims."""
        trainers = sorted({point.result.trainer for point in self.points if point.result.trainer})
        trained = f"\n\nTrainer: {'; '.join(trainers)}." if trainers else ""
        return sweep_table(self.points) + trained

    def to_dict(self) -> list[dict[str, Any]]:
        """The content of index.json."""
        return [point.to_dict() for point in self.points]

    def to_frame(self) -> "pd.DataFrame":
        """The records of all combinations; the settings that the sweep goes through are columns of their own."""
        import pandas as pd  # late: slow to load

        frames = []
        for point in self.points:
            frame = point.result.to_frame()
            # A value that is a list is one cell, not a column.
            frames.append(frame.assign(**{key: [value] * len(frame) for key, value in point.settings.items()}))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def draw(self, axes: "Axes") -> None:
        """The claims' differences over the first setting."""
        draw_claims(axes, self.points, next(iter(self.grid.values)))

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The whole grid, where it has several settings, and one for each setting."""
        if not self.points:
            return {}
        cells, study = self.cells, self.points[0].result.study
        whole = {WHOLE: (draw_cells(cells), maps_label(cells))} if len(self.grid.values) > 1 and study.claims else {}
        return whole | {key: (draw_sweep(self.points, key), sweep_label(key)) for key in self.grid.values}

    @property
    def cells(self) -> list[Cell]:
        """Every combination of the grid, also those without runs; in memory, those that have some."""
        return cells_of(self.points, read_sweep(self.path).model_dump() if self.path else {"grid": self.grid.values})

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Report: {plain(self.folder / PAGE)}"

    def write(self) -> None:
        """Write report.html, index.json and each estimates.json from the records; the line that says where.

        The index is for quick queries; it holds nothing that the run directories do not, and is made anew each time.
        """
        for point in self.points:
            point.result.write_estimates()
        # A line a study: to be searched by lines, and quick to write for many.
        lines = (a_line(point.to_dict()) for point in self.points)
        replace_text(self.folder / INDEX, "[\n" + ",\n".join(lines) + "\n]\n")
        replace_page(self.folder / PAGE, sweep_page(self.points, read_sweep(self.folder).model_dump()))

    def write_pages(self) -> None:
        """Write the report of each combination's run directory, to which the sweep's page then leads."""
        for point in self.points:
            point.result.write()

    def save(self, path: Path | str) -> Self:
        """Write a sweep directory with a run directory for each combination; the same sweep, as it lies there."""
        out = folder_of(path, "save")
        grids.check_out(self.grid, out)
        with locked(out):
            studies = [point.result.study for point in self.points]
            ids = [id_of(study.model_dump(mode="json")) for study in studies]
            grids.begin(self.grid, out, studies[0].name if studies else "", ids, self.made)
            for point, own in zip(self.points, ids, strict=True):
                saved = point.result.save(out / own)
                if point.failure:
                    failures.note(saved.folder, failures.Failed(reason=point.failure, seeds=()))
            saved = type(self).load(out)
            saved.write()
        return saved


class StudiesFailed(SublearnError):
    """Studies of a sweep failed, by their ids; `sweep` is what there is of all of them."""

    def __init__(self, sweep: Sweep, failed: Collection[str]) -> None:
        self.sweep = sweep
        named = [f"{point.name} ({point.failure})" for point in sweep.points if point.analysis.study.id in failed]
        more = f", and {len(named) - 3} more" if len(named) > 3 else ""
        said = f"{len(failed)} of {len(sweep.grid)} studies failed: {'; '.join(named[:3])}{more}."
        again = f" What the others gave is in {sweep.path}; give the same command to try again what failed."
        super().__init__(said + (again if sweep.path else ""))


def sweep(
    study: Study | str,
    grid: Mapping[str, Sequence[Any]],
    seeds: Iterable[int],
    out: Path | str | None = None,
    **keywords: Any,
) -> Sweep:
    """Run every combination of a grid, as in `sweep("digits", {"aux_logits": [2, 10]}, range(24))`.

    Each is a study of its own; with `out`, each has a run directory there, which resumes where it stopped. Keywords
    are those of `run`: options, and settings that all combinations share. A study that fails ends no other; then
    StudiesFailed is raised, whose `sweep` is what there is.

    Raises InputError for anything that cannot be used, before anything is written.
    """
    options, settings = Options.split(keywords)
    asked, chosen = grids.checked(Grid(study, settings, grid)), checked_seeds(seeds)
    folder = None if out is None else folder_of(out, "out")
    call = f"sublearn.sweep({asked.name!r}, {dict(grid)!r}, {list(chosen)}, {str(folder)!r})"
    return run_points(GridPoints(asked, chosen, folder, call), options)


def plan(points: GridPoints, options: Options) -> Plan:
    """The plan of a sweep. Raises InputError where its folder holds something else."""
    out = points.out
    if out is None:
        return Plan(points, options, tolerant=True, probes=points.grid.probes())
    grids.check_out(points.grid, out)

    @contextmanager
    def hold() -> Iterator[None]:
        with locked(out, options.shard_name):
            ids = (study.id for _, study in points.grid.studies())
            grids.begin(points.grid, out, points.grid.name, ids, Provenance(points.command, store.versions()))
            yield

    return Plan(points, options, tolerant=True, probes=points.grid.probes(), hold=hold)


def run_points(points: GridPoints, options: Options) -> Sweep:
    """Run a sweep; with a folder, its report is written. Raises StudiesFailed at the end if some did."""
    done = execute(plan(points, options))
    if points.out is None:
        found = Sweep(points.grid, tuple(_in_memory(points, done)), Provenance(points.command, store.versions()))
    else:
        found = Sweep.load(points.out, awaited=len(points.seeds) if options.shard else 0)
        found.write()
    if done.failed:
        raise StudiesFailed(found, done.failed)
    return found


def _in_memory(points: GridPoints, done: Done) -> Iterator[SweepPoint]:
    for point in points:
        own = point.study.id
        if own in done.records:
            made = Provenance(point.command, store.versions(), done.runtime[own])
            failure = plain(done.failed[own].reason, 300) if own in done.failed else None
            result = Result.of(point.study, Columns.of(done.records[own]), made, cells=len(points.grid))
            yield SweepPoint(typed_values(point.study, points.grid.values), result, failure)


def _claims(analysis: Analysis) -> Iterator[dict[str, Any]]:
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in analysis.contrasts}
    for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        found = contrasts[claim.treatment, claim.control, claim.trait]
        yield {
            "difference": plain(contrast_text(claim.treatment, claim.control)),
            "trait": plain(claim.trait),
            "mean": mean_text(found),
            "95% interval": interval_text(found),
            "n": found.n,
            "verdict": finding.verdict,
        }
