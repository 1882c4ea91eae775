"""What defences come to in a run directory: records compared, with the seconds that its seeds noted. Torch-free."""

from collections.abc import Sequence
from pathlib import Path

from sublearn.auditing.defences.compared import Compared, compared
from sublearn.auditing.defences.design import NAME
from sublearn.execution.plan import ARTIFACTS
from sublearn.records import Record
from sublearn.study.analysis import Analysis
from sublearn.study.numbers.metrics import read_metrics

FILE = "defences.json"


def compared_in(folder: Path | None, analysis: Analysis, records: Sequence[Record]) -> tuple[Compared, ...]:
    """Every defence of a study of defences; nothing of any other study."""
    if analysis.study.name != NAME:
        return ()
    seconds: dict[str, list[float]] = {}
    for file in sorted(folder.glob(f"{ARTIFACTS}/*/metrics.json")) if folder else ():
        for arm, seen in read_metrics(file).arms.items():
            if seen.seconds is not None:
                seconds.setdefault(arm, []).append(seen.seconds)
    return tuple(compared(analysis, records, seconds))
