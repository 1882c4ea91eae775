"""The story that `sublearn demo` tells: the tutorial on three seeds, on two hundred, and the design that works."""

from collections.abc import Callable
from pathlib import Path
from textwrap import fill

from sublearn.execution import store
from sublearn.execution.manifests import Made
from sublearn.execution.options import Options
from sublearn.execution.plan import Point
from sublearn.execution.run import execute
from sublearn.report.charts.bars import bars
from sublearn.report.tables import verdict_lines
from sublearn.results import demo
from sublearn.results.demo import Demo
from sublearn.results.single import Result

Say = Callable[[str], object]


def tell(out: Path, say: Say, options: Options, command: str) -> None:
    """Run the story's studies into `out`, print their charts and verdicts, and write one page on all of them.

    Raises InputError, before anything is run, for a folder that holds something else.
    """
    plan = demo.plan(out, options, command)

    def ended(point: Point) -> None:
        whole = Result.load(point.folder or out)
        for (name, seeds), texts in zip(demo.PARTS, demo.WORDS, strict=True):
            if name == point.study.name:
                _tell_part(whole.subset(seeds), texts, say)

    with demo.place(out, Made(command, store.versions(), {"precision": options.precision})):
        execute(plan, ended)
        found = Demo.load(out)
        for one in found.results:
            one.write()
        found.write()
    say(f"Every run as a point, all intervals and settings: {out / demo.PAGE}")


def _tell_part(result: Result, texts: tuple[str, str, str], say: Say) -> None:
    title, before, after = texts
    say(f"\n{title}\n{'=' * len(title)}\n")
    if before:
        say(fill(before, 100) + "\n")
    count = len(result.analysis.seeds)
    say(f"Share of prompts answered with class 1, {count} runs:\n\n{bars(result.analysis, 'trait_rate')}\n")
    say(f"{verdict_lines(result.analysis)}\n")
    if after:
        say(fill(after, 100) + "\n")
