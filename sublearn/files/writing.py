"""The one way out for files: whole or not at all, under the name that was meant, over nothing that is somebody else's.

A file is written beside its place under a name that nobody can foresee, flushed to the disk, and then moved there. What
is at the place may only be a file that the caller says it may replace. Knows no study and no format.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from sublearn.errors import InputError, quoted

BESIDE = re.compile(r"\.sublearn-[0-9a-f]{16}\.part")
"""The names of files that are being written, and of what is left of them after a kill."""
HEAD = 1 << 16
"""How much of a file is looked at before it may be replaced: a page's title stands at its beginning."""
LONGEST_NAME = 80
_OUR_TITLE = re.compile(rb"\| sublearn(?: report)?</title>")
NO_LINK, BINARY = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_BINARY", 0)
"""For opening files: through no link where the system can say so, and on Windows without changing ends of lines."""
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
    return head.lstrip()[:15].lower() == b"<!doctype html>" and _OUR_TITLE.search(head) is not None


def beginning(start: bytes) -> Replaces:
    """For files of ours that all begin alike; an empty one holds nothing to lose."""
    return lambda head: not head or head.startswith(start)


def check_target(path: Path, replaces: Replaces = nothing, option: str = "--out") -> None:
    """Raise InputError if `path` cannot be written or holds what must stay. Call it before any work; it writes nothing.

    What is there must be a regular file (no link, device or pipe) that `replaces` allows. The nearest folder above that
    exists must be one that can be written to.
    """
    if not path.name or path.name in (".", ".."):
        raise InputError(f"{option} {quoted(str(path))} names no file. Give the name of a file to write.")
    with _no_other_error(f"{option} {path}"):
        _check_place(path, replaces, option)
        _check_folder_of(path, option)


def folder_of(given: object, what: str) -> Path:
    """A folder that is named by a text or a path. Raises InputError, which begins with `what`, for anything else."""
    if isinstance(given, str | Path) and str(given):
        return Path(given)
    raise InputError(f"{what} got {quoted(given)}; expected the name of a folder, as in 'runs/mine'.")


def check_folder(path: Path, option: str = "--out") -> None:
    """Raise InputError if `path` is no folder that can be written to and cannot become one. It makes nothing."""
    with _no_other_error(f"{option} {path}"):
        _check_name(path)
        if path.is_dir():
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                raise InputError(f"Cannot write to {path}: Permission denied. Choose another {option}.")
        elif path.exists() or path.is_symlink():
            raise InputError(f"{option} {path} is a file; expected a folder. Choose another {option}.")
        else:
            _check_folder_of(path, option)


def check_within(folder: Path, files: Mapping[str, Replaces], folders: Iterable[str] = ()) -> None:
    """Raise InputError if `files` could not be written into a folder of ours, or one of its `folders` is a link.

    Both are named relative to `folder`, which need not be there.
    """
    for name in folders:
        _check_own_folder(folder / name)
    for name, replaces in files.items():
        check_target(folder / name, replaces, "The file")


@contextmanager
def replacing(path: Path, replaces: Replaces = nothing, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to be written whole, which takes the place of `path` at the end; after an error nothing is left of it.

    What is not `durable` waits for no disk, and may be lost with the machine's power. Keeps the mode of the file that
    it replaces. Raises InputError for a place as `check_target` does, and where the disk is full.
    """
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = _check_place(path, replaces, "The file")
        beside, descriptor = _opened_beside(path, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        _put(beside, path, replaces)
        if durable:
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


def replace_view(path: Path, text: str) -> None:
    """Write a whole text file of a folder of ours that shows how some work is going: often, and for that moment."""
    with replacing(path, anything, durable=False) as file:
        file.write(text.encode("utf-8", "replace"))


def replace_page(path: Path, html: str) -> None:
    """Write a whole page, over nothing but a page of ours. Half a surrogate pair in a foreign text becomes "?"."""
    with replacing(path, a_page) as file:
        file.write(html.encode("utf-8", "replace"))


def own_folder(path: Path) -> Path:
    """A folder within one of ours, made if need be. Raises InputError if a link or a file stands in its place."""
    _check_own_folder(path)
    try:
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


def _opened_beside(path: Path, mode: int | None) -> tuple[Path, int]:
    """A new file in the same folder, opened for this process alone, with the mode of the file that it will replace."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | BINARY
    beside = path.with_name(f".sublearn-{secrets.token_hex(8)}.part")
    # Never opened wider than what it will replace, not for a moment.
    descriptor = os.open(beside, flags, 0o666 if mode is None else mode & 0o600)
    if mode is not None:
        with suppress(OSError):  # file systems without modes
            os.chmod(beside, mode)
    return beside, descriptor


def _put(beside: Path, path: Path, replaces: Replaces) -> None:
    """Give a whole file its name, over nothing that came there meanwhile and must stay."""
    try:
        os.link(beside, path)  # unlike a move, it never takes the place of a file
        return
    except OSError:
        # Something is there, or the file system has no hard links.
        _check_place(path, replaces, "The file")
    os.replace(beside, path)


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
    if replaces is not anything and not replaces(_head(path)):
        raise InputError(f"{option} {path} is there already and is kept as it is. Choose another name, or remove it.")
    return stat.S_IMODE(found.st_mode)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _check_own_folder(path: Path) -> None:
    with _no_other_error(f"the folder {path}"):
        if path.is_symlink():
            raise InputError(f"{path} is a link; it is not followed. Remove it.")
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; expected a folder. Remove it.")


def _check_folder_of(path: Path, option: str) -> None:
    """Raise InputError unless the nearest existing folder above `path` is one, and can be written to."""
    _check_name(path)
    above = path.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError(f"Cannot write {option} {path}: {above} is a file. Choose another folder.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"Cannot write {option} {path}: {above} cannot be written to. Choose another folder.")
    with suppress(FileNotFoundError):
        path.lstat()  # a name that is too long for the file system is refused here


def _check_name(path: Path) -> None:
    # Such a name could be written, but not be shown, and not be told in a page or a manifest.
    str(path).encode("utf-8")


@contextmanager
def _no_other_error(what: str) -> Iterator[None]:
    """Let InputError pass, and say as one what the system has against a name or a folder."""
    try:
        yield
    except (OSError, ValueError) as error:  # too long, with a null byte, not to be encoded
        if isinstance(error, InputError):
            raise
        raise InputError(f"Cannot write {what}: {_reason(error)}. Choose another name.") from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "its name is not UTF-8"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
