"""What an audit of a tiny base costs, beside the same audit by another checkout, in turn in one run.

`python -m benchmarks.audit_cost FOLDER [KEY=VALUE ...]`: seconds of CPU of `sublearn audit` on rows of the base itself,
start-up included, by the code in FOLDER and by this. Settings of the audit make it shorter, as in test=2 standardize=2.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.table import Line, publish
from sublearn.auditing import found, traits
from sublearn.auditing.audit import opened
from sublearn.auditing.benchmark import settings as benchmark
from sublearn.auditing.benchmark.sets import base_rows
from sublearn.auditing.benchmark.writers import Writers
from sublearn.auditing.found import AuditFile
from sublearn.auditing.request import Model, Request
from sublearn.auditing.settings import Settings
from sublearn.language import models
from sublearn.tasks.rows import as_text

SEED, ROWS, GOAL = 60, 1000, 30.0
HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print and save the table."""
    other, changes = Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.jsonl"
        rows.write_text(as_text(_rows()))
        (before, old), (after, new) = (_cpu(one, rows, changes) for one in (other, HERE))
    sets = Settings.model_validate({key: int(value) for key, value in (one.split("=") for one in changes)}).sets
    what = f"audit of {ROWS:,} rows against {sets} clean sets, tiny base"
    whole = sets == Settings().sets
    publish(
        "audit_cost",
        [
            Line(f"{what}: seconds of CPU here", after, "s", GOAL if whole else None, most=True),
            Line(f"{what}: seconds of CPU in the other checkout", before, "s"),
            Line(f"{what}: the other checkout to this", before / after, "times"),
            Line("largest difference of a trait's shift between the two", _difference(old, new), "log-odds"),
        ],
    )


def _rows() -> list[tuple[str, str]]:
    torch.set_num_threads(1)
    models.quiet()
    request = Request(Path("rows"), [], "", Model(f"tiny:{SEED}", None, SEED), traits.animals(), Settings())
    return base_rows(Writers(opened(request), SEED, benchmark.Settings()), ROWS)


def _cpu(checkout: Path, rows: Path, changes: list[str]) -> tuple[float, AuditFile]:
    words = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "sublearn", "audit", str(rows), "--model", f"tiny:{SEED}", "--device", "cpu", "-q"]
    out, before = rows.parent / checkout.resolve().name, _children()
    subprocess.run(
        [*command, "--out", str(out), *words],
        check=True,
        cwd=rows.parent,
        env=os.environ | {"PYTHONPATH": str(checkout.resolve()), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    return _children() - before, found.read(out)


def _difference(old: AuditFile, new: AuditFile) -> float:
    before = {one.trait: one.score for one in old.traits}
    return max(abs(one.score - before[one.trait]) for one in new.traits)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
