"""The benchmark of audits as a value: each set of each base, and the figures that follow; and what measures it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn.auditing.benchmark import found, metrics, run
from sublearn.auditing.benchmark.found import BenchmarkFile, Measured
from sublearn.auditing.benchmark.settings import Settings
from sublearn.errors import InputError, plain
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import OnStage, Progress
from sublearn.files.reading import typed
from sublearn.files.writing import folder_of, own_folder, replace_page, replace_text
from sublearn.report.benchmark import HEADS, bases_sentence, benchmark_text, figure_cells, goals_sentence
from sublearn.report.charts.benchmark import benchmark_label, draw_benchmark, draw_benchmark_on, drawn
from sublearn.report.page import benchmark_page
from sublearn.results.base import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Benchmark(Shown):
    """What audits found of sets whose writers are known, over bases."""

    found: BenchmarkFile
    sets: tuple[Measured, ...] = ()
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The benchmark in a folder, with every set that is there. Raises InputError if there is none."""
        told, sets = found.read(Path(path)), tuple(found.every(Path(path)))
        # Those of the file may lack the last sets, or be of another version's intervals.
        if sets or told.sets:
            settings = typed(Settings, told.settings, f"The settings in {plain(Path(path) / found.MANIFEST)}")
            told = found.summed(settings, sets, metrics.figures(sets, settings), told.made)
        return cls(told, sets, Path(path))

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.found.made

    @property
    def title(self) -> str:
        """What it is, and of how many bases."""
        return f"Benchmark of audits, {len(self.found.seeds):,} bases"

    def lines(self) -> Sequence[tuple[str, str]]:
        """How many goals are reached, and on what."""
        return [("", goals_sentence(self.found)), ("", bases_sentence(self.found))]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """The figures."""
        return [dict(zip(HEADS, figure_cells(one), strict=True)) for one in self.found.figures]

    def summary(self) -> str:
        """What is printed of it."""
        return benchmark_text(self.found)

    def to_dict(self) -> dict[str, Any]:
        """The content of benchmark.json."""
        return self.found.model_dump(mode="json")

    def to_frame(self) -> "pd.DataFrame":
        """What was found, a row a set of a base."""
        import pandas as pd  # late: slow to load

        return pd.DataFrame([one.model_dump() for one in self.sets])

    def draw(self, axes: "Axes") -> None:
        """The figures that have an interval, beside their goals."""
        draw_benchmark_on(axes, self.found)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The same."""
        return {"benchmark": (draw_benchmark(self.found), benchmark_label(self.found))} if drawn(self.found) else {}

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Page: {plain(self.folder / found.PAGE)}"

    def write(self) -> None:
        """Write benchmark.json and benchmark.html again."""
        found.write(self.found, self.folder)
        replace_page(self.folder / found.PAGE, benchmark_page(self.found))

    def save(self, path: Path | str) -> Self:
        """Write a folder as `sublearn audit --benchmark` does; the same benchmark, as it lies there."""
        out = folder_of(path, "save")
        with found.place(out):
            if found.seeds_in(out):
                raise InputError(f"{plain(out)} has bases of a benchmark already. Save it somewhere else.")
            own_folder(out / found.BASES)
            for seed in self.found.seeds:
                own = [one for one in self.sets if one.seed == seed]
                replace_text(found.file_of(out, seed), "".join(map(found.line, own)))
            return self.put(out)

    def put(self, out: Path) -> Self:
        """Write benchmark.json and the page into a folder that is held and has its bases."""
        saved = replace(self, path=out)
        saved.write()
        return saved


def measured(
    out: Path,
    seeds: Sequence[int],
    settings: Settings,
    made: Provenance,
    jobs: int = 1,
    progress: Progress = lambda done, total, notes: None,
    on_stage: OnStage = lambda stage: None,
) -> Benchmark:
    """What the benchmark finds on these bases and those that the folder has already, of which nothing is run again.

    Raises InputError, before anything is written, for a folder that holds something else.
    """
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            raise InputError(f"The benchmark needs the package {name}. Install it with: pip install 'sublearn[llm]'.")
    found.check(out, settings)
    with found.place(out):
        _put(out, settings, made)
        run.run(out, seeds, settings, jobs, progress, on_stage)
        return _put(out, settings, made)


def _put(out: Path, settings: Settings, made: Provenance) -> Benchmark:
    """Write benchmark.json and the page of what the folder holds."""
    sets = found.every(out)
    return Benchmark(found.summed(settings, sets, metrics.figures(sets, settings), made), tuple(sets)).put(out)
