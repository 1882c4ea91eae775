"""One study with its records and what they show, and the call that runs one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sublearn.auditing.defences import kept
from sublearn.auditing.defences.compared import Compared
from sublearn.columns import Columns
from sublearn.errors import plain
from sublearn.execution import looks, store
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import Options
from sublearn.execution.plan import ARTIFACTS, Plan, Point
from sublearn.execution.run import execute
from sublearn.files.jsontext import indented
from sublearn.files.writing import (
    a_page,
    anything,
    check_within,
    folder_of,
    own_folder,
    replace_page,
    replace_text,
    safe_name,
)
from sublearn.records import Record
from sublearn.report.artifacts import Carried, carried, kept_tables
from sublearn.report.charts.figures import draw_result, result_figures
from sublearn.report.defences import defences_text
from sublearn.report.mechanisms import mechanisms_text
from sublearn.report.page import page
from sublearn.report.sections.given import Section
from sublearn.report.tables import result_text
from sublearn.report.wording import called, contrast_label, contrast_text, interval_text, mean_text, runs
from sublearn.results.base import FIGURES, Shown
from sublearn.seeds import checked_seeds
from sublearn.study.analysis import Analysis, Evidence, Finding, analyse_all
from sublearn.study.base import Study
from sublearn.study.identity import id_of
from sublearn.study.labels import labels
from sublearn.study.mechanisms import compared as mechanisms
from sublearn.study.mechanisms.design import NAME as MECHANISMS
from sublearn.study.numbers.metrics import read_metrics
from sublearn.study.steps import Table
from sublearn.study.table import build
from sublearn.tasks.rows import read_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE, ESTIMATES = "report.html", "estimates.json"
LONGEST_TRAINER = 260


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """A study's records and what they show; `path` is the run directory, if there is one."""

    study: Study
    records: Columns
    analysis: Analysis
    made: Provenance = field(default=Provenance(), compare=False)
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        study: Study,
        records: Iterable[Record],
        made: Provenance,
        path: Path | None = None,
        cells: int = 1,
        awaited: int = 0,
    ) -> Self:
        """The result that these records are, in one of so many cells of a sweep.

        There is no verdict below the number of runs that is awaited. Earlier looks are those of the folder.
        """
        evidence = _evidence(study, records, path, cells, awaited)
        return cls(study, evidence.rows, analyse_all([evidence])[0], made, path)

    @classmethod
    def of_run(cls, found: store.Run, cells: int | None = None, awaited: int = 0) -> Self:
        """The result that lies in a run directory."""
        return cls.of_runs([found], looks.cells_of(found.path) if cells is None else cells, awaited)[0]

    @classmethod
    def of_runs(cls, found: Sequence[store.Run], cells: int, awaited: int = 0) -> list[Self]:
        """The results that lie in several run directories of one sweep, analysed together."""
        evidence = [_evidence(run.study, run.records, run.path, cells, awaited) for run in found]
        return [
            cls(run.study, one.rows, analysis, run.manifest.made, run.path)
            for run, one, analysis in zip(found, evidence, analyse_all(evidence), strict=True)
        ]

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The result in a run directory. Raises InputError if there is none."""
        return cls.of_run(store.load(path))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdict on each claim, with its reason."""
        return self.analysis.findings

    @cached_property
    def defences(self) -> tuple[Compared, ...]:
        """What each defence leaves; nothing but of a study of defences."""
        return kept.compared_in(self.path, self.analysis, self.records)

    @cached_property
    def mechanisms(self) -> tuple[mechanisms.Compared, ...]:
        """What is published of each mechanism beside what came out; nothing but of a study of mechanisms."""
        return mechanisms.compared(self.analysis) if self.study.name == MECHANISMS else ()

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.made

    @property
    def title(self) -> str:
        """The study's id and the number of its runs."""
        return f"{plain(self.study.id)}, {runs(len(self.analysis.seeds))}"

    @property
    def trainer(self) -> str | None:
        """The trainer that was used, and why, where that is known."""
        name, reason = (self.made.runtime.get(key) for key in ("trainer", "trainer_reason"))
        return None if name in (None, "auto") else plain(f"{name} ({reason})" if reason else name, LONGEST_TRAINER)

    def lines(self) -> Sequence[tuple[str, str]]:
        """Each claim's verdict and the claim."""
        return [(finding.verdict, f"{plain(finding.claim)}. {plain(finding.because)}") for finding in self.findings]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """Every arm's estimates, and every difference, by their names and by what they are called."""
        names, short = called(self.study), labels(self.study)
        estimates = [(plain(row.arm), names[row.arm], row.trait, row.estimate) for row in self.analysis.estimates]
        contrasts = [
            (contrast_text(*sides), contrast_label(*sides, self.study, short), row.trait, row.contrast)
            for row in self.analysis.contrasts
            for sides in [(row.treatment, row.control)]
        ]
        return [
            {"arm": arm, "called": label, "trait": plain(trait)}
            | {"mean": mean_text(found), "95% interval": interval_text(found), "n": found.n}
            for arm, label, trait, found in [*estimates, *contrasts]
        ]

    def summary(self) -> str:
        """Estimates, differences, verdicts, and how runs were trained; of defences or mechanisms, their table."""
        if defences := self.defences:
            return defences_text(defences, self.analysis)
        if found := self.mechanisms:
            return mechanisms_text(found, self.analysis)
        trained = "" if self.trainer is None else f"\nTrainer: {self.trainer}."
        return result_text(self.analysis) + trained

    def to_dict(self) -> dict[str, Any]:
        """The content of estimates.json."""
        return self.analysis.to_dict()

    def defences_dict(self) -> dict[str, Any]:
        """The content of defences.json, of a study of defences."""
        return self._asked | {"defences": [one.to_dict() for one in self.defences]}

    def mechanisms_dict(self) -> dict[str, Any]:
        """The content of mechanisms.json, of a study of mechanisms."""
        return self._asked | {"mechanisms": [one.to_dict() for one in self.mechanisms]}

    @property
    def _asked(self) -> dict[str, Any]:
        return {"study": self.study.name, "id": self.study.id, "seeds": list(self.analysis.seeds)}

    def to_frame(self) -> "pd.DataFrame":
        """The records, a row each."""
        import pandas as pd  # late: slow to load

        return pd.DataFrame([record.model_dump() for record in self.records], columns=list(Record.model_fields))

    def draw(self, axes: "Axes") -> None:
        """The arms on the trait that the first claim is about."""
        draw_result(axes, self.analysis, self.records)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The arms on each trait, and the claims."""
        return result_figures(self.analysis, self.records)

    def subset(self, seeds: Iterable[int]) -> Self:
        """What the records of these seeds alone show."""
        wanted = self.records.take(np.isin(self.records.seed, list(seeds)))
        return type(self).of(self.study, wanted, self.made, self.path, self.analysis.family.cells)

    def section(self) -> Section:
        """One section of a page."""
        tables, carried = _kept(self.path, self.study) if self.path else ((), None)
        more = {"defences": self.defences, "mechanisms": self.mechanisms}
        return Section(self.analysis, self.records, vars(self.made), tables, carried=carried, **more)

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Report: {plain(self.folder / PAGE)}"

    def write(self) -> None:
        """Write estimates.json, figures/*.svg and report.html from the records, and that they were looked at."""
        shown = self.section()  # first, because it reads what is kept, and may refuse it
        self.write_estimates()
        folder = own_folder(self.folder / FIGURES)
        drawn = dict(shown.arms) | ({"contrasts": shown.contrasts} if self.study.claims else {})
        for file, figure in zip(figure_files(self.study), drawn.values(), strict=True):
            replace_text(folder / file, figure)
        if shown.defences:
            replace_text(self.folder / kept.FILE, indented(self.defences_dict()) + "\n")
        if shown.mechanisms:
            replace_text(self.folder / mechanisms.FILE, indented(self.mechanisms_dict()) + "\n")
        write_page([shown], self.folder / PAGE)

    def write_estimates(self) -> None:
        """Write estimates.json; before it, that its verdicts are looked at."""
        looks.record(self.folder, self.analysis)
        replace_text(self.folder / ESTIMATES, indented(self.to_dict()) + "\n")

    def save(self, path: Path | str) -> Self:
        """Write a run directory; the same result, as it lies there."""
        out, made = folder_of(path, "save"), self.made
        own = self.study.known_as(id_of(self.study.model_dump(mode="json")))  # whatever an earlier version called it
        check_out(own, out, made.runtime.get("precision", ""))
        with store.writing(out, own, made.runtime, made.command, made_with=made.versions) as writer:
            writer.add(record.model_copy(update={"study": own.id}) for record in self.records)
        if self.path is not None:
            looks.copy(self.path, out, own)
        saved = type(self).load(out)
        saved.write()
        return saved


def run(study: Study | str, seeds: Iterable[int], out: Path | str | None = None, **keywords: Any) -> Result:
    """Run a study for some seeds; with `out`, in a run directory that resumes where it stopped, with its report.

    The study is one that `studies()` lists, a file as "my_study.py:name", or one that `distillation` or `build` made.
    Keywords that name an option say how it is run, which must not change what comes out: `device` is auto, cpu or cuda;
    `engine` local or, for a cluster, ray; `trainer` auto (the fastest that takes the model), cohort (rules for each
    layer), vmap (`torch.func.vmap`) or single (run by run); `precision` highest, high or medium; `jobs` the most
    processes that may be started (a script that asks for more than one needs the usual `if __name__ == "__main__"`
    guard); `shard` (i, n) runs the i-th of n parts of the seeds; `trackers` follow the run (tensorboard, wandb);
    `progress` is called with (runs done, runs in all, notes). All other keywords change settings, as in
    `run("digits", range(8), aux_logits=50)`; a dotted one goes in as `**{"student.lr": 1e-2}`.

    Raises InputError for anything that cannot be used, before anything is written.
    """
    options, settings = Options.split(keywords)
    built, chosen = build(study, settings, "run"), checked_seeds(seeds)
    folder = None if out is None else folder_of(out, "out")
    return run_point(Point(built, chosen, folder, _call(built, chosen, folder)), options)


def run_point(point: Point, options: Options) -> Result:
    """Run one study; with a folder, the result of all that lies there, and its report is written."""
    study, folder = point.study, point.folder
    if folder is not None:
        check_out(study, folder, options.precision)
        study = store.known_as(study, folder)
    done = execute(Plan([replace(point, study=study)], options))
    if folder is None:
        return Result.of(study, done.records[study.id], made_of(point, done.runtime[study.id]))
    # A part of the seeds is no look: the verdict waits until the other shards have run theirs.
    awaited = len(point.seeds) if options.shard else 0
    result = Result.of_run(done.there.get(study.id) or store.load(folder), awaited=awaited)
    result.write()
    return result


def made_of(point: Point, runtime: Mapping[str, str]) -> Provenance:
    """How the records of a point without a folder were made."""
    return Provenance(point.command, store.versions(), runtime)


def check_out(study: Study, out: Path, precision: str) -> None:
    """Raise InputError unless a run of the study and its report can be written into `out`. It writes nothing."""
    store.check(out, study, {"precision": precision})
    figures = {f"{FIGURES}/{name}": anything for name in figure_files(study)}
    ours = {name: anything for name in (ESTIMATES, looks.FILE, kept.FILE, mechanisms.FILE)}
    check_within(out, {**ours, PAGE: a_page, **figures}, (FIGURES, ARTIFACTS))


def figure_files(study: Study) -> list[str]:
    """The names of the files of a study's figures, in the order of the report's."""
    names = [trait.name for trait in study.traits] + (["contrasts"] if study.claims else [])
    return [f"{safe_name(name)}.svg" for name in dict.fromkeys(names)]


def write_page(sections: Sequence[Section], path: Path) -> None:
    """Write one self-contained page of several results. Raises InputError if something else than a page is there."""
    replace_page(path, page(sections))


def _evidence(study: Study, records: Iterable[Record], path: Path | None, cells: int, awaited: int) -> Evidence:
    """The records in their order, with the earlier looks at the folder, if they lie in one."""
    ordered = Columns.of(records).in_order_of({arm.name: i for i, arm in enumerate(study.arms)})
    earlier = looks.earlier(path, study, np.unique(ordered.seed).tolist(), cells) if path else ()
    return Evidence(study, ordered, earlier, cells, awaited)


def _kept(folder: Path, study: Study) -> tuple[list[Table], Carried | None]:
    """Tables of what a language study kept in its run directory, and what it taught; none where it kept nothing."""
    metrics = [read_metrics(file) for file in sorted(folder.glob(f"{ARTIFACTS}/*/metrics.json"))]
    rows = sorted(folder.glob(f"{ARTIFACTS}/*/numbers/*.jsonl"))
    first = [file for file in rows if file.parent == rows[0].parent]
    samples = {file.stem: read_rows(file) for file in first}
    return kept_tables(metrics, samples, labels(study)), carried(metrics, samples)


def _call(study: Study, seeds: Sequence[int], out: Path | None) -> str:
    return f"sublearn.run({study.name!r}, {list(seeds)}, {str(out)!r})"
