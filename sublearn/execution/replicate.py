"""Holds this program against the field's published figures: runs each, compares, and gives a verdict."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from sublearn import stats
from sublearn.devices import Precision
from sublearn.errors import unknown
from sublearn.execution import pipeline
from sublearn.execution.pipeline import Progress, Result
from sublearn.files.folders import made_by
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import a_page, beginning, replace_page, replace_text
from sublearn.report.page import replication_page
from sublearn.report.replication import Comparison, Made, Span, Verdict, markdown
from sublearn.study.base import Study
from sublearn.study.published import QUICK, QUICK_RUNS, TABLES, Published, Trend
from sublearn.study.table import build

MANIFEST, PAGE, TEXT = "replication.json", "replication.html", "replication.md"
ASSUMED_RUNS = 25
TELLING = 0.10
"""A joint interval wider than this either way cannot tell agreement from difference."""

SMALL = 0.05
"""A change of a trait that is not zero and yet no larger than this still agrees with a published "no effect"."""


def chosen(names: Sequence[str], quick: bool) -> list[Published | Trend]:
    """The figures of the named tables or of these names; all if none is named. Raises InputError for other names."""
    every = {row.name: row for table in TABLES.values() for row in table}
    wanted: list[Published | Trend] = []
    for name in names or TABLES:
        if name in TABLES:
            wanted += TABLES[name]
        elif name in every:
            wanted.append(every[name])
        else:
            raise unknown("published figure or table", name, [*TABLES, *every])
    return [_fewer(row) for row in wanted if row.name in QUICK] if quick else wanted


def replicate(
    rows: Iterable[Published | Trend],
    out: Path,
    *,
    device: str = "auto",
    precision: Precision = "highest",
    jobs: int = 1,
    announce: Callable[[str], object] = lambda _: None,
    progress: Progress | None = None,
) -> list[Comparison]:
    """Run what the figures need, each study in its own run directory below `out` that goes on where it stopped."""
    rows, found = list(rows), list[Comparison]()
    needed = _needed(rows)
    for study, _ in needed.values():
        study.designed.prepare()
    tally = _Tally(needed, out, progress or (lambda *_: None))

    def run(study: str, settings: dict[str, Any], runs: int) -> Result:
        built = build(study, settings)
        result = pipeline.run(
            built,
            range(runs),
            out / built.id,
            device=device,
            precision=precision,
            jobs=jobs,
            progress=tally.of(built),
            command=_command(study, settings, runs, precision),
        )
        return pipeline.subset(result, range(runs))

    for row in rows:
        one = _figure(row, run, precision) if isinstance(row, Published) else _trend(row, run, precision)
        announce(f"{one.verdict.upper():<12} {one.name:<28} theirs {one.theirs}; ours {one.ours}")
        found.append(one)
    return found


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
    return made_by("sublearn replicate", out, {MANIFEST: beginning(b'{\n  "made": ')}, {PAGE: a_page, TEXT: _a_text})


def write(rows: Sequence[Comparison], made: Made, out: Path) -> None:
    """Write replication.html, replication.md and replication.json into `out`."""
    content = {"made": asdict(made), "figures": [asdict(row) for row in rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")
    replace_page(out / PAGE, replication_page(rows, made))
    replace_text(out / TEXT, markdown(rows, made), _a_text)


def read(out: Path) -> tuple[tuple[Comparison, ...], Made]:
    """What `write` wrote. Raises InputError for anything else."""
    path = out / MANIFEST
    found = typed(_Written, json_file(path, "the replication"), str(path))
    return found.figures, found.made


class _Written(BaseModel, extra="forbid"):
    """The content of replication.json."""

    made: Made
    figures: tuple[Comparison, ...]


def _a_text(head: bytes) -> bool:
    """Whether a file is empty or a replication in Markdown."""
    return not head or b"| figure | theirs | ours, 95% interval | verdict | because |" in head


Needed = dict[str, tuple[Study, int]]
"""Studies by their id, and the runs of each."""


def _needed(rows: Iterable[Published | Trend]) -> Needed:
    """Every study that the figures need."""
    needed: Needed = {}
    for row in rows:
        for changes in [{}] if isinstance(row, Published) else [{row.key: value} for value in row.values]:
            study = build(row.study, row.settings | changes)
            _, runs = needed.get(study.id, (study, 0))
            needed[study.id] = study, max(runs, row.runs)
    return needed


class _Tally:
    """The runs of all studies together: several figures come from one study, whose runs count once."""

    def __init__(self, needed: Needed, out: Path, progress: Progress) -> None:
        self.total, self.progress = sum(runs for _, runs in needed.values()), progress
        self.done = {
            name: len(pipeline.seeds_there(study, out / name).intersection(range(runs)))
            for name, (study, runs) in needed.items()
        }
        progress(sum(self.done.values()), self.total, ())

    def of(self, study: Study) -> Progress:
        """The progress of one study's runs as a part of all."""

        def update(done: int, _: int, notes: Sequence[str]) -> None:
            if done > self.done[study.id]:
                self.done[study.id] = done
                self.progress(sum(self.done.values()), self.total, notes)

        return update


