"""The whole way in one call: a study and its seeds to records, analysis and report; and the tutorial's two calls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sublearn import store
from sublearn.devices import Precision, default_device, resolve
from sublearn.engines import local
from sublearn.errors import InputError, unknown
from sublearn.records import Record
from sublearn.report.figures import arms_figure, contrasts_figure
from sublearn.report.page import Section, page
from sublearn.studies import build, prepare, seconds_a_seed
from sublearn.studies.analysis import Analysis, analyse
from sublearn.studies.base import Study
from sublearn.studies.run import Job, Outcome, Setup, plan

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["local", "sequential"]
ENGINES = ("local", "sequential")
Progress = Callable[[int, int, Sequence[str]], None]
"""Called with (seeds done, seeds in all, notes) as work ends."""

SECONDS_WORTH_A_PROCESS = 5.0


@dataclass(frozen=True)
class Result:
    """A study's records and what they show; `path` is the run directory, if there is one."""

    study: Study
    records: tuple[Record, ...]
    analysis: Analysis
    path: Path | None = None


def run(
    study: Study | str,
    seeds: Iterable[int],
    out: Path | str | None = None,
    *,
    device: str = "auto",
    engine: Engine = "local",
    precision: Precision = "highest",
    jobs: int = 1,
    progress: Progress | None = None,
    command: str = "",
) -> Result:
    """Run a study for some seeds; with `out`, in a run directory that goes on where it stopped, with its report.

    `device` is auto, cpu or cuda; `engine` "sequential" trains one model at a time; `jobs` is the most processes that
    may be started (a script that asks for more than one needs the usual `if __name__ == "__main__"` guard). Raises
    InputError for anything that cannot be used, before anything is written.
    """
    study = build(study) if isinstance(study, str) else study
    chosen = checked_seeds(seeds)
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    setup = Setup(device=resolve(device), precision=precision, one_at_a_time=engine == "sequential", threads=1)
    prepare(study)
    if out is None:
        outcomes = _outcomes(study, chosen, setup, (), jobs, progress)
        return _result(study, [record for outcome in outcomes for record in outcome.records], None)
    runtime = {"device": setup.device, "precision": precision, "engine": engine}
    with store.writing(out, study, runtime, command or _call(study, chosen, out)) as writer:
        for outcome in _outcomes(study, chosen, setup, writer.run.complete_seeds(), jobs, progress):
            writer.add(outcome.records)
    return report(out)


def load(path: Path | str) -> Result:
    """The records of a run directory and what they show."""
    found = store.load(path)
    return _result(found.study, found.records, found.path)


def to_frame(result: Result) -> pd.DataFrame:
    """The records as one tidy pandas table, a row a record."""
    import pandas as pd

    return pd.DataFrame([record.model_dump() for record in result.records], columns=list(Record.model_fields))


def report(path: Path | str) -> Result:
    """Write estimates.json, figures/*.svg and report.html of a run directory from its records, and return them."""
    found = store.load(path)
    result = _result(found.study, found.records, found.path)
    store.replace_text(found.path / "estimates.json", json.dumps(result.analysis.to_dict(), indent=2) + "\n")
    for name, figure in figures(result).items():
        store.replace_text(found.path / "figures" / f"{name}.svg", figure)
    write_page([section(result)], found.path / "report.html")
    return result


def section(result: Result) -> Section:
    """One section of a page for a result that lies in a run directory."""
    manifest = store.load(result.path).manifest if result.path else {}
    return Section(result.analysis, result.records, manifest)


def write_page(sections: Sequence[Section], path: Path) -> None:
    """Write one self-contained page of several sections."""
    store.replace_text(path, page(sections))


def figures(result: Result) -> dict[str, str]:
    """Every figure of a result as SVG text, by name."""
    arms = {trait.name: arms_figure(result.analysis, result.records, trait.name) for trait in result.study.traits}
    return arms | ({"contrasts": contrasts_figure(result.analysis, result.records)} if result.study.claims else {})


