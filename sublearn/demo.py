"""The story that `sublearn demo` tells: the tutorial on its own three seeds, then on two hundred."""

from collections.abc import Callable
from pathlib import Path
from textwrap import fill

from sublearn import pipeline
from sublearn.engines.local import cores
from sublearn.pipeline import Progress, Result
from sublearn.report.tables import contrasts_table, estimates_table, verdict_lines

TUTORIAL_SEEDS = (0, 11, 23)
ENOUGH_SEEDS = range(200)
Say = Callable[[str], object]


def tell(out: Path, say: Say, progress: Progress, command: str) -> None:
    """Run the tutorial into `out`, print what it shows, and write one page on it."""
    _title(say, "1. The tutorial as it was told: three seeds")
    _text(
        say,
        "A teacher is fine-tuned to answer class 1. Two students imitate its logits on unrelated prompts: one starts "
        "from the teacher's own initialization, one from another. Does only the first catch the preference?",
    )
    three = pipeline.run("tutorial", TUTORIAL_SEEDS, out / "tutorial", jobs=cores(), progress=progress, command=command)
    three = pipeline.subset(three, TUTORIAL_SEEDS)
    _show(say, three)

    _title(say, "2. The same with two hundred seeds")
    many = pipeline.run("tutorial", ENOUGH_SEEDS, out / "tutorial", jobs=cores(), progress=progress, command=command)
    many = pipeline.subset(many, ENOUGH_SEEDS)
    _show(say, many)
    _text(
        say,
        "Both students learn the class logits themselves, so both learn class 1 directly, whatever their "
        "initialization: this design cannot show subliminal learning, and three seeds could not tell.",
    )
    sections = [pipeline.section(three), pipeline.section(many)]
    pipeline.write_page(sections, out / "report.html")
    say(f"\nReport: {out / 'report.html'}")


def _show(say: Say, result: Result) -> None:
    for text in (estimates_table(result.analysis), contrasts_table(result.analysis), verdict_lines(result.analysis)):
        say(f"{text}\n")


def _title(say: Say, text: str) -> None:
    say(f"\n{text}\n{'=' * len(text)}\n")


def _text(say: Say, text: str) -> None:
    say(fill(text, 100) + "\n")