Runner = Callable[[str, dict[str, Any], int], Result]


def _figure(row: Published, run: Runner, precision: str) -> Comparison:
    values = _values(run(row.study, row.settings, row.runs), row.arm, row.trait)
    verdict, because = compare(row, values)
    return Comparison(
        row.name,
        row.what,
        row.source,
        _theirs(row),
        _shown(values),
        verdict,
        because,
        _command(row.study, row.settings, row.runs, precision),
        _published(row),
        _spans([("", values)]),
    )


def _trend(row: Trend, run: Runner, precision: str) -> Comparison:
    columns = [
        _values(run(row.study, row.settings | {row.key: value}, row.runs), row.arm, row.trait) for value in row.values
    ]
    ours = ", ".join(f"{value:g}: {_shown(column)}" for value, column in zip(row.values, columns, strict=True))
    verdict, because = compare_trend(row, columns)
    command = _command(row.study, row.settings | {row.key: "VALUE"}, row.runs, precision)
    theirs = row.direction if row.value is None else f"{row.direction} {row.value:g}"
    published = None if row.value is None else Span("", row.value)
    spans = _spans([(f"{row.key} = {value:g}", column) for value, column in zip(row.values, columns, strict=True)])
    return Comparison(row.name, row.what, row.source, theirs, ours, verdict, because, command, published, spans)


def _published(row: Published) -> Span:
    """Their figure with its 95% interval, where they published one or a spread that gives one."""
    half = row.half if row.half is not None or row.sd is None else stats.half_width(row.sd, row.n or ASSUMED_RUNS)
    return Span("", row.value) if half is None else Span("", row.value, row.value - half, row.value + half)


def _spans(columns: Iterable[tuple[str, Sequence[float]]]) -> tuple[Span, ...]:
    found = ((label, stats.estimate(column)) for label, column in columns)
    return tuple(Span(label, one.mean, one.low, one.high) for label, one in found if one.mean is not None)


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


def _values(result: Result, arm: str, trait: str) -> list[float]:
    return [row.value for row in result.records if row.arm == arm and row.trait == trait and row.value is not None]


def _shown(values: Sequence[float]) -> str:
    found = stats.estimate(values)
    if found.mean is None or found.high is None:
        return f"{found.mean} ({found.n} runs)"
    return f"{found.mean:.3f} ± {found.high - found.mean:.3f} ({found.n} runs)"


def _theirs(row: Published) -> str:
    if row.half is not None:
        return f"{row.value:.{row.digits}f} ± {row.half:g} ({row.n} runs)"
    if row.sd is not None:
        return f"{row.value:.{row.digits}f}, sd {row.sd:g} ({row.n} runs)"
    return f"{row.value:.{row.digits}f}"


def _command(study: str, settings: dict[str, Any], runs: int, precision: str) -> str:
    changes = "".join(f" --set {key}={_plain(value)}" for key, value in settings.items())
    return f"sublearn run {study} --seeds 0:{runs}{changes} --precision {precision}"


def _plain(value: Any) -> str:
    return f"[{','.join(value)}]" if isinstance(value, list) else str(value)


def _fewer(row: Published | Trend) -> Published | Trend:
    return row.model_copy(update={"runs": QUICK_RUNS})
