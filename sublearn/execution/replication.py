"""Holds this program against the field's published figures: what has to be run, and a verdict on each figure.

It plans and compares, and knows what replication.json holds; it draws no page. Needs no torch.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from sublearn import stats
from sublearn.columns import Columns
from sublearn.errors import unknown
from sublearn.execution.options import Options
from sublearn.execution.plan import Plan, Point
from sublearn.execution.store import known_as
from sublearn.files.folders import check_made, made_by
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import Replaces, a_page, beginning, replace_text
from sublearn.records import Number
from sublearn.study.agreement import Verdict, compare, compare_trend, theirs_half, within
from sublearn.study.published import QUICK, QUICK_RUNS, TABLES, Published, Search, Trend
from sublearn.study.table import build

MANIFEST, PAGE, TEXT = "replication.json", "replication.html", "replication.md"
ReplicationRow = Published | Trend | Search


@dataclass(frozen=True)
class Span:
    """A mean with the ends of its 95% interval, if it has one; `label` is the setting of one of several, or empty."""

    label: str
    mean: Number
    low: Number | None = None
    high: Number | None = None


@dataclass(frozen=True)
class Reading:
    """What settings gave that were tried in search of a figure, and how it stands to the figure."""

    label: str
    ours: str
    verdict: Verdict
    because: str
    late: bool = False


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours, as text and verdict, with the command that runs it.

    `published` and `measured` are the same as numbers; a trend and a search have several measured ones. `unstated` is
    what the source does not state, `otherwise` what is known to be another thing here. Version 0.1 kept none of these.
    """

    name: str
    what: str
    source: str
    theirs: str
    ours: str
    verdict: Verdict
    because: str
    command: str
    published: Span | None = None
    measured: tuple[Span, ...] = ()
    unstated: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """How a replication was made; `quick` is the number of runs a figure if it was only a first look.

    `rule` is the rule of its verdicts. Version 0.1 wrote neither that nor `runtime`.
    """

    command: str
    precision: str
    versions: Mapping[str, str]
    quick: int | None = None
    rule: int = 1
    runtime: Mapping[str, str] | None = None


class Part(NamedTuple):
    """One study of a figure: its settings, how many runs, and what it is called among several."""

    settings: Mapping[str, Any]
    runs: int
    label: str = ""


Found = Mapping[str, Columns | str]
"""Of each study, by its id, its records, or why it has none."""


def chosen(names: Sequence[str], quick: bool) -> list[ReplicationRow]:
    """The figures of the named tables or of these names; all if none is named. Raises InputError for other names."""
    every = {row.name: row for table in TABLES.values() for row in table}
    wanted: list[ReplicationRow] = []
    for name in names or TABLES:
        if name in TABLES:
            wanted += TABLES[name]
        elif name in every:
            wanted.append(every[name])
        else:
            raise unknown("published figure or table", name, [*TABLES, *every])
    wanted = list({row.name: row for row in wanted}.values())
    return [_fewer(row) for row in wanted if row.name in QUICK] if quick else wanted


def plan(rows: Iterable[ReplicationRow], out: Path, options: Options) -> Plan:
    """Every study that the figures need, once, in a run directory below `out` that bears its id."""
    needed: dict[str, Point] = {}
    for row in rows:
        for settings, own, _ in parts(row):
            study = build(row.study, settings)
            runs = max(own, len(needed[study.id].seeds) if study.id in needed else 0)
            command, folder = command_of(row.study, settings, runs, options.precision), out / study.id
            needed[study.id] = Point(known_as(study, folder), range(runs), folder, command)
    return Plan(list(needed.values()), options, tolerant=True)


def parts(row: ReplicationRow) -> list[Part]:
    """What is run for a figure, in the order of its settings."""
    if isinstance(row, Trend):
        return [Part(row.settings | {row.key: value}, row.runs, f"{row.key} = {value:g}") for value in row.values]
    if isinstance(row, Search):
        return [Part(row.settings | one.settings, one.runs, one.label) for one in row.tried]
    return [Part(row.settings, row.runs)]


def needs(row: ReplicationRow) -> list[str]:
    """The ids of the studies that a figure is about, in the order of its settings."""
    return [build(row.study, part.settings).id for part in parts(row)]


def compared(row: ReplicationRow, found: Found, precision: str) -> Comparison:
    """The figure beside ours, from the records of its studies."""
    records = [found[name] for name in needs(row)]
    failures = [one for one in records if isinstance(one, str)]
    if failures:
        return _comparison(row, precision, ("not measured", "cannot tell", f"a study failed: {failures[0]}"))
    own = parts(row)
    columns = [_values(one, row, part.runs) for one, part in zip(records, own, strict=True) if not isinstance(one, str)]
    spans = tuple(_spans(zip((part.label for part in own), columns, strict=True)))
    if isinstance(row, Search):
        readings = _readings(row, columns)
        said = f"{len(readings)} settings, each below", "undetermined", _sought(row, readings)
        return _comparison(row, precision, said, spans, readings)
    if isinstance(row, Trend):
        ours = "; ".join(f"{value:g}: {_shown(column)}" for value, column in zip(row.values, columns, strict=True))
        return _comparison(row, precision, (ours, *compare_trend(row, columns)), spans)
    return _comparison(row, precision, (_shown(columns[0]), *compare(row, columns[0])), spans)


