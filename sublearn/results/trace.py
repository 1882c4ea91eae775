"""Why it happens: the students' trajectories in weight space, and alignment at the start against transfer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn.errors import plain
from sublearn.execution import store, tracing
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import Options
from sublearn.execution.plan import Plan
from sublearn.execution.run import execute
from sublearn.execution.tracing import OUR_FIGURE, AlignmentFile, Traced, TraceFile, TraceMean
from sublearn.files.writing import folder_of, replace_page, replace_text
from sublearn.report.charts.trace import (
    TRACE_LABEL,
    alignment_figure,
    alignment_label,
    draw_alignment,
    draw_direction,
    draw_plane,
    draw_runs,
    draw_starts,
    draw_trace,
    has_plane,
    has_starts,
    plane_label,
    starts_label,
    trace_figure,
)
from sublearn.report.page import alignment_page, trace_page
from sublearn.report.sections import given
from sublearn.report.trace import alignment_table, correlation_text, trace_table
from sublearn.report.wording import interval_text, mean_text
from sublearn.results.base import Shown
from sublearn.seeds import checked_seeds
from sublearn.stats import Estimate
from sublearn.study.base import Study
from sublearn.study.controlled.points import TracePoint
from sublearn.study.labels import labels
from sublearn.study.table import build

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = (0, 1, 3, 10, 30, 100, 300)


@dataclass(frozen=True, repr=False)
class Trace(Shown):
    """The students' trajectories: each quantity's mean over seeds by arm, layer and step, and every point."""

    found: TraceFile
    points: tuple[TracePoint, ...] = ()
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The trace in a folder. Raises InputError if there is none."""
        return cls(tracing.read_trace(Path(path)), tracing.read_points(Path(path)), Path(path))

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.found.made

    @property
    def rows(self) -> tuple[TraceMean, ...]:
        """The means over seeds."""
        return self.found.rows

    @property
    def title(self) -> str:
        """What was traced."""
        return f"Trace of {plain(self.found.study)}"

    def lines(self) -> Sequence[tuple[str, str]]:
        """Each arm's direction at the last step."""
        own = [row for row in self.rows if row.quantity == "cosine" and not row.layer]
        last = max((row.step for row in own), default=0)
        said = "cosine of the update and the teacher's displacement after"
        return [
            ("", f"{plain(row.arm)}: {said} {last} steps {mean_text(row.estimate)}") for row in own if row.step == last
        ]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """The means of all parameters together, at every step."""
        return [
            {"arm": plain(row.arm), "quantity": plain(row.quantity), "step": row.step} | _cells(row.estimate)
            for row in self.rows
            if not row.layer
        ]

    def summary(self) -> str:
        """Each arm's quantities at the last step."""
        lost = sum(point.value is None for point in self.points)
        note = f"\n\n{lost:,} of {len(self.points):,} values are not finite and are left out." if lost else ""
        return f"{trace_table(self.rows, self.found.labels)}{note}"

    def to_dict(self) -> list[dict[str, Any]]:
        """The means, as in trace.json."""
        return [asdict(row) for row in self.rows]

    def to_frame(self) -> "pd.DataFrame":
        """The means, a row each."""
        import pandas as pd  # late: slow to load

        return pd.DataFrame([_flat(row) for row in self.rows])

    def draw(self, axes: "Axes") -> None:
        """The direction of each arm over the student's steps."""
        draw_direction(axes, self.rows, self.found.labels)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The way, quantity by quantity and in a plane, and each run's alignment at the start, where they were kept."""
        names = self.found.labels
        found = {"trace": (draw_trace(self.rows, names=names), TRACE_LABEL)}
        if has_plane(self.rows):
            found["way"] = draw_plane(self.rows, names=names), plane_label(self.rows, names)
        if has_starts(self.points):
            found["starts"] = draw_starts(self.points, names=names), starts_label(self.points, names)
        return found

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Page: {plain(self.folder / tracing.PAGE)}"

    def write(self) -> None:
        """Write trace.svg and trace.html again."""
        replace_text(self.folder / tracing.FIGURE, trace_figure(self.rows, names=self.found.labels), OUR_FIGURE)
        manifest = {"command": self.found.command, "versions": self.found.versions}
        shown = given.Traced(self.rows, manifest, self.points, self.found.study, self.found.labels)
        replace_page(self.folder / tracing.PAGE, trace_page(shown))

    def save(self, path: Path | str) -> Self:
        """Write a folder as `sublearn trace` does; the same trace, as it lies there."""
        out = folder_of(path, "save")
        with tracing.place(out):
            return self.put(out)

    def put(self, out: Path) -> Self:
        """Write it into a folder that is held."""
        tracing.write_trace(self.found, self.points, out)
        saved = replace(self, path=out)
        saved.write()
        return saved


