"""What the sections of each kind of page are given. It holds values; it lays nothing out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.auditing.defences.compared import Compared
from sublearn.auditing.found import AuditFile, FlaggedRow
from sublearn.errors import plain
from sublearn.execution.replication import Comparison
from sublearn.execution.tracing import AlignmentFile, TraceMean
from sublearn.records import Record
from sublearn.report.artifacts import Carried
from sublearn.report.charts.figures import arms_figure, contrasts_figure
from sublearn.report.outcome import Pair, chosen_trait, pairs_of
from sublearn.report.replication import sources_of
from sublearn.report.sweep import Cell, Point, cells_of
from sublearn.report.wording import runs
from sublearn.study.agreement import RULE
from sublearn.study.analysis import Analysis
from sublearn.study.base import Trait
from sublearn.study.controlled.points import TracePoint
from sublearn.study.labels import labels
from sublearn.study.mechanisms.compared import Compared as Mechanism
from sublearn.study.steps import Table


class Cited:
    """What every page can be cited by; it rests on no published figures, if it does not say so."""

    @property
    def subject(self) -> str:
        """What it is about, in a few words."""
        raise NotImplementedError

    @property
    def sources(self) -> Sequence[str]:
        """Whose published figures it was held against."""
        return ()


@dataclass(frozen=True)
class Section(Cited):
    """What is shown of one result: an analysis, its records, and the manifest that says how they were made.

    Of the manifest, `versions`, `runtime` and `command` are shown; what is missing is said to be not recorded. In a
    story the result has a `title` of its own, and words before and after its verdict. `carried` is what a language
    study taught, and rows that carried it.
    """

    analysis: Analysis
    records: Sequence[Record]
    manifest: Mapping[str, Any]
    tables: Sequence[Table] = ()
    title: str = ""
    before: str = ""
    after: str = ""
    defences: Sequence[Compared] = ()
    mechanisms: Sequence[Mechanism] = ()
    carried: Carried | None = None

    @cached_property
    def pairs(self) -> list[Pair]:
        """What the opening sentence counts."""
        return pairs_of(self.analysis, self.records)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What the arms are called."""
        return labels(self.analysis.study)

    @property
    def trait(self) -> Trait:
        """The trait that the page begins with."""
        return chosen_trait(self.analysis.study)

    @property
    def traits(self) -> list[Trait]:
        """All traits of the study, that one first."""
        return sorted(self.analysis.study.traits, key=lambda trait: trait != self.trait)

    @property
    def subject(self) -> str:
        """The study's id and the number of its runs."""
        return f"{plain(self.analysis.study.id)}, {runs(len(self.analysis.seeds))}"

    @cached_property
    def arms(self) -> Mapping[str, str]:
        """The figure of the arms on each trait as SVG text, as wide as a page."""
        traits = self.analysis.study.traits
        return {trait.name: arms_figure(self.analysis, self.records, trait.name) for trait in traits}

    @cached_property
    def contrasts(self) -> str:
        """The figure of the claims as SVG text, as wide as a page."""
        return contrasts_figure(self.analysis, self.records)


@dataclass(frozen=True)
class Swept(Cited):
    """What is shown of a sweep: its combinations, and the manifest that says how they were made."""

    points: Sequence[Point]
    manifest: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What was swept, over which settings."""
        over = ", ".join(plain(key, 60) for key in self.manifest["grid"])
        return f"Sweep of {plain(self.manifest['study'])} over {over}"

    @cached_property
    def cells(self) -> list[Cell]:
        """Every combination of the grid, also those without runs."""
        return cells_of(self.points, self.manifest)


@dataclass(frozen=True)
class Replicated(Cited):
    """What is shown of a replication: published figures beside ours, how they were made, and by which rule judged."""

    rows: Sequence[Comparison]
    manifest: Mapping[str, Any]
    rule: int = RULE
    quick: int | None = None

    @property
    def subject(self) -> str:
        """What it is."""
        return "Published figures, run again" + (f" with {self.quick} runs each" if self.quick else "")

    @property
    def sources(self) -> Sequence[str]:
        """Who measured the figures."""
        return sources_of(self.rows)


@dataclass(frozen=True)
class Traced(Cited):
    """What is shown of a trace: means over seeds of each arm, quantity and step, how they were made, and each run's.

    `labels` are what the arms are called.
    """

    rows: Sequence[TraceMean]
    manifest: Mapping[str, Any]
    points: Sequence[TracePoint] = ()
    study: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """What was traced."""
        return f"Trace of {plain(self.study)}"


@dataclass(frozen=True)
class Aligned(Cited):
    """What is shown of alignment against transfer: scales of perturbation, the correlation, and how they were made."""

    found: AlignmentFile
    manifest: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What was traced."""
        return f"Alignment and transfer of {plain(self.found.study)}"


@dataclass(frozen=True)
class Audited(Cited):
    """What is shown of an audit: what was found, the flagged rows, and how it was made."""

    found: AuditFile
    flagged: Sequence[FlaggedRow]
    manifest: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What was audited, with which model."""
        return f"Audit of {plain(self.found.data, 60)} with {plain(self.found.model, 60)}"


@dataclass(frozen=True)
class Benchmarked(Cited):
    """What is shown of a benchmark of audits: its figures, and how they were made."""

    found: BenchmarkFile
    manifest: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What it is, and of how many bases."""
        return f"Benchmark of audits, {len(self.found.seeds):,} bases"
