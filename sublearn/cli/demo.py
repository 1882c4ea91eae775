"""The story that `sublearn demo` tells: the tutorial on three seeds, on two hundred, and the design that works."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill

from sublearn.execution import pipeline, store
from sublearn.execution.engines.local import cores
from sublearn.execution.pipeline import Progress
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
WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "1. The tutorial as it was told: three seeds",
        "A teacher is fine-tuned to answer class 1. Two students imitate its logits on unrelated prompts: one starts "
        "from the teacher's own initialization, one from another. Does only the first catch the preference?",
        "",
    ),
    (
        "2. The same with two hundred seeds",
        "",
        "Both students learn the class logits themselves, so both learn class 1 directly, whatever their "
        "initialization: this design cannot show subliminal learning, and three seeds could not tell.",
    ),
    (
        "3. The design under which the claim is true",
        "Now the students imitate only auxiliary logits that the teacher's training never touched, each has a control "
        "whose teacher is untrained, and class 1 is counted on prompts that no model was trained on.",
        "",
    ),
)
"""Of each part: its title, and what is said before and after its verdict, on the terminal and on the page."""
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
    sections = [
        replace(pipeline.section(result), title=title, before=before, after=after)
        for result, (title, before, after) in zip(results, WORDS, strict=True)
    ]
    pipeline.write_page(sections, out / PAGE)
    return out / PAGE


def _tell(out: Path, say: Say, progress: Progress, command: str) -> None:
    for (study, seeds), (title, before, after) in zip(PARTS, WORDS, strict=True):
        say(f"\n{title}\n{'=' * len(title)}\n")
        _text(say, before)
        result = pipeline.run(study, seeds, out / study, jobs=cores(), progress=progress, command=command)
        result = pipeline.subset(result, seeds)
        say(f"Share of prompts answered with class 1, {len(seeds)} runs:\n\n{bars(result.analysis, 'trait_rate')}\n")
        say(f"{verdict_lines(result.analysis)}\n")
        _text(say, after)
    say(f"Every run as a point, all intervals and settings: {write_page(out)}")


def _text(say: Say, text: str) -> None:
    if text:
        say(fill(text, 100) + "\n")
