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
from sublearn.trackers import TRACKERS, Followers

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["local", "sequential", "ray"]
ENGINES = ("local", "sequential", "ray")
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


@dataclass(frozen=True)
class Options:
    """How a study or a sweep is run, which must not change what comes out. `shard` is (i, n): the i-th of n parts."""

    device: str = "auto"
    engine: Engine = "local"
    precision: Precision = "highest"
    jobs: int = 1
    shard: tuple[int, int] | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        if self.jobs < 1:
            raise InputError(f"--jobs {self.jobs}: expected at least 1.")
        if self.shard is not None and not 1 <= self.shard[0] <= self.shard[1]:
            i, n = self.shard
            raise InputError(f"--shard {i}/{n} is out of range; expected i/n with i from 1 to n, as in 3/8.")


def run(
    study: Study | str,
    seeds: Iterable[int],
    out: Path | str | None = None,
    *,
    device: str = "auto",
    engine: Engine = "local",
    precision: Precision = "highest",
    jobs: int = 1,
    shard: tuple[int, int] | None = None,
    trackers: Sequence[str] = (),
    progress: Progress | None = None,
    command: str = "",
) -> Result:
    """Run a study for some seeds; with `out`, in a run directory that goes on where it stopped, with its report.

    `device` is auto, cpu or cuda; `engine` "sequential" trains one model at a time, "ray" on a cluster; `jobs` is the
    most processes that may be started (a script that asks for more than one needs the usual
    `if __name__ == "__main__"` guard); `shard` (i, n) runs the i-th of n parts of the seeds; `trackers` follow the
    run (tensorboard, wandb). Raises InputError for anything that cannot be used, before anything is written.
    """
    study = build(study) if isinstance(study, str) else study
    chosen = checked_seeds(seeds)
    options = Options(device, engine, precision, jobs, shard, progress)
    for name in trackers:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
    setup_of(options)
    prepare(study)
    own = share(chosen, shard)
    if out is None:
        outcomes = _outcomes(study, own, options, ())
        return _result(study, [record for outcome in outcomes for record in outcome.records], None)
    command = command or _call(study, chosen, out)
    with store.writing(out, study, runtime_of(options), command, shard_name(shard)) as writer:
        followers = Followers(trackers, Path(out))
        for outcome in _outcomes(study, own, options, writer.run.complete_seeds()):
            writer.add(outcome.records)
            followers.add(outcome.records)
        followers.close()
    return report(out)


def setup_of(options: Options) -> Setup:
    """How one job is run under the options. Raises InputError for CUDA where there is none."""
    one = options.engine == "sequential"
    return Setup(device=resolve(options.device), precision=options.precision, one_at_a_time=one, threads=1)


def runtime_of(options: Options) -> dict[str, str]:
    """What a run directory keeps of the options."""
    return {"device": resolve(options.device), "precision": options.precision, "engine": options.engine}


def share(seeds: Sequence[int], shard: tuple[int, int] | None) -> list[int]:
    """The seeds of one shard: every n-th, beginning with the i-th."""
    return list(seeds) if shard is None else list(seeds)[shard[0] - 1 :: shard[1]]


def shard_name(shard: tuple[int, int] | None) -> str | None:
    """The name of a shard's own file, as "3of8"."""
    return None if shard is None else f"{shard[0]}of{shard[1]}"


def engine(jobs: Iterable[Job], count: int, options: Options) -> Iterator[Outcome]:
    """Run jobs by the engine of the options, with so many workers."""
    if options.engine == "ray":
        from sublearn.engines import ray  # late: an optional package

        return ray.run_jobs(jobs, count)
    return local.run_jobs(jobs, count)


def workers(seconds: float, seeds: int, options: Options) -> int:
    """Processes that are worth starting for runs of so many seconds; a GPU is not shared between processes."""
    if resolve(options.device) != "cpu":
        return 1
    return max(1, min(options.jobs, math.ceil(seeds * seconds / SECONDS_WORTH_A_PROCESS)))


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


def _outcomes(study: Study, seeds: list[int], options: Options, done: Iterable[int]) -> Iterator[Outcome]:
    finished = set(done) & set(seeds)
    count = workers(seconds_a_seed(study), len(seeds) - len(finished), options)
    planned = plan(study, seeds, setup_of(options), finished, count)
    ended = len(finished)
    for outcome in engine(planned, count, options):
        yield outcome
        ended += len(outcome.seeds)
        if options.progress:
            options.progress(ended, len(seeds), outcome.notes)


def _result(study: Study, records: Iterable[Record], path: Path | None) -> Result:
    ordered = _ordered(study, records)
    return Result(study, ordered, analyse(study, ordered), path)


def _ordered(study: Study, records: Iterable[Record]) -> tuple[Record, ...]:
    arms = {arm.name: i for i, arm in enumerate(study.arms)}
    return tuple(sorted(records, key=lambda record: (record.seed, arms[record.arm], record.trait)))


def _call(study: Study, seeds: list[int], out: Path | str) -> str:
    return f"sublearn.run({study.name!r}, {seeds}, {str(out)!r})"
