"""The benchmark base by base, in this process or in several; what was measured is in its folder at any time.

Each base has a file of its own, so that no two processes write to one. Loads torch where a base is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sublearn import devices, signals, stages
from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.found import Measured
from sublearn.auditing.benchmark.sets import every
from sublearn.auditing.benchmark.settings import Settings
from sublearn.execution.engines import local
from sublearn.execution.options import OnStage, Progress
from sublearn.execution.pace import Stage
from sublearn.files.appending import Appending
from sublearn.files.writing import own_folder
from sublearn.stages import News
from sublearn.study.jobs import Hear


@dataclass(frozen=True)
class Base:
    """One base whose sets are to be measured into a folder."""

    out: Path
    seed: int
    settings: Settings


@dataclass
class _Told:
    """Who is told how many sets are done, by base."""

    progress: Progress
    on_stage: OnStage
    total: int
    by_base: dict[int, int] = field(default_factory=dict)
    last: int = -1

    def hear(self, seed: int, news: News, sets: int) -> None:
        """Hand on what a base is at; its share is that of its sets."""
        self.reach(seed, round(news.share * sets))
        self.on_stage(Stage(news.stage, self.last, self.total))

    def reach(self, seed: int, done: int) -> None:
        """Take note of how many sets of a base are done, and say so where there are more."""
        self.by_base[seed] = max(done, self.by_base.get(seed, 0))
        count = sum(self.by_base.values())
        if count > self.last:
            self.last = count
            self.progress(count, self.total, ())


def run(
    out: Path, seeds: Sequence[int], settings: Settings, jobs: int, progress: Progress, on_stage: OnStage
) -> list[Measured]:
    """Measure what is missing of these bases; all that the folder then holds. The folder must be held."""
    own_folder(out / found.BASES)
    sets = len(every(settings))
    told = _Told(progress, on_stage, sets * len(seeds))
    told.by_base = {seed: len(found.measured(out, seed, mend=True)) for seed in seeds}
    told.reach(seeds[0], 0)
    todo = [Base(out, seed, settings) for seed in seeds if told.by_base[seed] < sets]
    for seed in local.each(measure, todo, min(jobs, len(todo)), lambda key, news: told.hear(key[1], news, sets)):
        told.reach(seed, sets)
    return found.every(out)


def measure(base: Base, hear: Hear) -> int:
    """Measure the sets of a base that are not there yet, a line each; its seed."""
    from sublearn.auditing.benchmark.measure import measured  # late: needs torch
    from sublearn.language import models

    models.quiet()
    there = {one.set for one in found.measured(base.out, base.seed)}
    file, total = Appending(found.file_of(base.out, base.seed)), len(every(base.settings))
    say = partial(_say, hear, base.seed, lambda: len(there) / total)
    with devices.repeatable("cpu"), devices.one_thread(), stages.listening(say):
        for one in measured(base.seed, set(there), base.settings):
            with signals.unbroken():
                file.add(found.line(one).encode())
            there.add(one.set)
            say(News(f"base {base.seed}", 0))
    return base.seed


def _say(hear: Hear, seed: int, share: Callable[[], float], news: News) -> None:
    hear(("benchmark", seed), News(news.stage, share()))
