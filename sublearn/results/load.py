"""What lies in a folder, by the file that tells what it is."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sublearn.auditing import found
from sublearn.auditing.benchmark import found as benchmarks
from sublearn.errors import InputError
from sublearn.execution import replication, sweep, tracing
from sublearn.files.folders import STUDY_FILE
from sublearn.files.writing import folder_of
from sublearn.results import demo
from sublearn.results.audit import Audit
from sublearn.results.base import Shown
from sublearn.results.benchmark import Benchmark
from sublearn.results.demo import Demo
from sublearn.results.replication import Replication
from sublearn.results.single import Result
from sublearn.results.sweep import Sweep
from sublearn.results.trace import Alignment, Trace

if TYPE_CHECKING:
    import pandas as pd

KINDS: dict[str, type[Shown]] = {
    STUDY_FILE: Result,
    sweep.MANIFEST: Sweep,
    replication.MANIFEST: Replication,
    tracing.MANIFEST: Trace,
    tracing.ALIGNMENT: Alignment,
    demo.MANIFEST: Demo,
    found.MANIFEST: Audit,
    benchmarks.MANIFEST: Benchmark,
}
"""Each kind of folder, by the file that tells what it is."""


def kind_of(folder: Path) -> str:
    """Which of KINDS a folder is. Raises InputError if it is none, naming the run directories in it."""
    for name in KINDS:
        if os.path.exists(folder / name):  # unlike a path's own, it takes any name
            return name
    raise InputError(_no_run_directory(folder, "Name those."))


def run_directory(folder: Path) -> Result:
    """The result in a run directory. Raises InputError for any other folder, naming the run directories in it."""
    if not os.path.exists(folder / STUDY_FILE):
        raise InputError(_no_run_directory(folder, "Name one of those."))
    return Result.load(folder)


def _no_run_directory(folder: Path, do: str) -> str:
    inside = sorted(str(path.parent) for path in folder.glob(f"*/{STUDY_FILE}")) if os.path.isdir(folder) else []
    more = f" and {len(inside) - 3:,} more" if len(inside) > 3 else ""
    hint = f" It holds some: {', '.join(inside[:3])}{more}. {do}" if inside else ""
    return f"{folder} is no run directory: it has no readable {STUDY_FILE}.{hint}"


def load(path: Path | str) -> Shown:
    """The result in any folder that sublearn made: of a run, a sweep, a trace, a replication, an audit, a
    benchmark of audits or the demo.

    Raises InputError for any other folder, and for files that are damaged.
    """
    folder = folder_of(path, "load")
    return KINDS[kind_of(folder)].load(folder)


def to_frame(source: "Shown | Path | str") -> "pd.DataFrame":
    """A result, or what lies in a folder, as one tidy pandas table; of a run or a sweep, a row a record."""
    return (source if isinstance(source, Shown) else load(folder_of(source, "to_frame"))).to_frame()
