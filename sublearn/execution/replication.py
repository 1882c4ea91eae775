"""Holds this program against the field's published figures: what has to be run, and a verdict on each figure.

It plans and compares, and knows what replication.json holds; it draws no page. Needs no torch.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
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
from sublearn.study.published import QUICK, QUICK_RUNS, TABLES, Published, Trend
from sublearn.study.table import build

MANIFEST, PAGE, TEXT = "replication.json", "replication.html", "replication.md"
ASSUMED_RUNS = 25
TELLING = 0.10
"""A joint interval wider than this either way cannot tell agreement from difference."""

SMALL = 0.05
"""A change of a trait that is not zero and yet no larger than this still agrees with a published "no effect"."""
Row = Published | Trend
Verdict = Literal["agrees", "differs", "cannot tell"]


@dataclass(frozen=True)
class Span:
    """A mean with the ends of its 95% interval, if it has one; `label` is a trend's setting, or empty."""

    label: str
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours, as text and verdict, with the command that runs it.

    `published` and `measured` are the same as numbers; a trend has several measured ones. Version 0.1 kept none.
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


@dataclass(frozen=True)
class Made:
    """How a replication was made; `quick` is the number of runs a figure if it was only a first look."""

    command: str
    precision: str
    versions: Mapping[str, str]
    quick: int | None = None


Found = Mapping[str, Columns | str]
"""Of each study, by its id, its records, or why it has none."""


def chosen(names: Sequence[str], quick: bool) -> list[Row]:
    """The figures of the named tables or of these names; all if none is named. Raises InputError for other names."""
    every = {row.name: row for table in TABLES.values() for row in table}
    wanted: list[Row] = []
    for name in names or TABLES:
        if name in TABLES:
            wanted += TABLES[name]
        elif name in every:
            wanted.append(every[name])
        else:
            raise unknown("published figure or table", name, [*TABLES, *every])
    wanted = list({row.name: row for row in wanted}.values())
    return [_fewer(row) for row in wanted if row.name in QUICK] if quick else wanted


def plan(rows: Iterable[Row], out: Path, options: Options) -> Plan:
    """Every study that the figures need, once, in a run directory below `out` that bears its id."""
    needed: dict[str, Point] = {}
    for row in rows:
        for settings in settings_of(row):
            study = build(row.study, settings)
            runs = max(row.runs, len(needed[study.id].seeds) if study.id in needed else 0)
            command, folder = command_of(row.study, settings, runs, options.precision), out / study.id
            needed[study.id] = Point(known_as(study, folder), range(runs), folder, command)
    return Plan(list(needed.values()), options, tolerant=True)


def settings_of(row: Row) -> list[dict[str, Any]]:
    """The settings of each study that a figure is about."""
    changes = [{}] if isinstance(row, Published) else [{row.key: value} for value in row.values]
    return [row.settings | change for change in changes]


def needs(row: Row) -> list[str]:
    """The ids of the studies that a figure is about, in the order of its settings."""
    return [build(row.study, settings).id for settings in settings_of(row)]


def compared(row: Row, found: Found, precision: str) -> Comparison:
    """The figure beside ours, from the records of its studies."""
    parts = [found[name] for name in needs(row)]
    columns = [_values(part, row) for part in parts if not isinstance(part, str)]
    failures = [part for part in parts if isinstance(part, str)]
    labels = [""] if isinstance(row, Published) else [f"{row.key} = {value:g}" for value in row.values]
    if failures:
        ours, verdict, because = "not measured", "cannot tell", f"a study failed: {failures[0]}"
    elif isinstance(row, Published):
        verdict, because = compare(row, columns[0])
        ours = _shown(columns[0])
    else:
        verdict, because = compare_trend(row, columns)
        ours = ", ".join(f"{value:g}: {_shown(column)}" for value, column in zip(row.values, columns, strict=True))
    said = _theirs(row), ours, verdict, because, _command(row, precision)
    spans = () if failures else _spans(zip(labels, columns, strict=True))
    return Comparison(row.name, row.what, row.source, *said, _published(row), spans)


def _published(row: Row) -> Span | None:
    """Their figure with its 95% interval, where they published one or a spread that gives one."""
    if isinstance(row, Trend):
        return None if row.value is None else Span("", row.value)
    half = row.half if row.half is not None or row.sd is None else stats.half_width(row.sd, row.n or ASSUMED_RUNS)
    return Span("", row.value) if half is None else Span("", row.value, row.value - half, row.value + half)


def _spans(columns: Iterable[tuple[str, Sequence[float]]]) -> tuple[Span, ...]:
    found = ((label, stats.estimate(column)) for label, column in columns)
    return tuple(Span(label, one.mean, one.low, one.high) for label, one in found if one.mean is not None)


def compare(row: Published, values: Sequence[float]) -> tuple[Verdict, str]:
    """The verdict on a figure, from our values of it: agreement within the joint 95% interval."""
    return _agreement(values, row.value, row.digits, row.half, row.sd, row.n)


