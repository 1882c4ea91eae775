"""How a benchmark is timed, printed and saved."""

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sublearn.execution.store import versions


@dataclass(frozen=True)
class Line:
    """One measured figure, what it is a ratio to, and the goal, if there is one ("at least" unless `most`)."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = False

    def __str__(self) -> str:
        if self.goal is None:
            return f"  {self.what:<68} {self.value:>10.3g} {self.unit}"
        met = self.value <= self.goal if self.most else self.value >= self.goal
        bound = "most" if self.most else "least"
        verdict = f"(goal: at {bound} {self.goal:g}: {'reached' if met else 'NOT REACHED'})"
        return f"  {self.what:<68} {self.value:>10.3g} {self.unit}  {verdict}"


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of several timings."""
    return min(_once(work) for _ in range(repeats))


def in_turn(*ways: Callable[[], object], repeats: int = 3) -> list[float]:
    """The shortest of several timings of each way, taking turns: a shared machine is not alike all the time."""
    rounds = [[_once(work) for work in ways] for _ in range(repeats)]
    return [min(times) for times in zip(*rounds, strict=True)]


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def publish(name: str, lines: list[Line], **about: object) -> None:
    """Print the table and save it as benchmarks/NAME.json with machine, versions, date, and what else it is about."""
    print(f"\n{name}")
    for line in lines:
        print(line)
    content = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": versions(),
        **about,
        "lines": [asdict(line) for line in lines],
    }
    (Path(__file__).parent / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    rows = info.read_text().splitlines() if info.exists() else []
    named = [row.partition(":")[2].strip() for row in rows if row.startswith("model name")]
    return named[0] if named else platform.processor()
