"""The measured tables of docs/audit.md and docs/defences.md: `python docs/make_measured.py FOLDER [FOLDER ...]`.

A folder is that of `sublearn audit --benchmark`, or a run directory of `sublearn defend`. The table stands between
`<!-- measured -->` and `<!-- end -->`, that of a benchmark of some kinds of sets alone between `<!-- some -->` and
`<!-- end -->`; prose stays.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from make_mechanisms import replaced

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.auditing.benchmark.settings import Settings
from sublearn.config import override
from sublearn.errors import InputError
from sublearn.report import benchmark, defences
from sublearn.results.benchmark import Benchmark
from sublearn.results.single import Result

DOCS = Path(__file__).parent
SOME = {"kinds": ["nuisance", "clean", "trait"], "most": 1000}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def audits(told: BenchmarkFile) -> str:
    """The benchmark's figures, and what they rest on; without those of single scores."""
    said = (benchmark.bases_sentence(told), benchmark.goals_sentence(told))
    rows = [benchmark.figure_cells(one) for one in told.figures if not one.score]
    return "\n".join([*said, "", *table(benchmark.HEADS, rows)])


def defended(folder: Path) -> str:
    """The table of defences, and what its columns are."""
    result = Result.load(folder)
    rows = [defences.cells(one) for one in result.defences]
    return "\n".join([defences.about(result.analysis), "", *table(defences.HEADS, rows)])


def part_of(folder: Path, told: BenchmarkFile) -> str:
    """The part of the page that a benchmark's table stands in. Raises InputError for one that has no place there."""
    asked = override(Settings, {})
    for name, wanted in (("measured", asked), ("some", override(Settings, SOME))):
        if told.settings == wanted.model_dump(mode="json"):
            return name
    raise InputError(f"{folder}: the page has the whole benchmark, and one of these settings: {SOME}.")


def main(folders: Sequence[str]) -> None:
    """Write the tables."""
    for folder in map(Path, folders):
        if (folder / found.BASES).is_dir():
            told, page = Benchmark.load(folder).found, DOCS / "audit.md"
            page.write_text(replaced(page.read_text(), part_of(folder, told), audits(told)))
        else:
            page = DOCS / "defences.md"
            page.write_text(replaced(page.read_text(), "measured", defended(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
