"""SHA-256 of files, read in parts; and folders that carry the digests of what is in them. Knows no format; no torch."""

import hashlib
import json
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sublearn.errors import InputError
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import replace_text

SEAL = "digests.json"
"""The file in which a sealed folder carries the digests of its other files."""
UNSETTLED_NS = 1_000_000_000
"""A file that changed within so many nanoseconds may change again within one tick of its clock, without a trace."""

_known: dict[tuple[str, int, int, int, int], str] = {}


class _Seal(BaseModel):
    """What a sealed folder holds: file names to SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, str]


def of_file(path: Path, what: str = "the file") -> str:
    """The SHA-256 of a regular file, as 64 hexadecimal digits; read once a process as long as it does not change.

    Raises InputError for anything that is no regular file (a pipe would be waited for) or cannot be read.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"Cannot read {what} {path}: it is no regular file.")
        # The time of the last change of status as well, which nobody can set back.
        key = (str(path.absolute()), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if key in _known:
            return _known[key]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - found.st_ctime_ns > UNSETTLED_NS:
            _known[key] = digest
        return digest
    except OSError as error:
        raise InputError(f"Cannot read {what} {path}: {error.strerror or error}.") from None


def of_files(files: Mapping[str, Path], what: str = "the file") -> str:
    """One SHA-256 for several files and the names that they go by."""
    lines = "".join(f"{name}\0{of_file(path, what)}\n" for name, path in sorted(files.items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def seal(folder: Path) -> None:
    """Write the digests of all files of a folder into it. Do it last: a folder without is unfinished."""
    files = {name: of_file(path) for name, path in _files(folder).items()}
    replace_text(folder / SEAL, json.dumps({"files": files}, indent=2) + "\n")


def unsound(folder: Path) -> str | None:
    """Why a folder does not hold what it held when it was sealed; None if it does."""
    try:
        sealed = typed(_Seal, json_file(folder / SEAL, "the digests"), "it").files
    except InputError:
        return f"it has no readable {SEAL}" if folder.exists() else "it is not there"
    files = _files(folder)
    if odd := sorted(sealed.keys() ^ files.keys()):
        return f"{odd[0]} is missing" if odd[0] in sealed else f"{odd[0]} was added"
    try:
        changed = [name for name, path in sorted(files.items()) if of_file(path) != sealed[name]]
    except InputError as error:
        return str(error).rstrip(".")
    return f"{changed[0]} is not what was written" if changed else None


def _files(folder: Path) -> dict[str, Path]:
    """Everything below a folder that is no folder, by relative name, without the seal."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    return {name: path for name, path in found.items() if name != SEAL}