@dataclass(frozen=True, repr=False)
class Alignment(Shown):
    """Alignment at the start against transfer over perturbations of the student's init, with their rank correlation."""

    found: AlignmentFile
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The alignment in a folder. Raises InputError if there is none."""
        return cls(tracing.read_alignment(Path(path)), Path(path))

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.found.made

    @property
    def title(self) -> str:
        """What was traced."""
        return f"Alignment and transfer of {plain(self.found.study)}"

    def lines(self) -> Sequence[tuple[str, str]]:
        """The correlation."""
        return [("", correlation_text(self.found))]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """Alignment and transfer at each scale."""
        return [
            {"perturb": f"{row.perturb:g}", "measure": name} | _cells(found)
            for row in self.found.rows
            for name, found in (("initial cosine", row.initial_cosine), ("transfer", row.transfer))
        ]

    def summary(self) -> str:
        """Alignment and transfer at each scale, and the correlation."""
        return alignment_table(self.found)

    def to_dict(self) -> dict[str, Any]:
        """The content of alignment.json."""
        return self.found.model_dump()

    def to_frame(self) -> "pd.DataFrame":
        """Both measures of each run at each scale."""
        import pandas as pd  # late: slow to load

        return pd.DataFrame(
            [
                {"perturb": row.perturb, "run": number, "initial_cosine": cosine, "transfer": transfer}
                for row in self.found.rows
                for number, (cosine, transfer) in enumerate(zip(row.cosines, row.transfers, strict=True))
            ],
            columns=["perturb", "run", "initial_cosine", "transfer"],
        )

    def draw(self, axes: "Axes") -> None:
        """Every run's transfer against its alignment at the start."""
        draw_runs(axes, self.found)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """Every run's transfer against its alignment, if the runs are known."""
        known = any(scale.cosines for scale in self.found.rows)
        return {"alignment": (draw_alignment(self.found), alignment_label(self.found))} if known else {}

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Page: {plain(self.folder / tracing.ALIGNMENT_PAGE)}"

    def write(self) -> None:
        """Write alignment.svg and alignment.html again."""
        if any(scale.cosines for scale in self.found.rows):
            replace_text(self.folder / tracing.ALIGNMENT_FIGURE, alignment_figure(self.found), OUR_FIGURE)
        replace_page(self.folder / tracing.ALIGNMENT_PAGE, alignment_page(self.found))

    def save(self, path: Path | str) -> Self:
        """Write a folder as `sublearn trace --perturb` does; the same alignment, as it lies there."""
        out = folder_of(path, "save")
        with tracing.place(out):
            return self.put(out)

    def put(self, out: Path) -> Self:
        """Write it into a folder that is held."""
        tracing.write_alignment(self.found, out)
        saved = replace(self, path=out)
        saved.write()
        return saved


def trace(
    study: Study | str,
    seeds: Iterable[int] = range(4),
    out: Path | str | None = None,
    *,
    steps: Sequence[int] = STEPS,
    perturb: Sequence[float] | None = None,
    **keywords: Any,
) -> Trace | Alignment:
    """Follow the students of a controlled study in weight space, at some of their steps (the last one is added).

    With `perturb`, as in [0, 0.2, 0.4], the student's init is perturbed by each scale instead, and the alignment at the
    start is held against the transfer. Further keywords are those of `run`: options and settings. With `out`, what was
    found is kept in that folder.

    Raises InputError, before any training, for a study or a seed that cannot be traced.
    """
    options, settings = Options.split(keywords)
    built, chosen = build(study, settings, "trace"), checked_seeds(seeds)
    folder = None if out is None else folder_of(out, "out")
    made = Provenance(f"sublearn.trace({built.name!r}, {list(chosen)})", store.versions())
    scales = None if perturb is None else tracing.checked_scales(perturb)
    asked = Request(built, chosen, tracing.checked_steps(steps), scales, made)
    if folder is None:
        return asked.measured(options)
    with tracing.place(folder):
        return asked.measured(options).put(folder)


@dataclass(frozen=True)
class Request:
    """What is to be traced. Raises InputError for perturbations that tell nothing."""

    study: Study
    seeds: Sequence[int]
    steps: tuple[int, ...]
    perturb: tuple[float, ...] | None
    made: Provenance

    def __post_init__(self) -> None:
        self.studies()

    def studies(self) -> list[Study]:
        """The study, or one for each perturbation."""
        return [self.study] if self.perturb is None else tracing.perturbed(self.study, self.perturb)

    def plan(self, options: Options) -> Plan:
        """The plan of it."""
        steps = self.steps if self.perturb is None else ()
        return Plan([Traced(study, self.seeds, steps=steps) for study in self.studies()], options)

    def measured(self, options: Options) -> Trace | Alignment:
        """Run it, and sum up what it gave."""
        studies, done = self.studies(), execute(self.plan(options))
        order = {seed: place for place, seed in enumerate(self.seeds)}
        points = [sorted(done.records[study.id], key=lambda point: order[point.seed]) for study in studies]
        if self.perturb is not None:
            return Alignment(tracing.aligned(self.study, studies, points, self.made))
        how = {"command": self.made.command, "versions": dict(self.made.versions)}
        rows = tracing.means(points[0], self.study.traits)
        found = TraceFile(study=self.study.id, **how, rows=rows, labels=dict(labels(self.study)))
        return Trace(found, tuple(points[0]))


def _cells(found: Estimate) -> dict[str, Any]:
    return {"mean": mean_text(found), "95% interval": interval_text(found), "n": found.n}


def _flat(row: TraceMean) -> dict[str, Any]:
    return {"arm": row.arm, "quantity": row.quantity, "layer": row.layer, "step": row.step, **vars(row.estimate)}
