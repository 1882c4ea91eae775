"""The story that `sublearn demo` tells: the tutorial on three seeds, on two hundred, and the design that works."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill

from sublearn.execution import pipeline, store
from sublearn.execution.engines.local import cores
from sublearn.execution.pipeline import Progress, Result
from sublearn.files.folders import check_made, made_by
from sublearn.files.writing import a_page, beginning, replace_text
from sublearn.report.charts.bars import bars
from sublearn.report.tables import verdict_lines
from sublearn.study.table import build

TUTORIAL_SEEDS = (0, 11, 23)
MANY_SEEDS = range(200)
CONTROLLED_SEEDS = range(24)
PARTS: tuple[tuple[str, Sequence[int]], ...] = (
    ("tutorial", TUTORIAL_SEEDS),
    ("tutorial", MANY_SEEDS),
    ("prompts", CONTROLLED_SEEDS),
)
"""The studies of the story with their seeds."""
MANIFEST, PAGE = "demo.json", "report.html"
Say = Callable[[str], object]


def tell(out: Path, say: Say, progress: Progress, command: str) -> None:
    """Run the story's studies into `out`, print their charts and verdicts, and write one page on all of them.

    Raises InputError, before anything is run, for a folder that holds something else.
    """
    ours = "sublearn demo", out, {MANIFEST: beginning(b'{\n  "demo": ')}, {PAGE: a_page}
    check_made(*ours)
    for study in dict.fromkeys(study for study, _ in PARTS):
        pipeline.check_out(build(study), out / study)
    with made_by(*ours):
        content = {"demo": [study for study, _ in PARTS], "command": command, "versions": store.versions()}
        replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")
        _tell(out, say, progress, command)


def write_page(out: Path) -> Path:
    """Write the page of a demo's folder again, from its records; where it stands."""
    results = [pipeline.subset(pipeline.load(out / study), seeds) for study, seeds in PARTS]
    pipeline.write_page([pipeline.section(result) for result in results], out / PAGE)
    return out / PAGE


def _tell(out: Path, say: Say, progress: Progress, command: str) -> None:
    def show(study: str, seeds: Sequence[int]) -> Result:
        result = pipeline.run(study, seeds, out / study, jobs=cores(), progress=progress, command=command)
        result = pipeline.subset(result, seeds)
        say(f"Share of prompts answered with class 1, {len(seeds)} runs:\n\n{bars(result.analysis, 'trait_rate')}\n")
        say(f"{verdict_lines(result.analysis)}\n")
        return result

    _title(say, "1. The tutorial as it was told: three seeds")
    _text(
        say,
        "A teacher is fine-tuned to answer class 1. Two students imitate its logits on unrelated prompts: one starts "
        "from the teacher's own initialization, one from another. Does only the first catch the preference?",
    )
    show(*PARTS[0])
    _title(say, "2. The same with two hundred seeds")
    show(*PARTS[1])
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
    show(*PARTS[2])
    say(f"Every run as a point, all intervals and settings: {write_page(out)}")


def _title(say: Say, text: str) -> None:
    say(f"\n{text}\n{'=' * len(text)}\n")


def _text(say: Say, text: str) -> None:
    say(fill(text, 100) + "\n")