def subset(result: Result, seeds: Iterable[int]) -> Result:
    """What the records of these seeds alone show."""
    wanted = set(seeds)
    return _result(result.study, [record for record in result.records if record.seed in wanted], result.path)


def checked_seeds(seeds: Iterable[int]) -> list[int]:
    """The seeds as a list. Raises InputError if there are none, one is negative or one comes twice."""
    chosen = list(seeds)
    if not chosen:
        raise InputError("No seeds were given; expected at least one, as in --seeds 0:24.")
    for seed in chosen:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32 - 1000:
            raise InputError(f"The seed {seed!r} cannot be used; expected a whole number from 0 to {2**32 - 1001}.")
    if len(set(chosen)) < len(chosen):
        doubled = next(seed for seed in chosen if chosen.count(seed) > 1)
        raise InputError(f"The seed {doubled} was given twice; a run counts once.")
    return chosen


def run_pipeline(seed: int = 0, verbose: bool = False) -> dict[str, float]:
    """The tutorial's experiment for one seed, under the tutorial's eight result keys.

    Raises InputError for the rare seed whose filtered prompts leave a last batch of one, which BatchNorm refuses.
    """
    from sublearn.studies.flows.tutorial_single import run_seed
    from sublearn.studies.tutorial import Settings

    measured, reason = run_seed(Settings(), seed, default_device(), verbose)
    if reason:
        raise InputError(f"Seed {seed} cannot be measured: {reason}. Use another seed.")
    arms = dict(zip(("teacher", "baseline", "studentA", "studentB"), measured.values(), strict=True))
    suffix = {"studentA": "_same_init", "studentB": "_diff_init"}
    rates = {f"{arm}_pref{suffix.get(arm, '')}": rate for arm, (rate, _) in arms.items()}
    return rates | {f"{arm}_acc": accuracy for arm, (_, accuracy) in arms.items()}


def multi_seed_experiment(seeds: Iterable[int], verbose: bool = False) -> list[dict[str, float]]:
    """`run_pipeline` for each seed, in the order given."""
    results = []
    for seed in seeds:
        if verbose:
            print(f"seed {seed}")
        results.append(run_pipeline(seed))
    return results


def _outcomes(
    study: Study, seeds: list[int], setup: Setup, done: Iterable[int], jobs: int, progress: Progress | None
) -> Iterator[Outcome]:
    finished = set(done) & set(seeds)
    planned = plan(study, seeds, setup, finished, _workers(study, len(seeds) - len(finished), setup, jobs))
    count = len(finished)
    for outcome in _engine(planned, _workers(study, len(seeds) - len(finished), setup, jobs)):
        yield outcome
        count += len(outcome.seeds)
        if progress:
            progress(count, len(seeds), outcome.notes)


def _engine(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    return local.run_jobs(jobs, workers)


def _workers(study: Study, seeds: int, setup: Setup, jobs: int) -> int:
    """Processes that are worth starting; a GPU is not shared between processes."""
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: expected at least 1.")
    if setup.device != "cpu":
        return 1
    worth = math.ceil(seeds * seconds_a_seed(study) / SECONDS_WORTH_A_PROCESS)
    return max(1, min(jobs, worth))


def _result(study: Study, records: Iterable[Record], path: Path | None) -> Result:
    ordered = _ordered(study, records)
    return Result(study, ordered, analyse(study, ordered), path)


def _ordered(study: Study, records: Iterable[Record]) -> tuple[Record, ...]:
    arms = {arm.name: i for i, arm in enumerate(study.arms)}
    return tuple(sorted(records, key=lambda record: (record.seed, arms[record.arm], record.trait)))


def _call(study: Study, seeds: list[int], out: Path | str) -> str:
    return f"sublearn.run({study.name!r}, {seeds}, {str(out)!r})"
