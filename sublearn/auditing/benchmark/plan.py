"""What the benchmark would measure, and about what it costs, before it does it. Torch-free."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.sets import every
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
    left = Counter(one.rows for seed in seeds for one in sets if one.name not in there[seed])
    kinds = Counter(one.kind for one in sets)
    done = len(sets) * len(seeds) - left.total()
    return [
        f"Benchmark of audits on {_count(len(seeds), 'base')}, {_count(len(sets), 'set')} each, into {plain(out)}.",
        f"Sets: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}.",
        f"Clean sets of each number of rows: {settings.sets}. Scores: {', '.join(settings.scores)}.",
        f"{done:,} of {len(sets) * len(seeds):,} sets are there.",
        _cost(left, len(seeds), settings, jobs),
    ]


def _cost(left: Counter[int], bases: int, settings: Settings, jobs: int) -> str:
    if not left:
        return "Nothing is left to measure."
    words = sum(len(prompt.split()) for prompt in number_prompts(100, stream(0, "audit/prompts"), tiny=True)) / 100
    a_row, virtual, student = words + WORDS, settings.virtual, settings.student
    a_set = virtual.steps * virtual.batch * ("virtual" in settings.scores) + student.steps * student.batch
    audits = left.total() + len(left) * bases * settings.sets
    rows = sum(size * count for size, count in left.items()) + sum(left) * bases * settings.sets
    seconds = a_row * (audits * a_set + rows * 2 * (1 + len(settings.scores))) / TOKENS_A_SECOND
    at_once = min(jobs, bases)
    return (
        f"About {duration(seconds / at_once)} with {_count(at_once, 'base')} at once on quiet cores, "
        "by what a tiny base reads a second; a rough guess."
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
