"""The field's published figures beside ours, and the call that runs what they need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn.errors import plain
from sublearn.execution import replication, store
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import Options
from sublearn.execution.plan import Point
from sublearn.execution.replication import PAGE, TEXT, Comparison, ReplicationRow, Span, a_text
from sublearn.execution.run import execute
from sublearn.files.writing import folder_of, replace_page, replace_text
from sublearn.report.charts.forest import draw_forest, draw_forest_on, forest_label
from sublearn.report.page import replication_page
from sublearn.report.replication import markdown, sources_of, summary
from sublearn.results.base import Shown
from sublearn.study.agreement import RULE
from sublearn.study.published import QUICK_RUNS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Replication(Shown):
    """Published figures beside ours; `quick` is the number of runs a figure if it was only a first look.

    `rule` is the rule of its verdicts: an earlier version had another.
    """

    findings: tuple[Comparison, ...]
    quick: int | None = None
    made: Provenance = field(default=Provenance(), compare=False)
    path: Path | None = field(default=None, compare=False)
    rule: int = RULE

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The replication in a folder. Raises InputError if there is none."""
        rows, how = replication.read(Path(path))
        runtime = {"precision": how.precision} if how.runtime is None else how.runtime
        return cls(rows, how.quick, Provenance(how.command, how.versions, runtime), Path(path), how.rule)

    @property
    def file(self) -> replication.Provenance:
        """How it was made, as its file and its pages say it."""
        precision = self.made.runtime.get("precision", "")
        return replication.Provenance(
            self.made.command, precision, self.made.versions, self.quick, self.rule, self.made.runtime
        )

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.made

    @property
    def title(self) -> str:
        """What it is."""
        return "Published figures, run again" + (f" with {self.quick} runs each" if self.quick else "")

    def lines(self) -> Sequence[tuple[str, str]]:
        """How many figures agree, differ and cannot be told."""
        return [("", summary(self.findings, self.rule))]

    def sources(self) -> Sequence[str]:
        """Who measured the figures."""
        return sources_of(self.findings)

    def table(self) -> Sequence[Mapping[str, Any]]:
        """Each figure: theirs, ours and the verdict."""
        return [
            {"figure": plain(row.name), "published": plain(row.theirs), "ours": plain(row.ours), "verdict": row.verdict}
            for row in self.findings
        ]

    def summary(self) -> str:
        """How many figures agree, differ and cannot be told."""
        return summary(self.findings, self.rule)

    def to_dict(self) -> dict[str, Any]:
        """The content of replication.json."""
        return {"made": asdict(self.file), "figures": [asdict(row) for row in self.findings]}

    def to_frame(self) -> "pd.DataFrame":
        """The comparisons, a row each measured number: a trend has several."""
        import pandas as pd  # late: slow to load

        words = ("name", "what", "source", "theirs", "verdict", "because", "command")
        return pd.DataFrame(
            [
                {key: getattr(row, key) for key in words}
                | {"published": row.published.mean if row.published else None, **_numbers(span)}
                for row in self.findings
                for span in row.measured or (None,)
            ]
        )

    def draw(self, axes: "Axes") -> None:
        """Each published figure beside ours."""
        draw_forest_on(axes, self.findings)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """Each published figure beside ours, where they are numbers."""
        known = any(row.measured for row in self.findings)
        return {"replication": (draw_forest(self.findings), forest_label(self.findings))} if known else {}

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Page: {plain(self.folder / PAGE)}"

    def write(self) -> None:
        """Write replication.html and replication.md again."""
        replace_page(self.folder / PAGE, replication_page(self.findings, self.file))
        replace_text(self.folder / TEXT, markdown(self.findings, self.file), a_text)

    def save(self, path: Path | str) -> Self:
        """Write replication.json and the pages into a folder; the same replication, as it lies there."""
        out = folder_of(path, "save")
        with replication.place(out):
            return self.put(out)

    def put(self, out: Path) -> Self:
        """Write it into a folder that is held."""
        replication.write(self.findings, self.file, out)
        saved = replace(self, path=out)
        saved.write()
        return saved


def replicate(
    rows: Sequence[ReplicationRow],
    out: Path,
    options: Options,
    announce: Callable[[Comparison], object] = lambda _: None,
    command: str = "",
    quick: bool = False,
) -> Replication:
    """Run what the figures need, all through one engine, and compare each as soon as its studies are done.

    Each study has its own run directory below `out` that resumes where it stopped. A study that fails ends no other.
    """
    with replication.place(out):
        board = _Board(rows, options.precision, announce)
        done = execute(replication.plan(rows, out, options), board.ended)
        board.fail({name: failure.reason for name, failure in done.failed.items()})
        made = Provenance(command, store.versions(), {"precision": options.precision})
        found = tuple(board.found[row.name] for row in rows)
        return Replication(found, QUICK_RUNS if quick else None, made).put(out)


class _Board:
    """The figures that are to be compared, and those that were."""

    def __init__(
        self, rows: Sequence[ReplicationRow], precision: str, announce: Callable[[Comparison], object]
    ) -> None:
        self.rows, self.precision, self.announce = rows, precision, announce
        self.needs = {row.name: replication.needs(row) for row in rows}
        self.records: dict[str, Any] = {}
        self.found: dict[str, Comparison] = {}

    def ended(self, point: Point) -> None:
        """Compare what can be compared with this study's records."""
        if point.folder is not None:
            self.records[point.folder.name] = store.load(point.folder).records
        self._compare()

    def fail(self, failed: Mapping[str, str]) -> None:
        """Compare the rest: figures of studies that failed, and why."""
        for names in self.needs.values():
            for name in names:
                self.records.setdefault(name, failed.get(name, "it gave no records"))
        self._compare()

    def _compare(self) -> None:
        for row in self.rows:
            if row.name not in self.found and all(name in self.records for name in self.needs[row.name]):
                self.found[row.name] = replication.compared(row, self.records, self.precision)
                self.announce(self.found[row.name])


def _numbers(span: Span | None) -> dict[str, Any]:
    """A measured number with its interval, and at which value of a trend's setting."""
    names = {"label": "at", "mean": "mean", "low": "low", "high": "high"}
    return {name: getattr(span, own, None) for own, name in names.items()}
