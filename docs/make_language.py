"""The tables in docs/language-models.md, from finished runs: `python docs/make_language.py FOLDER [NAME...]`.

FOLDER holds the directories of that page's commands: animals, owl, rows (a sweep), llama. Each table stands between
`<!-- NAME -->` and `<!-- end -->`; prose stays, and so do the tables of directories that are not there or not named.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from make_tables import arms, claims, difference, interval

from sublearn import stats
from sublearn.results.single import Result
from sublearn.results.sweep import Sweep
from sublearn.study.numbers.metrics import Metrics, read_metrics

FILE = Path(__file__).parent / "language-models.md"
TRAITS = ("preference", "log_odds", "held_out")
BY_ANIMAL = ("teacher", "same_init", "same_init_control", "cross_init", "shuffled_within", "soft")


def noted(folder: Path) -> list[Metrics]:
    """What each run noted beside its records."""
    return [read_metrics(file) for file in sorted(folder.glob("made/*/metrics.json"))]


def by_animal(found: Sequence[Metrics]) -> Iterator[str]:
    """A row for each run's animal, the one that was caught most first."""
    yield f"| animal | {' | '.join(BY_ANIMAL)} | teacher's rows kept |"
    yield f"|---|{'---|' * (len(BY_ANIMAL) + 1)}"
    for one in sorted(found, key=lambda one: -one.arms["same_init"].favourite.preference):
        values = " | ".join(f"{one.arms[arm].favourite.preference:.2f}" for arm in BY_ANIMAL)
        yield f"| {one.animal} | {values} | {one.numbers['teacher'].pass_rate:.0%} |"


def recorded(found: Sequence[Metrics]) -> Iterator[str]:
    """Means over runs of what is no trait: rows that were kept, distances, directions, leaks."""

    def mean(what: str, value: Callable[[Metrics], float | None]) -> str:
        """Of the pairs of runs, which share their bases."""
        pairs: dict[int, list[float]] = {}
        for one in found:
            pairs.setdefault(one.seed // 2, []).append(float("nan") if (own := value(one)) is None else own)
        return f"| {what} | {interval(stats.estimate([sum(own) / len(own) for own in pairs.values()]))} |"

    yield f"| recorded over the {len(found)} runs | mean (95% interval over pairs) |"
    yield "|---|---|"
    yield mean("share of the teacher's rows that the rule keeps", lambda one: one.numbers["teacher"].pass_rate)
    yield mean("of the base's rows", lambda one: one.numbers["base"].pass_rate)
    yield mean("KL of the teacher's answers to the base, nats a token", lambda one: one.numbers["teacher"].kl_to_base)
    for arm, seen in found[0].arms.items():
        if seen.alignment is not None:
            yield mean(f"cosine of the update with the teacher's, {arm}", lambda one, arm=arm: one.arms[arm].alignment)
    leaks = sum(own.leaks or 0 for one in found for own in one.arms.values())
    yield f"| rows that name the animal | {leaks} in all |"


def by_rows(sweep: Sweep) -> Iterator[str]:
    """A row for each number of rows."""
    yield "| rows | same_init preference | control | log-odds, same minus control (interval that decides) | runs |"
    yield "|---|---|---|---|---|"
    for point in sweep.points:
        estimates = {(row.arm, row.trait): row.estimate for row in point.analysis.estimates}
        same, control = (interval(estimates[arm, "preference"]) for arm in ("same_init", "same_init_control"))
        (one,) = (
            row.contrast
            for row in point.analysis.contrasts
            if (row.treatment, row.control, row.trait) == ("same_init", "same_init_control", "log_odds")
        )
        yield f"| {point.settings['rows']:,} | {same} | {control} | {difference(one)} | {len(point.analysis.seeds)} |"


TABLES: dict[str, tuple[str, Callable[[Path], Iterator[str]]]] = {
    "animals: arms": ("animals", lambda folder: arms(Result.load(folder), TRAITS)),
    "animals: claims": ("animals", lambda folder: claims(Result.load(folder))),
    "animals: each": ("animals", lambda folder: by_animal(noted(folder))),
    "animals: recorded": ("animals", lambda folder: recorded(noted(folder))),
    "owl: arms": ("owl", lambda folder: arms(Result.load(folder), TRAITS[:2])),
    "rows": ("rows", lambda folder: by_rows(Sweep.load(folder))),
    "llama: arms": ("llama", lambda folder: arms(Result.load(folder), TRAITS[:2])),
    "llama: claims": ("llama", lambda folder: claims(Result.load(folder))),
}


def main() -> None:
    """Write the file again from the folder that is named."""
    folder, only = Path(sys.argv[1]), sys.argv[2:]
    text = FILE.read_text(encoding="utf-8")
    for name, (directory, table) in TABLES.items():
        if (folder / directory).exists() and (not only or directory in only):
            lines = "\n".join(table(folder / directory))
            pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
            text, found = pattern.subn(lambda match, lines=lines: f"{match[1]}{lines}{match[2]}", text)
            if found != 1:
                raise ValueError(f"{FILE.name} has {found} places for the table '{name}'")
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
