"""Audits of many kinds of sets on bases that no choice was made on, as `sublearn audit --benchmark` measures them.

`python -m benchmarks.audits 840:860` measures these seeds into the folder `audits` beside this file and resumes;
without seeds the table is made of what is there. Seeds 840 to 859 have all 20 animals, once each, and no choice was
made on them.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.table import Line, publish
from sublearn.auditing.benchmark import found, metrics
from sublearn.auditing.benchmark.found import Figure
from sublearn.auditing.benchmark.settings import Settings
from sublearn.execution.manifests import Provenance
from sublearn.execution.store import versions
from sublearn.results import benchmark
from sublearn.seeds import parse_seeds

FOLDER = Path(__file__).with_suffix("")


def line(one: Figure) -> Line:
    """A figure as a line of a table."""
    interval = "" if one.low is None or one.high is None else f", {one.low:.2f} to {one.high:.2f}"
    return Line(f"{one.what} ({one.n} bases{interval})", one.value, one.unit, one.goal, one.most)


def main(read: Callable[[], Sequence[str]] = lambda: sys.argv[1:]) -> None:
    """Measure the seeds that were named, or make the table."""
    named = next((word for word in read() if word[0].isdigit()), None)
    if named is None:
        publish("audits", [line(one) for one in metrics.figures(found.every(FOLDER), Settings())])
        return
    made = Provenance(f"python -m benchmarks.audits {named}", versions())
    benchmark.measured(FOLDER, parse_seeds(named), Settings(), made)


if __name__ == "__main__":
    main()
