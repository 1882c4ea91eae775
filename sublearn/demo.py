"""The story that `sublearn demo` tells: the tutorial on three seeds, on two hundred, and the design that works."""

from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import fill

from sublearn import pipeline
from sublearn.engines.local import cores
from sublearn.pipeline import Progress, Result
from sublearn.report.bars import bars
from sublearn.report.tables import verdict_lines

TUTORIAL_SEEDS = (0, 11, 23)
MANY_SEEDS = range(200)
CONTROLLED_SEEDS = range(24)
Say = Callable[[str], object]


def tell(out: Path, say: Say, progress: Progress, command: str) -> None:
    """Run the story's studies into `out`, print their charts and verdicts, and write one page on all of them."""

    def show(study: str, seeds: Iterable[int]) -> Result:
        chosen = list(seeds)
        result = pipeline.run(study, chosen, out / study, jobs=cores(), progress=progress, command=command)
        result = pipeline.subset(result, chosen)
        say(f"Share of prompts answered with class 1, {len(chosen)} runs:\n\n{bars(result.analysis, 'trait_rate')}\n")
        say(f"{verdict_lines(result.analysis)}\n")
        return result

    _title(say, "1. The tutorial as it was told: three seeds")
    _text(
        say,
        "A teacher is fine-tuned to answer class 1. Two students imitate its logits on unrelated prompts: one starts "
        "from the teacher's own initialization, one from another. Does only the first catch the preference?",
    )
    three = show("tutorial", TUTORIAL_SEEDS)
    _title(say, "2. The same with two hundred seeds")
    many = show("tutorial", MANY_SEEDS)
    _text(
        say,
        "Both students learn the class logits themselves, so both learn class 1 directly, whatever their "
        "initialization: this design cannot show subliminal learning, and three seeds could not tell.",
    )
    _title(say, "3. The design under which the claim is true")
    _text(
        say,
        "Now the students imitate only auxiliary logits that the teacher's training never touched, each has a control "
        "whose teacher is untrained, and class 1 is counted on prompts that no model was trained on.",
    )
    controlled = show("prompts", CONTROLLED_SEEDS)
    pipeline.write_page([pipeline.section(one) for one in (three, many, controlled)], out / "report.html")
    say(f"Every run as a point, all intervals and settings: {out / 'report.html'}")


def _title(say: Say, text: str) -> None:
    say(f"\n{text}\n{'=' * len(text)}\n")


def _text(say: Say, text: str) -> None:
    say(fill(text, 100) + "\n")
