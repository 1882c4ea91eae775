"""The whole way in one call: a study and its seeds to records, analysis and report; and the tutorial's two calls."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sublearn.columns import Columns
from sublearn.devices import Precision, default_device, resolve
from sublearn.errors import InputError, unknown
from sublearn.execution import looks, store
from sublearn.execution.engines import local
from sublearn.execution.manifests import SWEEP_FILE, read_study, read_sweep
from sublearn.execution.trackers import TRACKERS, Followers, check_packages
from sublearn.files.writing import a_page, anything, check_within, own_folder, replace_page, replace_text, safe_name
from sublearn.records import Record
from sublearn.report.kept import Table, kept_tables
from sublearn.report.page import Section, page
from sublearn.seeds import checked_seeds
from sublearn.study.analysis import Analysis, analyse, family_of, units_of
from sublearn.study.base import Setup, Study
from sublearn.study.jobs import Job, Outcome, planned
from sublearn.study.numbers.metrics import read_metrics
from sublearn.study.table import build, check_memory
from sublearn.tasks.rows import read_rows

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["local", "ray"]
ENGINES = ("local", "ray")
TrainerName = Literal["auto", "cohort", "vmap", "single"]
TRAINERS = ("auto", "cohort", "vmap", "single")
Progress = Callable[[int, int, Sequence[str]], None]
"""Called with (runs done, runs in all, notes) before the work and as it ends."""

SECONDS_WORTH_A_PROCESS = 5.0
KEPT, FIGURES = "made", "figures"


@dataclass(frozen=True)
class Result:
    """A study's records and what they show; `path` is the run directory, if there is one."""

    study: Study
    records: Columns
    analysis: Analysis
    path: Path | None = None


@dataclass(frozen=True)
class Options:
    """How a study or a sweep is run, which must not change what comes out. `shard` is (i, n): the i-th of n parts."""

    device: str = "auto"
    engine: Engine = "local"
    trainer: TrainerName = "auto"
    precision: Precision = "highest"
    jobs: int = 1
    shard: tuple[int, int] | None = None
    trackers: Sequence[str] = ()
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        if self.trainer not in TRAINERS:
            raise unknown("trainer", self.trainer, TRAINERS)
        for name in self.trackers:
            if name not in TRACKERS:
                raise unknown("tracker", name, TRACKERS)
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
    trainer: TrainerName = "auto",
    precision: Precision = "highest",
    jobs: int = 1,
    shard: tuple[int, int] | None = None,
    trackers: Sequence[str] = (),
    progress: Progress | None = None,
    command: str = "",
    **settings: Any,
) -> Result:
    """Run a study for some seeds; with `out`, in a run directory that goes on where it stopped, with its report.

    `device` is auto, cpu or cuda; `engine` is local or, for a cluster, ray; `trainer` is auto (the fastest that takes
    the model), cohort (rules for each layer), vmap (`torch.func.vmap`) or single (run by run); `jobs` is the most
    processes that may be started (a script that asks for more than one needs the usual
    `if __name__ == "__main__"` guard); `shard` (i, n) runs the i-th of n parts of the seeds; `trackers` follow the
    run (tensorboard, wandb). Further keywords change settings, as in `run("digits", range(8), aux_logits=50)`; a dotted
    one goes in as `**{"student.lr": 1e-2}`. Raises InputError for anything that cannot be used, before anything is
    written.
    """
    study = build(study, settings, "run")
    chosen = checked_seeds(seeds)
    options = Options(device, engine, trainer, precision, jobs, shard, trackers, progress)
    if out is not None:
        check_out(study, Path(out), precision)
        study = store.known_as(study, Path(out))
    check_packages(trackers)
    own = share(chosen, shard)
    # Looked for first: what is there already needs no device, and so no torch.
    there = store.finished(out, study, {"precision": precision}, own, shard_name(shard)) if out is not None else None
    if there is not None:
        if progress is not None:
            progress(len(own), len(own), ())
        return _report(there, _awaited(chosen, shard))
    place = place_of(options)
    if is_here(options, place):
        check_memory(study)
    study.designed.prepare()
    study.designed.trainer(trainer)
    if options.jobs > 1 or options.engine == "ray":
        study.designed.check_sent()
    if out is None:
        with closing(_outcomes(study, own, setup_of(options, place), options, place, set())) as outcomes:
            return _result(study, [record for outcome in outcomes for record in outcome.records], None)
    command = command or _call(study, chosen, out)
    with ExitStack() as stack:
        folder = store.writing(out, study, runtime_of(options, place), command, shard_name(shard))
        writer = stack.enter_context(folder)
        followers = stack.enter_context(Followers(trackers, Path(out)))
        setup, done = setup_of(options, place, out), writer.done & set(own)
        for outcome in stack.enter_context(closing(_outcomes(study, own, setup, options, place, done))):
            writer.add(outcome.records)
            followers.add(outcome.records)
    return _report(store.load(out), _awaited(chosen, shard))