def _comparison(
    row: ReplicationRow,
    precision: str,
    said: tuple[str, Verdict, str],
    spans: tuple[Span, ...] = (),
    readings: tuple[Reading, ...] = (),
) -> Comparison:
    """The figure as text, with what came out: ours, the verdict and the reason."""
    ours, verdict, because = said
    return Comparison(
        name=row.name,
        what=row.what,
        source=row.source.said(row.n),
        theirs=_theirs(row),
        ours=ours,
        verdict=verdict,
        because=because,
        command=_command(row, precision),
        published=_published(row),
        measured=spans,
        unstated=row.unstated,
        otherwise=row.otherwise,
        readings=readings,
    )


def _published(row: ReplicationRow) -> Span | None:
    """Their figure, with its 95% interval where they published a spread and the number of runs."""
    if isinstance(row, Trend):
        return None
    half = theirs_half(row)
    return Span("", row.value) if half is None else Span("", row.value, *within(row, half))


def _spans(columns: Iterable[tuple[str, Sequence[float]]]) -> Iterator[Span]:
    for label, column in columns:
        one = stats.estimate(column, bounds=stats.SHARE)
        if one.mean is not None:
            yield Span(label, one.mean, one.low, one.high)


def _readings(row: Search, columns: Sequence[Sequence[float]]) -> tuple[Reading, ...]:
    """What each of the settings that were tried gave, by the rule of all figures."""
    return tuple(
        Reading(one.label, _shown(column), *compare(row, column), one.late)
        for one, column in zip(row.tried, columns, strict=True)
    )


def _sought(row: Search, readings: Sequence[Reading]) -> str:
    """Why a search determines nothing, and how many settings could have given the figure."""
    fitting = sum(one.verdict == "agrees" for one in readings)
    unstated = ", ".join(row.unstated)
    return f"not stated: {unstated}; {fitting} of {len(readings)} settings that were tried agree with it"


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a replication while it is made. Raises InputError for a folder that holds something else."""
    return made_by("sublearn replicate", out, *_ours())


def check_out(out: Path) -> None:
    """Raise InputError as `place` does. It writes nothing."""
    check_made("sublearn replicate", out, *_ours())


def _ours() -> tuple[dict[str, Replaces], dict[str, Replaces]]:
    """The manifest and the pages that may be replaced."""
    return {MANIFEST: beginning(b'{\n  "made": ')}, {PAGE: a_page, TEXT: a_text}


def write(rows: Sequence[Comparison], made: Provenance, out: Path) -> None:
    """Write replication.json into `out`."""
    content = {"made": asdict(made), "figures": [asdict(row) for row in rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")


def read(out: Path) -> tuple[tuple[Comparison, ...], Provenance]:
    """What `write` wrote. Raises InputError for anything else."""
    path = out / MANIFEST
    found = typed(_Written, json_file(path, "the replication"), str(path))
    return found.figures, found.made


class _Written(BaseModel, extra="forbid"):
    """The content of replication.json."""

    made: Provenance
    figures: tuple[Comparison, ...]


def a_text(head: bytes) -> bool:
    """Whether a file is empty or a replication in Markdown."""
    return not head or b"| figure | theirs | ours, 95% interval | verdict | because |" in head


def _values(records: Columns, row: ReplicationRow, runs: int) -> list[float]:
    column = records.measured.get((row.arm, row.trait))
    return [] if column is None else column.values[column.seeds < runs].tolist()


def _shown(values: Sequence[float]) -> str:
    """A share of several runs with its interval, or without one where there is none."""
    found = stats.estimate(values, bounds=stats.SHARE)
    runs = f"({found.n} run{'' if found.n == 1 else 's'})"
    if found.mean is None:
        return "not measured"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f} {runs}"
    return f"{found.mean:.3f}, {found.low:.3f} to {found.high:.3f} {runs}"


def _theirs(row: ReplicationRow) -> str:
    runs = "runs unknown" if row.n is None else f"{row.n} run{'' if row.n == 1 else 's'}"
    if isinstance(row, Trend):
        return f"{'falls' if row.direction == 'falls' else 'no effect'} ({runs})"
    value = f"{row.value:.{row.digits}f}"
    if row.half is not None:
        return f"{value} ± {row.half:g} ({runs})"
    return f"{value}, sd {row.sd:g} ({runs})" if row.sd is not None else f"{value}, spread unknown ({runs})"


def _command(row: ReplicationRow, precision: str) -> str:
    if isinstance(row, Search):
        return f"sublearn replicate {row.name} --precision {precision}"
    changed = {row.key: "VALUE"} if isinstance(row, Trend) else {}
    return command_of(row.study, row.settings | changed, row.runs, precision)


def command_of(study: str, settings: Mapping[str, Any], runs: int, precision: str) -> str:
    """The command that runs a study for so many seeds."""
    changes = "".join(f" --set {key}={_plain(value)}" for key, value in settings.items())
    return f"sublearn run {study} --seeds 0:{runs}{changes} --precision {precision}"


def _plain(value: Any) -> str:
    return f"[{','.join(value)}]" if isinstance(value, list) else str(value)


def _fewer(row: ReplicationRow) -> ReplicationRow:
    """A row of the quick set, none of which is a search, with few runs."""
    return row.model_copy(update={"runs": QUICK_RUNS})
