"""`sublearn report`: what lies in a folder is shown and its report written again; several are joined on one page.

Knows which file tells what a folder holds, and which module writes that again.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sublearn.cli import demo
from sublearn.errors import InputError, plain
from sublearn.execution import pipeline, replicate, sweep, tracing
from sublearn.execution.manifests import STUDY_FILE, SWEEP_FILE
from sublearn.files.writing import a_page, check_target
from sublearn.report.replication import summary
from sublearn.report.tables import result_text
from sublearn.report.trace import alignment_table, trace_table


@dataclass(frozen=True)
class Shown:
    """What is printed of one folder: as text, and as the value of `--json`."""

    text: str
    value: Any


def report(folders: Sequence[Path], out: Path | None = None) -> list[Shown]:
    """Show folders. One alone has its report written again; several, or any with `out`, stay as they are.

    With `out`, the run directories are joined on one page there, which may replace a page and nothing else. Raises
    InputError for folders that hold nothing of ours and for an `out` that cannot be written, before anything is read.
    """
    if out is not None:
        check_target(out, a_page)
        _check_outside(out, folders)
        return _joined(folders, out)
    kinds = [_kind(folder) for folder in folders]
    write = len(folders) == 1
    shown = [KINDS[kind](folder, write) for kind, folder in zip(kinds, folders, strict=True)]
    if write:
        return shown
    note = "The reports of several folders are left as they are. Name one to write its own again, or give --out FILE."
    return [*shown[:-1], Shown(f"{shown[-1].text}\n{note}", shown[-1].value)]


def _joined(folders: Sequence[Path], out: Path) -> list[Shown]:
    for folder in folders:
        kind = _kind(folder)
        if kind != STUDY_FILE:
            raise InputError(
                f"--out joins run directories on one page; {folder} has {kind} and its own page. Leave it out."
            )
    results = [pipeline.load(folder) for folder in folders]
    pipeline.write_page([pipeline.section(result) for result in results], out)
    shown = [Shown(result_text(result.analysis), result.analysis.to_dict()) for result in results]
    return [*shown[:-1], Shown(f"{shown[-1].text}\nAll on one page: {out}", shown[-1].value)]


def _check_outside(out: Path, folders: Sequence[Path]) -> None:
    """Raise InputError for a page within a folder whose content it is about, or within any run directory or sweep."""
    place = out.resolve().parent
    for folder in folders:
        if place.is_relative_to(folder.resolve()):
            raise InputError(f"--out {out} lies in {folder}, which is left as it is. Choose a place outside it.")
    if any((place / name).exists() for name in (STUDY_FILE, SWEEP_FILE)):
        raise InputError(f"--out {out} lies in a run directory, which is left as it is. Choose a place outside it.")


def _run(folder: Path, write: bool) -> Shown:
    result = pipeline.report(folder) if write else pipeline.load(folder)
    end = f"\nReport: {plain(folder / 'report.html')}" if write else ""
    return Shown(result_text(result.analysis) + end, result.analysis.to_dict())


def _sweep(folder: Path, write: bool) -> Shown:
    points = sweep.report_sweep(folder) if write else sweep.load_sweep(folder)
    end = f"\n\nReport: {plain(folder / 'report.html')}" if write else ""
    return Shown(sweep.summary(points) + end, [point.to_dict() for point in points])


def _replication(folder: Path, write: bool) -> Shown:
    rows, made = replicate.read(folder)
    if write:
        replicate.write(rows, made, folder)
    end = f"\nPage: {plain(folder / replicate.PAGE)}" if write else ""
    return Shown(summary(rows) + end, {"made": asdict(made), "figures": [asdict(row) for row in rows]})


def _trace(folder: Path, write: bool) -> Shown:
    found = tracing.read(folder)
    end = f"\n\n{tracing.draw(found, folder)}" if write else ""
    return Shown(trace_table(found.rows) + end, [asdict(row) for row in found.rows])


def _alignment(folder: Path, write: bool) -> Shown:
    found = tracing.read_alignment(folder)
    end = f"\n\n{tracing.draw_alignment(found, folder)}" if write else ""
    return Shown(alignment_table(found) + end, found.model_dump())


def _demo(folder: Path, write: bool) -> Shown:
    results = [pipeline.load(folder / study) for study in dict.fromkeys(study for study, _ in demo.PARTS)]
    end = f"\nReport: {plain(demo.write_page(folder))}" if write else ""
    text = "\n".join(result_text(result.analysis) for result in results)
    return Shown(text + end, [result.analysis.to_dict() for result in results])


KINDS: dict[str, Callable[[Path, bool], Shown]] = {
    STUDY_FILE: _run,
    SWEEP_FILE: _sweep,
    replicate.MANIFEST: _replication,
    tracing.MANIFEST: _trace,
    tracing.ALIGNMENT: _alignment,
    demo.MANIFEST: _demo,
}
"""How each kind of folder is shown, by the file that tells what it is; the flag says whether its report is written."""


def _kind(folder: Path) -> str:
    """Which of KINDS a folder is. Raises InputError if it is none, naming the run directories in it."""
    for name in KINDS:
        if os.path.exists(folder / name):  # unlike a path's own, it takes any name
            return name
    inside = sorted(str(path.parent) for path in folder.glob(f"*/{STUDY_FILE}")) if os.path.isdir(folder) else []
    hint = f" It holds some: {', '.join(inside[:3])}. Name those." if inside else ""
    raise InputError(f"{folder} is no run directory: it has no readable {STUDY_FILE}.{hint}")
