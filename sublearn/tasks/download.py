"""Downloads published files into the cache, over https alone, never more than they hold, and checks what came.

Pooch retrieves, compares with the published hash and moves only a sound file into the cache. Its own downloaders take
any scheme that a redirect leads to, any size, and start from nothing each time; `_Receiver` is one that does not.
Knows addresses and bytes, not what is in a file; needs no torch.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pooch
from filelock import FileLock

from sublearn.errors import InputError
from sublearn.files.folders import lock_file
from sublearn.files.writing import BINARY, NO_LINK
from sublearn.tasks.sources import File, IdxSource, cache_folder, locate

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(file name, bytes so far, bytes in all or None)` while a file is downloaded."""

TIMEOUT_S = 20
CHUNK_BYTES = 1 << 18


def available(source: IdxSource, progress: Progress | None = None) -> list[Path]:
    """The paths of a data set's four files, in order; what is not on disk is downloaded."""
    return [locate(source, file) or fetch(source, file, progress) for file in source.files]


def fetch(source: IdxSource, file: File, progress: Progress | None = None) -> Path:
    """Download one file into the cache and give its path; the mirrors are tried in order.

    What has come stands in a `.part` file, which the next try resumes; only a file with the SHA-256 that the table
    names gets the final name. One process downloads while others wait. Raises InputError when no mirror gave the file.
    """
    folder = cache_folder() / source.name
    final = folder / f"{file.name}.gz"
    part = final.with_name(f"{final.name}.part")
    with _alone(folder):
        if final.is_file():  # another process was here first
            return final
        _refuse_what_is_no_file(part)
        failures = []
        for mirror in source.mirrors:
            receiver = _Receiver(part, file, source.schemes, progress)
            try:
                with _quiet():  # the cast, because pooch's type of a downloader has the argument names of a processor
                    come = cast(Any, receiver)
                    pooch.retrieve(mirror + final.name, f"md5:{file.gz_md5}", final.name, folder, downloader=come)
                return final
            except (OSError, HTTPException) as error:
                failures.append(f"{mirror} ({_reason(error)})")
            except ValueError:  # what pooch raises for another hash, and Python for an address that is none
                said = f"what came has MD5 {receiver.md5}, expected {file.gz_md5}; it was removed"
                failures.append(f"{mirror} ({said if receiver.md5 else 'it leads to no address'})")
    named = os.environ.get("SUBLEARN_DATA")
    places = f"'{folder}' nor in SUBLEARN_DATA, which is {repr(named) if named else 'not set'}"
    raise InputError(
        f"{source.name}'s {final.name} is neither in {places}, and no mirror gave it: {'; '.join(failures)}. "
        "Connect to the network and try again (a download that broke off is resumed), or set SUBLEARN_DATA to a "
        "folder that holds the data set's four idx files."
    )


class _Receiver:
    """A downloader for pooch: keeps to the schemes and the size, resumes a `.part`, and says how far it is."""

    def __init__(self, part: Path, file: File, schemes: tuple[str, ...], progress: Progress | None) -> None:
        self.part, self.file, self.schemes, self.progress = part, file, schemes, progress
        self.md5 = ""

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Bring the whole file at `url` to `output_file`. OSError when that cannot be."""
        _receive(url, self.part, self.file, self.schemes, self.progress)
        self.md5 = _md5(self.part)
        os.replace(self.part, output_file)


def _receive(url: str, part: Path, file: File, schemes: tuple[str, ...], progress: Progress | None) -> None:
    """Bring `part` to the whole file at `url`, resuming where it ends. OSError when that cannot be."""
    have = _resumable(part, file)
    if have and _md5(part) == file.gz_md5:
        return  # whole already: it was stopped just before it got its name
    with _open(url, have, schemes) as response:
        resumed = response.status == 206  # a server that knows no ranges sends 200 and the whole file
        have = have if resumed else 0
        length = response.headers["Content-Length"]
        total = have + int(length) if length and length.isdecimal() and len(length) < 20 else None
        _refuse_excess(total or 0, file)
        with _writable(part, resumed) as out:
            while chunk := response.read(CHUNK_BYTES):
                have += len(chunk)
                _refuse_excess(have, file)
                out.write(chunk)
                if progress is not None:
                    progress(part.stem, have, total)
            out.flush()
            os.fsync(out.fileno())  # a power cut must not leave an empty file under the final name
    if total is not None and have < total:
        raise ConnectionError(f"it broke off after {have} of {total} bytes")


def _resumable(part: Path, file: File) -> int:
    """How many bytes of the file are there; one that is too long is removed."""
    have = part.stat().st_size if part.exists() else 0
    if have > file.most:
        part.unlink()
        return 0
    return have


def _refuse_excess(size: int, file: File) -> None:
    if size > file.most:
        raise ConnectionError(f"it sends more than the {file.most:,} bytes that the file can have at most")


def _writable(part: Path, resumed: bool) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if resumed else os.O_TRUNC) | NO_LINK | BINARY
    return os.fdopen(os.open(part, flags, 0o644), "ab" if resumed else "wb")


def _open(url: str, start: int, schemes: tuple[str, ...]) -> HTTPResponse:
    """The answer to a request for the file from byte `start` on; the whole file (status 200) where that cannot be."""
    _check_scheme(url, schemes)
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        return build_opener(_Redirects(schemes)).open(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # the file ends before that byte: what we have is not its beginning
            return _open(url, 0, schemes)
        raise ConnectionError(f"HTTP {error.code} {_phrase(error.code)}".strip()) from None


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to the allowed schemes alone."""

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self.schemes = schemes

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _check_scheme(newurl, self.schemes)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, schemes: tuple[str, ...]) -> None:
    scheme = urlsplit(url).scheme
    if scheme not in schemes:
        raise ConnectionError(f"it leads to '{scheme[:20]}', and only {' or '.join(schemes)} is followed")


def _phrase(code: int) -> str:
    """What a status means: in our words, because a server may send any."""
    return next((status.phrase for status in HTTPStatus if status == code), "")


def _md5(path: Path) -> str:
    return pooch.file_hash(str(path), alg="md5")


def _reason(error: Exception) -> str:
    # What a server said is not repeated: it may be any text.
    said = "" if isinstance(error, HTTPException) else str(error.reason if isinstance(error, URLError) else error)
    return said or type(error).__name__


def _refuse_what_is_no_file(part: Path) -> None:
    """Raise InputError for a link, a folder, a pipe or a device where the download is to be written."""
    try:
        in_the_way = not stat.S_ISREG(part.lstat().st_mode)
    except OSError:
        return
    if in_the_way:
        raise InputError(f"'{part}' is in the way of a download: it is no regular file. Remove it and try again.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Let progress alone say what is downloaded, not pooch's log."""
    log = pooch.get_logger()
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock, so that several processes do not write one `.part`.

    Without locks (some network drives) two of them can spoil a `.part`; the MD5 then says so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file(folder / ".lock"))
    except OSError as error:
        raise InputError(
            f"Cannot write to the cache folder '{folder}': {error.strerror}. "
            "Set SUBLEARN_CACHE to a folder that can be written, or SUBLEARN_DATA to one that holds the idx files."
        ) from error
    with ExitStack() as held:
        with suppress(OSError, NotImplementedError):
            held.enter_context(lock)
        _clear_leftovers(folder)
        yield


def _clear_leftovers(folder: Path) -> None:
    """Remove pooch's temporary files, which it leaves where it is killed."""
    for left in folder.glob("tmp????????"):
        if stat.S_ISREG(left.lstat().st_mode):
            left.unlink(missing_ok=True)
