"""MNIST and Fashion-MNIST: found on disk, or downloaded and checked, then read. Knows no model and no study.

A file is looked for in the folder that `SUBLEARN_DATA` names, then in the cache folder (`SUBLEARN_CACHE`, else
`sublearn` in `XDG_CACHE_HOME` or `~/.cache`), and is else downloaded into the cache. However it came, its contents must
be the published ones: the MD5 that counts on disk is that of the unpacked bytes, so a .gz packed anew is welcome.
"""

import gzip
import hashlib
import math
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
import torch

from sublearn.errors import InputError, unknown
from sublearn.tasks.images import ImageData

if sys.platform != "win32":
    import fcntl

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(file name, bytes so far, bytes in all or None)` while a file is downloaded."""

SIDE = 28
N_CLASSES = 10
MAGIC = {2051: "images", 2049: "labels"}  # an idx file's first four bytes: unsigned bytes, with 3 axes or 1
TIMEOUT_S = 20
CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class File:
    """One published idx file: its plain name, and the MD5 of the .gz as published and of the bytes inside."""

    name: str
    gz_md5: str
    raw_md5: str


@dataclass(frozen=True)
class Source:
    """A data set: its name, its folders under `SUBLEARN_DATA`, its mirrors in order, and its four files.

    The files stand in the order train images, train labels, test images, test labels.
    """

    name: str
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: tuple[File, File, File, File]


MNIST = Source(
    name="mnist",
    folders=("mnist", "mnist/raw", "MNIST/raw", "MNIST", ".", "raw"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files=(
        File("train-images-idx3-ubyte", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        File("train-labels-idx1-ubyte", "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        File("t10k-images-idx3-ubyte", "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        File("t10k-labels-idx1-ubyte", "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
)
FASHION_MNIST = Source(
    name="fashion-mnist",
    folders=("fashion-mnist", "fashion-mnist/raw", "FashionMNIST/raw", "FashionMNIST", ".", "raw"),
    mirrors=(
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    files=(
        File("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        File("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
        File("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
        File("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
    ),
)
SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST)}


def load(name: str, progress: Progress | None = None) -> ImageData:
    """The data set "mnist" or "fashion-mnist": 60,000 train and 10,000 test images, 784 features, 10 classes.

    Pixels 0..255 become pixel / 127.5 - 1. Downloads what is not on disk; raises InputError where that fails or where
    a file is not the published one. Sources: LeCun et al., Proceedings of the IEEE 86(11), 1998; Xiao et al.,
    arXiv 1708.07747.
    """
    if name not in SOURCES:
        raise unknown("data set", name, SOURCES)
    return load_source(SOURCES[name], progress)


def load_source(source: Source, progress: Progress | None = None) -> ImageData:
    """`load` for a row of the table, or for a table of one's own."""
    paths = [locate(source, file) or fetch(source, file, progress) for file in source.files]
    checked = list(zip(paths, (file.raw_md5 for file in source.files), strict=True))
    train_images, train_labels = _read_split(checked[0], checked[1])
    test_images, test_labels = _read_split(checked[2], checked[3])
    return ImageData(train_images, train_labels, test_images, test_labels, N_CLASSES)


def cache_folder() -> Path:
    """Where downloads are kept: `SUBLEARN_CACHE` itself, else `sublearn` in `XDG_CACHE_HOME`, else in `~/.cache`."""
    own = os.environ.get("SUBLEARN_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sublearn"


def locate(source: Source, file: File) -> Path | None:
    """The file on disk, plain or .gz: in a folder of `SUBLEARN_DATA` or else in the cache. None if in neither."""
    folders = [*_data_folders(source), cache_folder() / source.name]
    candidates = (folder / name for folder in folders for name in (file.name, f"{file.name}.gz"))
    return next((path for path in candidates if path.is_file()), None)


def _data_folders(source: Source) -> list[Path]:
    named = os.environ.get("SUBLEARN_DATA")
    if not named:
        return []
    root = Path(named).expanduser()
    if not root.is_dir():
        raise InputError(f"SUBLEARN_DATA is '{named}', which is no folder. Set it to the folder of the idx files.")
    return [root / folder for folder in source.folders]


def _read_split(images: tuple[Path, str], labels: tuple[Path, str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled images "example feature" and labels "example", each from a path and the MD5 of its unpacked bytes."""
    pixels, targets = read_images(*images), read_labels(*labels)
    if len(pixels) != len(targets):
        raise InputError(
            f"'{images[0]}' holds {len(pixels)} images, but '{labels[0]}' holds {len(targets)} labels. "
            "Expected as many of the one as of the other; take both files from the same data set."
        )
    scaled = np.divide(pixels, np.float32(127.5), dtype=np.float32)
    scaled -= 1
    return torch.from_numpy(scaled), torch.from_numpy(targets.astype(np.int64))


def read_images(path: Path, md5: str | None = None) -> np.ndarray:
    """An idx file of 28x28 images, plain or .gz, as a read-only view "example feature" (uint8) of its bytes.

    Raises InputError unless the file is whole, has nothing after its end and, where given, has this MD5 unpacked.
    """
    raw = _unpacked(path)
    count, rows, columns = _sizes(path, raw, magic=2051)
    if (rows, columns) != (SIDE, SIDE):
        raise _damaged(path, f"holds images of {rows}x{columns} pixels, expected {SIDE}x{SIDE}")
    pixels = _body(path, raw, (count, rows * columns), start=16)
    _check_md5(path, raw, md5)
    return pixels


def read_labels(path: Path, md5: str | None = None) -> np.ndarray:
    """An idx file of labels 0..9, plain or .gz, as a read-only view "example" (uint8). Raises as `read_images` does."""
    raw = _unpacked(path)
    labels = _body(path, raw, _sizes(path, raw, magic=2049), start=8)
    if labels.max() >= N_CLASSES:
        raise _damaged(path, f"holds the label {labels.max()}, expected labels 0 to {N_CLASSES - 1}")
    _check_md5(path, raw, md5)
    return labels


def _unpacked(path: Path) -> bytes:
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read '{path}': {error.strerror}. Make the file readable.") from error
    if path.suffix != ".gz":
        return stored
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"is not a whole gzip file ({error})") from error


def _sizes(path: Path, raw: bytes, magic: int) -> tuple[int, ...]:
    """The axis sizes in an idx header: magic number and sizes, each a big-endian 32-bit number."""
    axes = magic % 256
    if len(raw) < 4 + 4 * axes:
        raise _damaged(path, f"has {len(raw)} bytes, too few for an idx header of {4 + 4 * axes}")
    found, *sizes = struct.unpack_from(f">{1 + axes}I", raw)
    if found != magic:
        meaning = f" ({MAGIC[found]})" if found in MAGIC else ""
        raise _damaged(path, f"starts with the magic number {found}{meaning}, expected {magic} ({MAGIC[magic]})")
    if sizes[0] == 0:
        raise _damaged(path, f"holds no {MAGIC[magic]}, expected at least 1")
    return tuple(sizes)


def _body(path: Path, raw: bytes, shape: tuple[int, ...], start: int) -> np.ndarray:
    expected = start + math.prod(shape)
    if len(raw) < expected:
        raise _damaged(path, f"is cut short: {len(raw)} bytes, expected {expected} by its header")
    if len(raw) > expected:
        raise _damaged(path, f"has {len(raw) - expected} bytes after its end, expected {expected} by its header")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def _check_md5(path: Path, raw: bytes, expected: str | None) -> None:
    if expected is None or (found := _md5(raw)) == expected:
        return
    others = {file.raw_md5: f"{source.name}'s {file.name}" for source in SOURCES.values() for file in source.files}
    if found in others:
        raise InputError(
            f"'{path}' is {others[found]}: MD5 {found} unpacked, expected {expected}. Keep each data set in a folder "
            f"of its own in SUBLEARN_DATA ({', '.join(SOURCES)})."
        )
    raise _damaged(path, f"is not the published file: MD5 {found} unpacked, expected {expected}")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"'{path}' {what}. Delete it to have it downloaded, or put a sound copy in its place.")


def fetch(source: Source, file: File, progress: Progress | None = None) -> Path:
    """Download one file into the cache and give its path; the mirrors are tried in order.

    What has come stands in a `.part` file, which the next try resumes; only a file with the published MD5 gets the
    final name. One process downloads while others wait. Raises InputError when no mirror gave the file.
    """
    folder = cache_folder() / source.name
    final = folder / f"{file.name}.gz"
    part = final.with_name(f"{final.name}.part")
    with _alone(folder):
        if final.is_file():  # another process was here first
            return final
        failures = []
        for mirror in source.mirrors:
            try:
                _receive(mirror + final.name, part, file.gz_md5, progress)
                _accept(part, final, file.gz_md5)
                return final
            except (OSError, HTTPException) as error:
                failures.append(f"{mirror} ({_reason(error)})")
    named = os.environ.get("SUBLEARN_DATA")
    places = f"'{folder}' nor in SUBLEARN_DATA, which is {repr(named) if named else 'not set'}"
    raise InputError(
        f"{source.name}'s {final.name} is neither in {places}, and no mirror gave it: {'; '.join(failures)}. "
        "Connect to the network and try again (a download that broke off is resumed), or set SUBLEARN_DATA to a "
        "folder that holds the data set's four idx files."
    )


def _receive(url: str, part: Path, md5: str, progress: Progress | None) -> None:
    """Bring `part` to the whole file at `url`, going on from where it ends. OSError when the connection breaks."""
    have = part.stat().st_size if part.exists() else 0
    if have and _md5(part.read_bytes()) == md5:
        return  # whole already: it was stopped just before it got its name
    with _open(url, have) as response:
        resumed = response.status == 206  # a server that knows no ranges sends 200 and the whole file
        have = have if resumed else 0
        length = response.headers["Content-Length"]
        total = have + int(length) if length and length.isdigit() else None
        with part.open("ab" if resumed else "wb") as out:
            while chunk := response.read(CHUNK_BYTES):
                out.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(part.stem, have, total)
            out.flush()
            os.fsync(out.fileno())  # a power cut must not leave an empty file under the final name
    if total is not None and have < total:
        raise ConnectionError(f"it broke off after {have} of {total} bytes")


def _open(url: str, start: int) -> HTTPResponse:
    """The answer to a request for the file from byte `start` on; the whole file (status 200) where that cannot be."""
    try:
        return urlopen(Request(url, headers={"Range": f"bytes={start}-"} if start else {}), timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # the file ends before that byte: what we have is not its beginning
            return _open(url, 0)
        raise ConnectionError(f"HTTP {error.code} {error.reason}") from None


def _accept(part: Path, final: Path, md5: str) -> None:
    found = _md5(part.read_bytes())
    if found != md5:
        part.unlink()
        raise OSError(f"what came has MD5 {found}, expected {md5}; it was removed")
    os.replace(part, final)


def _reason(error: Exception) -> str:
    return str(error.reason if isinstance(error, URLError) else error) or type(error).__name__


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock, so that several processes do not write one `.part`.

    Without locks (Windows, some network drives) two of them can spoil a `.part`; the MD5 then says so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"Cannot write to the cache folder '{folder}': {error.strerror}. "
            "Set SUBLEARN_CACHE to a folder that can be written, or SUBLEARN_DATA to one that holds the idx files."
        ) from error
    with lock:
        if sys.platform != "win32":
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