def compare_trend(row: Trend, columns: list[list[float]]) -> tuple[Verdict, str]:
    """The verdict on a trend, from our values of it at each value of its setting, in their order and paired by seed."""
    if row.direction == "reaches":
        best = max(columns, key=lambda column: float(np.mean(column)))
        return _agreement(best, row.value or 0.0)
    change = stats.contrast(columns[-1], columns[0])
    if change.mean is None or change.low is None or change.high is None:
        return "cannot tell", "one run has no interval"
    said = f"last minus first {change.mean:+.3f}, 95% interval {change.low:+.3f} to {change.high:+.3f}, {change.n} runs"
    if row.direction == "falls":
        return ("agrees" if change.high < 0 else "differs" if change.low > 0 else "cannot tell"), said
    if change.low > 0 or change.high < 0:
        large = abs(change.mean) > SMALL
        return ("differs" if large else "agrees"), said + ("" if large else f"; not zero, but within {SMALL:g}")
    return ("agrees" if max(-change.low, change.high) <= TELLING else "cannot tell"), said


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a replication while it is made. Raises InputError for a folder that holds something else."""
    return made_by("sublearn replicate", out, *_ours())


def check_out(out: Path) -> None:
    """Raise InputError as `place` does. It writes nothing."""
    check_made("sublearn replicate", out, *_ours())


def _ours() -> tuple[dict[str, Replaces], dict[str, Replaces]]:
    """The manifest and the pages that may be replaced."""
    return {MANIFEST: beginning(b'{\n  "made": ')}, {PAGE: a_page, TEXT: a_text}


def write(rows: Sequence[Comparison], made: Made, out: Path) -> None:
    """Write replication.json into `out`."""
    content = {"made": asdict(made), "figures": [asdict(row) for row in rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")


def read(out: Path) -> tuple[tuple[Comparison, ...], Made]:
    """What `write` wrote. Raises InputError for anything else."""
    path = out / MANIFEST
    found = typed(_Written, json_file(path, "the replication"), str(path))
    return found.figures, found.made


class _Written(BaseModel, extra="forbid"):
    """The content of replication.json."""

    made: Made
    figures: tuple[Comparison, ...]


def a_text(head: bytes) -> bool:
    """Whether a file is empty or a replication in Markdown."""
    return not head or b"| figure | theirs | ours, 95% interval | verdict | because |" in head


def _agreement(
    values: Sequence[float],
    theirs: float,
    digits: int = 2,
    half: float | None = None,
    sd: float | None = None,
    n: int | None = None,
) -> tuple[Verdict, str]:
    """The verdict on our values beside a published one of so many digits, with what is known of its uncertainty.

    That is half the width of its 95% interval, or else its standard deviation over n runs; 25 with our standard
    deviation are assumed where they were not published.
    """
    ours = stats.estimate(values)
    if ours.mean is None or ours.high is None:
        return "cannot tell", "one run has no interval"
    assumed = ""
    if half is None:
        n = n or ASSUMED_RUNS
        if sd is None:
            sd, assumed = float(np.std(values, ddof=1)), f" (theirs unpublished: our sd over {n} runs)"
        half = stats.half_width(sd, n)
    joint = math.hypot(ours.high - ours.mean, half) + 0.5 * 10.0**-digits
    distance = ours.mean - theirs
    said = f"difference {distance:+.3f}, joint 95% interval ± {joint:.3f}{assumed}"
    if abs(distance) > joint:
        return "differs", said
    return ("agrees" if joint <= TELLING else "cannot tell"), said


def _values(records: Columns, row: Row) -> list[float]:
    column = records.measured.get((row.arm, row.trait))
    return [] if column is None else column.values[column.seeds < row.runs].tolist()


def _shown(values: Sequence[float]) -> str:
    found = stats.estimate(values)
    if found.mean is None or found.high is None:
        return f"{found.mean} ({found.n} runs)"
    return f"{found.mean:.3f} ± {found.high - found.mean:.3f} ({found.n} runs)"


def _theirs(row: Row) -> str:
    if isinstance(row, Trend):
        return row.direction if row.value is None else f"{row.direction} {row.value:g}"
    if row.half is not None:
        return f"{row.value:.{row.digits}f} ± {row.half:g} ({row.n} runs)"
    if row.sd is not None:
        return f"{row.value:.{row.digits}f}, sd {row.sd:g} ({row.n} runs)"
    return f"{row.value:.{row.digits}f}"


def _command(row: Row, precision: str) -> str:
    changed = {row.key: "VALUE"} if isinstance(row, Trend) else {}
    return command_of(row.study, row.settings | changed, row.runs, precision)


def command_of(study: str, settings: Mapping[str, Any], runs: int, precision: str) -> str:
    """The command that runs a study for so many seeds."""
    changes = "".join(f" --set {key}={_plain(value)}" for key, value in settings.items())
    return f"sublearn run {study} --seeds 0:{runs}{changes} --precision {precision}"


def _plain(value: Any) -> str:
    return f"[{','.join(value)}]" if isinstance(value, list) else str(value)


def _fewer(row: Row) -> Row:
    return row.model_copy(update={"runs": QUICK_RUNS})
