"""The one way out for files: whole or not at all, under the name that was meant, over nothing that is somebody else's.

A file is written beside its place under a name that nobody can foresee, flushed to the disk, and then moved there. What
is at the place may only be a file that the caller says it may replace. Knows no study and no format.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from sublearn.errors import InputError

BESIDE = re.compile(r"\.sublearn-[0-9a-f]{16}\.part")
"""The names of files that are being written, and of what is left of them after a kill."""
HEAD = 4096
LONGEST_NAME = 80
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")

Replaces = Callable[[bytes], bool]
"""Whether a file that begins with these bytes may be replaced."""


def anything(head: bytes) -> bool:
    """For files of a folder that is our own: what has this name there was made here."""
    del head
    return True


def nothing(head: bytes) -> bool:
    """For files that a user names: what is there stays."""
    del head
    return False


def a_page(head: bytes) -> bool:
    """For reports: only a page that a report has written before."""
    start = head.lstrip().lower()
    return start.startswith(b"<!doctype html>") and b"| sublearn</title>" in start


def check_target(path: Path, replaces: Replaces = nothing, option: str = "--out") -> None:
    """Raise InputError if `path` cannot be written or holds what must stay. Call it before any work; it writes nothing.

    What is there must be a regular file (no link, device or pipe) that `replaces` allows. The nearest folder above that
    exists must be one that can be written to.
    """
    if not path.name or path.name in (".", ".."):
        raise InputError(f"{option} '{path}' names no file. Give the name of a file to write.")
    try:
        _check_place(path, replaces, option)
        _check_folder_of(path, option)
    except (OSError, ValueError) as error:  # names that are too long, hold a null byte or cannot be encoded
        if isinstance(error, InputError):
            raise
        raise InputError(f"Cannot write {option} {path}: {_reason(error)}. Choose another name.") from None


def check_folder(path: Path, option: str = "--out") -> None:
    """Raise InputError if `path` is no folder and cannot become one. It makes nothing."""
    try:
        if path.is_dir():
            if not os.access(path, os.W_OK | os.X_OK):
                raise InputError(f"Cannot write to {path}: Permission denied. Choose another {option}.")
            return
        if path.exists() or path.is_symlink():
            raise InputError(f"{option} {path} is a file; expected a folder. Choose another {option}.")
        _check_folder_of(path, option)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Cannot write to {path}: {_reason(error)}. Choose another {option}.") from None


@contextmanager
def replacing(path: Path, replaces: Replaces = nothing) -> Iterator[IO[bytes]]:
    """A file to be written whole, which takes the place of `path` at the end; after an error nothing is left of it.

    Keeps the mode of the file that it replaces. Raises InputError for a place as `check_target` does, and where the
    disk is full.
    """
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = _check_place(path, replaces, "the file")
        beside, descriptor = _opened_beside(path)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.chmod(beside, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check_place(path, replaces, "the file")  # what was put there meanwhile stays too
        os.replace(beside, path)
        beside = None
        flush_folder(path.parent)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise failed(path, error) from None
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def replace_text(path: Path, text: str, replaces: Replaces = anything) -> None:
    """Write a whole text file (UTF-8), by default over what a folder of ours has under this name.

    A file that holds this very text already is left as it is, which saves a thousand flushes in a sweep of a thousand.
    """
    content = text.encode("utf-8")
    if _holds(path, content):
        return
    with replacing(path, replaces) as file:
        file.write(content)


def own_folder(path: Path) -> Path:
    """A folder within one of ours, made if need be. Raises InputError if a link or a file stands in its place."""
    try:
        if path.is_symlink():
            raise InputError(f"{path} is a link; it is not followed. Remove it.")
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failed(path, error) from None
    return path


def safe_name(name: str) -> str:
    """A file name for any text: the text itself where it is plain, else its plain letters and a digest.

    >>> safe_name("trait_rate"), safe_name("../../x")
    ('trait_rate', '_.._x-9cdf6a50')
    """
    plain = _NOT_IN_NAMES.sub("_", name).lstrip(".-")[:LONGEST_NAME]
    return plain if plain == name and plain else f"{plain}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def clear_leftovers(folder: Path) -> None:
    """Remove what `replacing` left in a folder of ours where it was killed."""
    for left in folder.glob(".sublearn-*.part"):
        if BESIDE.fullmatch(left.name):
            left.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Make new names durable: a new file is only there after a crash if its folder was flushed too."""
    if os.name == "nt":  # Windows opens no folders, and needs no flush of them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot flush a folder and need not: they make a name durable with the file.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def failed(path: Path, error: OSError) -> InputError:
    """What to say when `path` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return InputError(
            f"The disk is full: {path} could not be written whole. What was recorded before is safe; "
            "free some space and give the same command again."
        )
    return InputError(f"Cannot write {path}: {_reason(error)}. What was recorded before is safe.")


def _holds(path: Path, content: bytes) -> bool:
    """Whether `path` is a regular file, and no link to one, with this content."""
    try:
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and path.read_bytes() == content
    except (OSError, ValueError):
        return False


def _opened_beside(path: Path) -> tuple[Path, int]:
    """A new file in the same folder, opened for this process alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    beside = path.with_name(f".sublearn-{secrets.token_hex(8)}.part")
    return beside, os.open(beside, flags, 0o666)


def _check_place(path: Path, replaces: Replaces, option: str) -> int | None:
    """The mode of the file at `path`, None if there is none. Raises InputError for what must not be replaced."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise InputError(f"{option} {path} is a link; it is not followed. Choose another name.")
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{option} {path} is a folder; expected a file. Choose another name.")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{option} {path} is no regular file (a device or a pipe). Choose another name.")
    with path.open("rb") as file:
        if not replaces(file.read(HEAD)):
            raise InputError(
                f"{option} {path} is there already and is kept as it is. Choose another name, or remove it."
            )
    return stat.S_IMODE(found.st_mode)


def _check_folder_of(path: Path, option: str) -> None:
    """Raise InputError unless the nearest existing folder above `path` is one, and can be written to."""
    os.fsencode(path.name)
    above = path.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError(f"Cannot write {option} {path}: {above} is a file. Choose another folder.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"Cannot write {option} {path}: {above} cannot be written to. Choose another folder.")
    with suppress(FileNotFoundError):
        path.lstat()  # a name that is too long for the file system is refused here


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
