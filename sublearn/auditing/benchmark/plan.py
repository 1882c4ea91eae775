"""What the benchmark would measure, and about what it costs, before it does it. Torch-free."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.sets import Asked, every, trains
from sublearn.auditing.benchmark.settings import Settings
from sublearn.auditing.plan import TOKENS_A_SECOND, duration
from sublearn.errors import plain
from sublearn.seeds import stream
from sublearn.tasks.number_lists import number_prompts

WORDS = 20
"""Of an answer, numbers and commas, as the tiny bases write them."""


def lines(out: Path, seeds: Sequence[int], settings: Settings, jobs: int) -> list[str]:
    """Which sets of how many bases, what is there, and the cost of the rest."""
    sets, there = every(settings), {seed: {one.set for one in found.measured(out, seed)} for seed in seeds}
    left = [[one for one in sets if one.name not in there[seed]] for seed in seeds]
    kinds, done = Counter(one.kind for one in sets), len(sets) * len(seeds) - sum(map(len, left))
    return [
        f"Benchmark of audits on {_count(len(seeds), 'base')}, {_count(len(sets), 'set')} each, into {plain(out)}.",
        f"Sets: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}.",
        f"Clean sets of each number of rows: {settings.sets}. Scores: {', '.join(settings.scores)}.",
        f"{done:,} of {len(sets) * len(seeds):,} sets are there.",
        _cost([own for own in left if own], settings, jobs),
    ]


def _cost(left: Sequence[Sequence[Asked]], settings: Settings, jobs: int) -> str:
    if not left:
        return "Nothing is left to measure."
    words = sum(len(prompt.split()) for prompt in number_prompts(100, stream(0, "audit/prompts"), tiny=True)) / 100
    read = (words + WORDS) * sum(rows_read(own, settings) for own in left)
    at_once = min(jobs, len(left))
    return (
        f"About {duration(read / TOKENS_A_SECOND / at_once)} with {_count(at_once, 'base')} at once on quiet cores, "
        "by what a tiny base reads a second; a rough guess."
    )


def rows_read(left: Sequence[Asked], settings: Settings) -> int:
    """Rows that are sampled and read for these sets of one base: theirs, of as large clean sets, and of students."""
    sizes = {one.rows for one in left}
    audited = [one.rows for one in left] + [size for size in sizes for _ in range(settings.sets)]
    read = sum(map(settings.students_read, audited))
    trained = [one.rows for one in left if trains(one, settings)]
    # And some of clean rows for each size.
    students = trained + min(settings.clean_students, settings.sets) * list(set(trained))
    passes = 2 * (1 + len(settings.scores))
    return sum(audited) * passes + read + sum(map(settings.student.rows_read, students))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