def check_out(study: Study, out: Path, precision: Precision = "highest") -> None:
    """Raise InputError unless a run of the study and its report can be written into `out`. It writes nothing."""
    store.check(out, study, {"precision": precision})
    figures = {f"{FIGURES}/{name}": anything for name in figure_files(study)}
    files = {"estimates.json": anything, looks.FILE: anything, "report.html": a_page, **figures}
    check_within(out, files, (FIGURES, KEPT))


@dataclass(frozen=True)
class Place:
    """Where jobs are run: "cpu" or "cuda", and how many at a time at most."""

    device: str
    slots: int


def place_of(options: Options) -> Place:
    """Where the options lead; a cluster is connected to. Raises InputError for what is not there."""
    if options.engine == "ray":
        from sublearn.execution.engines import ray  # late: an optional package

        return Place(*ray.connect(options.jobs, options.device))
    device = resolve(options.device)
    # A GPU is not shared between processes.
    return Place(device, options.jobs if device == "cpu" else 1)


def is_here(options: Options, place: Place) -> bool:
    """Whether the runs are to fit in the memory of this machine: not a GPU's, nor that of a cluster's other nodes."""
    return place.device == "cpu" and not (options.engine == "ray" and os.environ.get("RAY_ADDRESS"))


def setup_of(options: Options, place: Place, folder: Path | str | None = None) -> Setup:
    """How one job is run under the options, for the run directory."""
    keep = None if folder is None else str(Path(folder) / KEPT)
    return Setup(device=place.device, precision=options.precision, trainer=options.trainer, threads=1, keep=keep)


def runtime_of(options: Options, place: Place) -> dict[str, str]:
    """What a run directory keeps of the options."""
    return {
        "device": place.device,
        "precision": options.precision,
        "engine": options.engine,
        "trainer": options.trainer,
    }


