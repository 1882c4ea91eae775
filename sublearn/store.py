"""Run directories: a study's manifest and its records, appended and never lost. It keeps what it is given; it computes
nothing and imports no torch.
"""

import errno
import fcntl
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

from pydantic import ValidationError

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.studies.base import Study

MANIFEST, RECORDS = "study.json", "records.jsonl"
Key = tuple[str, int, str]


@dataclass(frozen=True)
class Run:
    """One run directory: where it is, the study that it answers, how it was made, and its records."""

    path: Path
    study: Study
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]

    def complete_seeds(self) -> set[int]:
        """Seeds with a record of every arm and trait."""
        wanted = {(arm.name, trait.name) for arm in self.study.arms for trait in self.study.traits}
        have: dict[int, set[tuple[str, str]]] = {}
        for record in self.records:
            have.setdefault(record.seed, set()).add((record.arm, record.trait))
        return {seed for seed, pairs in have.items() if pairs >= wanted}


def versions() -> dict[str, str]:
    """The versions that a result depends on, read without importing them."""
    found = {"python": python_version()}
    for package in ("sublearn", "torch", "numpy", "scipy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def load(path: Path | str) -> Run:
    """Read a run directory. A torn last record is left out with a warning; damage before it is an InputError."""
    folder = Path(path)
    manifest = _manifest(folder)
    study = _study(folder, manifest)
    records, torn = _read_records(folder / RECORDS, study)
    if torn is not None:
        warnings.warn(f"The last record in {folder / RECORDS} is torn; it is left out.", stacklevel=2)
    return Run(folder, study, manifest, tuple(records))


@contextmanager
def writing(path: Path | str, study: Study, runtime: Mapping[str, str], command: str) -> Iterator["Writer"]:
    """Open a run directory for adding records; made if it is not there, gone on with if it holds the same study.

    Raises InputError if the folder holds another study, other files or another precision, cannot be written, or is
    being written by another process.
    """
    folder = Path(path)
    try:
        _check_folder(folder, study, runtime)
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another --out.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"Another process is writing to {folder}. Wait for it, or choose another --out.") from None
        if not (folder / MANIFEST).exists():
            manifest = {"id": study.id, "study": study.model_dump(mode="json"), "versions": versions()}
            manifest |= {"runtime": dict(runtime), "command": command}
            replace_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        _drop_torn_record(folder / RECORDS, study)
        yield Writer(folder, load(folder))


class Writer:
    """Adds records to a run directory; what `add` returned from is on the disk."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.run = run
        self.path = folder
        self._have: set[Key] = {_key(record) for record in run.records}

    def add(self, records: Iterable[Record]) -> None:
        """Append the records that are not there yet, in one write, flushed to the disk before it counts."""
        new = [record for record in records if _key(record) not in self._have]
        text = "".join(record.model_dump_json() + "\n" for record in new)
        if text:
            _append(self.path / RECORDS, text.encode())
        self._have |= {_key(record) for record in new}


def replace_text(path: Path, text: str) -> None:
    """Write a whole file beside its place, flush it to the disk, and only then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _full(path, error) from None


def _key(record: Record) -> Key:
    return record.arm, record.seed, record.trait


def _append(path: Path, content: bytes) -> None:
    """Append all of `content` or none of it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before = os.fstat(descriptor).st_size
        try:
            written = 0
            while written < len(content):
                written += os.write(descriptor, content[written:])
            os.fsync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, before)
            raise _full(path, error) from None
    finally:
        os.close(descriptor)


def _full(path: Path, error: OSError) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return InputError(
            f"The disk is full: {path} could not be written whole. What was recorded before is safe; "
            "free some space and give the same command again."
        )
    return InputError(f"Cannot write {path}: {error.strerror}. What was recorded before is safe.")


def _check_folder(folder: Path, study: Study, runtime: Mapping[str, str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"--out {folder} is a file; expected a folder. Choose another --out.")
    if not (folder / MANIFEST).exists():
        if any(child.name != ".lock" for child in folder.iterdir()):
            raise InputError(f"{folder} holds other files and no {MANIFEST}. Choose an empty or new folder for --out.")
        return
    manifest = _manifest(folder)
    if manifest["id"] != study.id:
        raise InputError(f"{folder} holds another study: {manifest['id']}, not {study.id}. Choose another --out.")
    made, now = manifest["runtime"].get("precision"), runtime.get("precision")
    if made != now:
        raise InputError(f"{folder} was made with --precision {made}, not {now}. Choose another --out.")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{folder} is no run directory: it has no readable {MANIFEST}.") from None
    except ValueError:
        raise InputError(f"{folder / MANIFEST} is damaged: it is no JSON. Nothing was changed.") from None
    if not isinstance(manifest, dict) or not {"id", "study", "versions", "runtime"} <= set(manifest):
        raise InputError(f"{folder / MANIFEST} is damaged: a key is missing. Nothing was changed.")
    return manifest


def _study(folder: Path, manifest: Mapping[str, Any]) -> Study:
    try:
        study = Study.model_validate(manifest["study"])
    except ValidationError:
        raise InputError(f"{folder / MANIFEST} does not hold a study. Nothing was changed.") from None
    if study.id != manifest["id"]:
        raise InputError(f"{folder / MANIFEST} was edited: its study is {study.id}, its id says {manifest['id']}.")
    return study


def _read_records(path: Path, study: Study) -> tuple[list[Record], int | None]:
    """The records of a file and the offset of a torn last one, if it is torn."""
    content = path.read_bytes() if path.exists() else b""
    records: list[Record] = []
    seen: set[Key] = set()
    offset = 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        try:
            record = Record.model_validate_json(line)
        except ValidationError:
            record = None
        last = offset + len(line) == len(content)
        if last and (record is None or not line.endswith(b"\n")):
            return records, offset
        if record is None or record.study != study.id or _key(record) in seen:
            raise InputError(f"{path}, line {number} is damaged: {_flaw(record, study)}. Nothing was changed.")
        records.append(record)
        seen.add(_key(record))
        offset += len(line)
    return records, None


def _flaw(record: Record | None, study: Study) -> str:
    if record is None:
        return "it is no record"
    return "it repeats an earlier record" if record.study == study.id else f"it belongs to {record.study}"


def _drop_torn_record(path: Path, study: Study) -> None:
    _, torn = _read_records(path, study)
    if torn is not None:
        warnings.warn(f"The last record in {path} was torn; it is dropped and will be run again.", stacklevel=4)
        os.truncate(path, torn)
