"""The benchmark of audits: what is asked is checked, measured into a folder, and told in a table and on a page."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sublearn.auditing.benchmark import found, metrics, run
from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.auditing.benchmark.settings import Settings
from sublearn.errors import InputError
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import OnStage, Progress
from sublearn.files.writing import replace_page
from sublearn.report.page import benchmark_page


def measured(
    out: Path,
    seeds: Sequence[int],
    settings: Settings,
    made: Provenance,
    jobs: int = 1,
    progress: Progress = lambda done, total, notes: None,
    on_stage: OnStage = lambda stage: None,
) -> BenchmarkFile:
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


def _put(out: Path, settings: Settings, made: Provenance) -> BenchmarkFile:
    """Write benchmark.json and the page of what the folder holds."""
    every = found.every(out)
    told = found.summed(settings, every, metrics.figures(every, settings), made)
    found.write(told, out)
    replace_page(out / found.PAGE, benchmark_page(told))
    return told
