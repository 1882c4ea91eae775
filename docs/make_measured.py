"""The measured tables of docs/audit.md and docs/defences.md: `python docs/make_measured.py FOLDER [FOLDER ...]`.

A folder is that of `sublearn audit --benchmark`, or a run directory of `sublearn defend`. The table stands between
`<!-- measured -->` and `<!-- end -->`, that of a benchmark of some kinds of sets alone between `<!-- some -->` and
`<!-- end -->`; prose stays.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from make_mechanisms import replaced

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.auditing.benchmark.settings import Kind
from sublearn.report import benchmark, defences
from sublearn.results.benchmark import Benchmark
from sublearn.results.single import Result

DOCS = Path(__file__).parent


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


def main(folders: Sequence[str]) -> None:
    """Write the tables."""
    for folder in map(Path, folders):
        if (folder / found.BASES).is_dir():
            told, page = Benchmark.load(folder).found, DOCS / "audit.md"
            name = "measured" if {one.kind for one in found.every(folder)} == {*get_args(Kind)} else "some"
            page.write_text(replaced(page.read_text(), name, audits(told)))
        else:
            page = DOCS / "defences.md"
            page.write_text(replaced(page.read_text(), "measured", defended(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
