"""The table of the benchmark of audits, saved beside the other benchmarks.

`python -m benchmarks audit [FOLDER]` reads the folder that `sublearn audit --benchmark` measured into, by default
runs/audit-benchmark, and measures nothing itself.
"""

from benchmarks.table import Line, publish
from sublearn.auditing.benchmark.found import Figure
from sublearn.errors import InputError
from sublearn.results.benchmark import Benchmark

FOLDER = "runs/audit-benchmark"


def line(one: Figure) -> Line:
    """A figure as a line of a table."""
    interval = "" if one.low is None or one.high is None else f", {one.low:.2f} to {one.high:.2f}"
    said = f"; goal {one.verdict} by the interval" if one.verdict else ""
    return Line(f"{one.what} ({one.n} bases{interval}{said})", one.value, one.unit, one.goal, one.most)


def main(folder: str = FOLDER) -> None:
    """Save the table of a folder."""
    try:
        whole = Benchmark.load(folder)
    except InputError as error:
        raise SystemExit(f"{error} Measure it with: sublearn audit --benchmark --out {folder}") from None
    told, recipes = whole.found, sorted({one.recipe for one in whole.sets})
    of = {"command": told.command, "seeds": told.seeds, "recipes": recipes, "measured_by": told.versions}
    publish("audit", [line(one) for one in told.figures], **of)
