"""Runs that are stopped each time something new was kept, and given again until they end."""

from pathlib import Path

import pytest

from sublearn.language import artifacts
from sublearn.records import Record
from sublearn.study.base import Study
from sublearn.study.jobs import Setup, measure, plan


def whole(study: Study, keep: Path | None) -> list[Record]:
    """The records of seed 0."""
    jobs = plan(study, [0], Setup(keep=keep and str(keep)))
    return [row for job in jobs for row in measure(job).records]


def stopped(study: Study, keep: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Record], int]:
    """The same of a run that was stopped after every single thing that it kept, and how often it was stopped."""
    for name in ("put", "put_rows"):
        monkeypatch.setattr(artifacts, name, _stopping(getattr(artifacts, name)))
    for stops in range(100):
        try:
            return whole(study, keep), stops
        except KeyboardInterrupt:
            continue
    raise AssertionError("the run does not end")


def _stopping(original):
    def stop(*given):
        original(*given)
        raise KeyboardInterrupt

    return stop


def made(keep: Path) -> dict[str, bytes]:
    """Everything that was kept, by name."""
    return {str(path.relative_to(keep)): path.read_bytes() for path in keep.rglob("*") if path.is_file()}
