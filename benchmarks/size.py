"""What commands cost where there is much, or nothing, to do: pages of 20,000 seeds, sweeps of 1,000 studies, `--help`.

The records are made by hand, so nothing is trained. Beside a figure stands what version 0.1.0 took where it was tried.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Line, publish, seconds
from sublearn.execution import store
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.base import Study
from sublearn.study.table import build

RUNTIME = {"device": "cpu", "precision": "highest", "engine": "local"}
SEEDS, STUDY_SEEDS = 20_000, 24
GRID = {
    "aux_logits": [2, 4, 8, 10, 12, 16, 18, 32, 48, 64],
    "student.lr": [1e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3],
    "hidden": [8, 16, 24, 32, 40, 48, 56, 64, 96, 128],
}
"""A thousand combinations."""


def records(study: Study, seeds: int) -> Iterator[Record]:
    """A record of each arm, seed and trait: students of the same init have the trait, a few runs diverged."""
    rng = stream(0, f"benchmarks/size/{study.id}")
    raised = np.array([0.4 * (arm.teacher == "trained" and arm.init == "same") for arm in study.arms])
    for seed in range(seeds):
        drawn = rng.normal(0.5 + raised, 0.15, (len(study.traits), len(study.arms))).clip(0, 1)
        for arm, values in zip(study.arms, drawn.T, strict=True):
            lost = seed % 5_000 == 4_999 and arm.init == "cross"
            for trait, value in zip(study.traits, values, strict=True):
                found = round(200 * value) / 200 if trait.unit == "share" else value - 0.5
                fate: dict[str, Any] = {"value": None, "status": "diverged", "reason": "loss was not finite"}
                own: dict[str, Any] = fate if lost else {"value": float(found)}
                yield Record(study=study.id, arm=arm.name, seed=seed, trait=trait.name, n=200, **own)


def run_directory(folder: Path, study: Study, seeds: int) -> None:
    """A run directory as if so many seeds had been run."""
    with store.writing(folder, study, RUNTIME, f"sublearn run {study.name} --seeds 0:{seeds}") as writer:
        writer.add(records(study, seeds))


def sweep_directory(folder: Path) -> None:
    """A sweep directory as if all of the grid had been run."""
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.sweep import Grid, begin

    grid = Grid("prompts", {}, GRID)
    studies = [study for _, study in grid.studies()]
    folder.mkdir()
    begin(grid, folder, "prompts", [study.id for study in studies], Provenance(versions=store.versions()))
    for study in studies:
        run_directory(folder / study.id, study, STUDY_SEEDS)


def command(*arguments: str) -> list[str]:
    """A command of sublearn that tells its peak memory at the end."""
    return [sys.executable, "-m", "benchmarks.size", *arguments]


def took(*arguments: str, repeats: int = 2) -> tuple[float, float]:
    """Seconds of a command from its start to its end, the shortest of some, and its peak memory in MB."""
    peaks: list[float] = []

    def run() -> None:
        done = subprocess.run(command(*arguments), capture_output=True, text=True, check=True)
        peaks.append(float(done.stderr.split()[-1]))

    return seconds(run, repeats), max(peaks)


def plainly(*arguments: str) -> float:
    """Seconds of a command that is given as a user does, the shortest of ten."""
    words = [sys.executable, "-m", "sublearn", *arguments]
    return seconds(lambda: subprocess.run(words, capture_output=True, check=True), 10)


def megabytes(*files: Path) -> float:
    """The size of files together."""
    return sum(file.stat().st_size for file in files) / 1e6


def of_many_seeds(folder: Path) -> list[Line]:
    """The page of many seeds, and the command given again."""
    run_directory(folder, build("prompts"), SEEDS)
    report, report_memory = took("report", str(folder))
    again, again_memory = took("run", "prompts", "--seeds", f"0:{SEEDS}", "--out", str(folder))
    what = f"{SEEDS:,} seeds of prompts"
    return [
        Line(f"report of {what} (0.1.0: 82 s)", report, "s", 8, most=True),
        Line("  its peak memory (0.1.0: 833 MB)", report_memory, "MB", 300, most=True),
        Line("  its page (0.1.0: 38 MB)", megabytes(folder / "report.html"), "MB", 1, most=True),
        Line("  its figures", megabytes(*folder.glob("figures/*.svg")), "MB"),
        Line(f"the command of {what} again (0.1.0: 84 s)", again, "s", 3, most=True),
        Line("  its peak memory (0.1.0: 1,056 MB)", again_memory, "MB", 300, most=True),
    ]


def of_many_studies(folder: Path) -> list[Line]:
    """The report of a sweep of many studies."""
    sweep_directory(folder)
    report, memory = took("report", str(folder))
    studies = len(list(folder.glob(f"*/{store.MANIFEST}")))
    return [
        Line(f"report of {studies:,} studies of {STUDY_SEEDS} seeds (0.1.0: 19 to 24 s)", report, "s", 6, most=True),
        Line("  its peak memory", memory, "MB"),
    ]


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory() as folder:
        lines = of_many_seeds(Path(folder) / "run") + of_many_studies(Path(folder) / "sweep")
    lines += [
        Line("sublearn list (0.1.0: .4 to .6 s)", plainly("list"), "s", 0.25, most=True),
        Line("sublearn --help", plainly("--help"), "s", 0.25, most=True),
    ]
    publish("size", lines)


def _run_and_tell() -> None:
    from sublearn.cli.app import main as run

    try:
        run()
    finally:
        # Not getrusage, whose peak holds that of the process which started this one.
        peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
        print(int(peak[1]) / 1024 if peak else "nan", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _run_and_tell()
    else:
        main()