def share(seeds: Sequence[int], shard: tuple[int, int] | None, study: int = 0) -> list[int]:
    """The seeds of one shard: the i-th of n neighbouring parts, of equal size but for one seed.

    In a sweep the parts are dealt out anew for each of its studies, so that with few seeds each all shards have work.
    """
    if shard is None:
        return list(seeds)
    i, n = shard
    part = (i - 1 + study + study // n) % n
    return list(seeds)[len(seeds) * part // n : len(seeds) * (part + 1) // n]


def shard_name(shard: tuple[int, int] | None) -> str | None:
    """The name of a shard's own file, as "3of8"."""
    return None if shard is None else f"{shard[0]}of{shard[1]}"


def engine(jobs: Iterable[Job], count: int, options: Options, tolerant: bool = False) -> Generator[Outcome]:
    """Run jobs by the engine of the options, with so many workers; if `tolerant`, a job's failure is an outcome."""
    if options.engine == "ray":
        from sublearn.execution.engines import ray

        return ray.run_jobs(jobs, count, tolerant)
    return local.run_jobs(jobs, count, tolerant)


def workers(seconds: float, seeds: int, options: Options, place: Place) -> int:
    """How many runs at a time are worth it for so many seeds: a process pays off after some seconds of work."""
    if options.engine == "ray":
        return place.slots
    return max(1, min(place.slots, math.ceil(seeds * seconds / SECONDS_WORTH_A_PROCESS)))


def seeds_there(study: Study, folder: Path) -> set[int]:
    """The seeds that have all their records in the run directory, if it is one of this study."""
    if not os.path.exists(folder / store.MANIFEST):  # unlike a path's own, it takes any name
        return set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who opens the folder to write is told of a torn record
        found = store.load(folder)
    return found.complete_seeds() if found.study.asks_what(study) else set()


def few(study: Study, seeds: Iterable[int], folder: Path, cells: int = 1) -> str | None:
    """What to say before a run whose seeds, with those that are there, are too few for a verdict; None if enough."""
    wanted, there = set(seeds), seeds_there(study, folder)
    every = sorted(wanted | there)
    seen = looks.earlier(folder, study, every, cells) if there else ()
    family = family_of(study, len(seen) + 1, cells)
    if not study.claims or units_of(study, every) >= family.least_runs:
        return None
    least, n = family.least_runs * study.seeds_a_unit, len(every)
    said = f"Note: {'1 run' if n == 1 else f'{n} runs'} cannot reach a verdict, whatever comes out"
    return f"{said}: it takes at least {least} ({family.text}), as in --seeds 0:{least}."


def load(path: Path | str, awaited: int = 0) -> Result:
    """The records of a run directory and what they show; below the number of runs that is awaited, no verdicts."""
    found = store.load(path)
    return _result(found.study, found.records, found.path, awaited)


def to_frame(result: Result) -> pd.DataFrame:
    """The records as one tidy pandas table, a row a record."""
    import pandas as pd

    return pd.DataFrame([record.model_dump() for record in result.records], columns=list(Record.model_fields))


def _awaited(chosen: Sequence[int], shard: tuple[int, int] | None) -> int:
    """How many runs a verdict waits for: all that were asked for, where others run some of them."""
    return 0 if shard is None else len(chosen)


def report(path: Path | str) -> Result:
    """Write estimates.json, figures/*.svg and report.html of a run directory from its records, and return them."""
    return _report(store.load(path))


def section(result: Result) -> Section:
    """One section of a page for a result that lies in a run directory."""
    manifest = read_study(result.path).model_dump(include={"versions", "runtime", "command"}) if result.path else {}
    return Section(result.analysis, result.records, manifest, _kept(result.path) if result.path else ())


def _kept(folder: Path) -> list[Table]:
    """Tables of what a language study kept in its run directory; none where it kept nothing."""
    metrics = [read_metrics(file) for file in sorted(folder.glob(f"{KEPT}/*/metrics.json"))]
    rows = sorted(folder.glob(f"{KEPT}/*/numbers/*.jsonl"))
    first = [file for file in rows if file.parent == rows[0].parent]
    return kept_tables(metrics, {file.stem: read_rows(file) for file in first})


def write_page(sections: Sequence[Section], path: Path) -> None:
    """Write one self-contained page of several sections. Raises InputError if something else than a page is there."""
    replace_page(path, page(sections))


def figures(shown: Section) -> dict[str, str]:
    """Every figure of a section as SVG text, by name."""
    return dict(shown.arms) | ({"contrasts": shown.contrasts} if shown.analysis.study.claims else {})


def figure_files(study: Study) -> list[str]:
    """The names of the files of a study's figures, in the order of `figures`."""
    names = [trait.name for trait in study.traits] + (["contrasts"] if study.claims else [])
    return [f"{safe_name(name)}.svg" for name in dict.fromkeys(names)]


def subset(result: Result, seeds: Iterable[int]) -> Result:
    """What the records of these seeds alone show."""
    wanted = list(seeds)
    return _result(result.study, result.records.take(np.isin(result.records.seed, wanted)), result.path)


def run_pipeline(seed: int = 0, verbose: bool = False) -> dict[str, float]:
    """The tutorial's experiment for one seed, under the tutorial's eight result keys.

    Raises InputError for the rare seed whose filtered prompts leave a last batch of one, which BatchNorm refuses.
    """
    from sublearn.study.tutorial.single import run_seed
    from sublearn.study.tutorial.spec import Settings

    found = run_seed(Settings(), seed, default_device(), verbose)
    if found.untrainable:
        raise InputError(f"Seed {seed} cannot be measured: {found.untrainable}. Use another seed.")
    arms = dict(zip(("teacher", "baseline", "studentA", "studentB"), found.measured.values(), strict=True))
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
    study: Study, seeds: list[int], setup: Setup, options: Options, place: Place, done: set[int]
) -> Generator[Outcome]:
    """The outcomes of the seeds that are not done, told to the options' progress as they come."""
    seconds = study.designed.seconds_a_run
    # Cohorts are formed as for all seeds, so that a run that was stopped goes on with the same ones.
    jobs = planned(study, seeds, setup, done, workers(seconds, len(seeds), options, place))
    count = workers(seconds, len(seeds) - len(done), options, place)
    ended, tell = len(done), options.progress or (lambda *_: None)
    tell(ended, len(seeds), ())
    with closing(engine(jobs, count, options)) as outcomes:
        for outcome in outcomes:
            yield outcome
            ended += len(outcome.seeds)
            tell(ended, len(seeds), outcome.notes)


def _report(found: store.Run, awaited: int = 0) -> Result:
    """The report of a run directory; its verdicts wait for as many runs as are awaited, and are a look at it then."""
    result = _result(found.study, found.records, found.path, awaited)
    shown = section(result)  # first, because it reads what is kept, and may refuse it
    if len(result.analysis.seeds) >= awaited:
        looks.record(found.path, found.study, result.analysis.seeds)
    replace_text(found.path / "estimates.json", json.dumps(result.analysis.to_dict(), indent=2) + "\n")
    folder = own_folder(found.path / FIGURES)
    for file, figure in zip(figure_files(result.study), figures(shown).values(), strict=True):
        replace_text(folder / file, figure)
    write_page([shown], found.path / "report.html")
    return result


def _result(study: Study, records: Iterable[Record], path: Path | None, awaited: int = 0) -> Result:
    ordered = Columns.of(records).in_order_of({arm.name: i for i, arm in enumerate(study.arms)})
    cells = cells_of(path)
    seen = looks.earlier(path, study, np.unique(ordered.seed).tolist(), cells) if path else ()
    return Result(study, ordered, analyse(study, ordered, seen, cells, awaited), path)


def cells_of(path: Path | None) -> int:
    """How many studies are looked at together: those of the sweep that a run directory lies in, or it alone."""
    if path is None or not os.path.exists(path.parent / SWEEP_FILE):
        return 1
    try:
        return math.prod(len(values) for values in read_sweep(path.parent).grid.values())
    except InputError:  # the sweep's own report says so
        return 1


def _call(study: Study, seeds: list[int], out: Path | str) -> str:
    return f"sublearn.run({study.name!r}, {seeds}, {str(out)!r})"
