"""What is known of a study that failed within a sweep: a file in its run directory, until it succeeds. Runs nothing."""

from pathlib import Path

from pydantic import BaseModel

from sublearn.errors import plain
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import replace_text

PREFIX, ALL = "failure", "failure*.json"


class Failed(BaseModel, frozen=True, extra="forbid"):
    """Why a study failed, the seeds of the job that did, and Python's own account of it."""

    reason: str
    seeds: tuple[int, ...]
    traceback: str = ""


def note(folder: Path, failed: Failed, shard: str | None = None) -> None:
    """Keep a failure in a run directory, over what its shard failed of before."""
    replace_text(_file(folder, shard), failed.model_dump_json(indent=2) + "\n")


def clear(folder: Path, shard: str | None = None) -> None:
    """Forget the failures of a shard; of all if it is the only one."""
    for file in [_file(folder, shard)] if shard else list(folder.glob(ALL)):
        file.unlink(missing_ok=True)


def found(folder: Path) -> str | None:
    """Why the study in a run directory failed, as one line; None if it did not."""
    for file in sorted(folder.glob(ALL)):
        failed = typed(Failed, json_file(file, "the note of a failure"), str(file))
        return plain(failed.reason, 300)
    return None


def _file(folder: Path, shard: str | None) -> Path:
    return folder / (f"{PREFIX}-{shard}.json" if shard else f"{PREFIX}.json")
