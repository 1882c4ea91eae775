"""Reads idx files of 28x28 images and of labels, plain or .gz, and holds them against what was published.

Trusts no file: only a regular one is opened, and no more is read or unpacked than the published file holds. Knows no
network and no model; needs no torch.
"""

import gzip
import hashlib
import math
import os
import stat
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sublearn.errors import InputError
from sublearn.tasks.sources import SOURCES, File

SIDE = 28
N_CLASSES = 10
MAGIC = {2051: "images", 2049: "labels"}  # an idx file's first four bytes: unsigned bytes, with 3 axes or 1
MOST_BYTES = max(file.size for source in SOURCES.values() for file in source.files)
"""What is read of a file that is held against no published one."""
CHUNK_BYTES = 1 << 20


def verify(path: Path, file: File) -> None:
    """Raise InputError unless the file at `path` is the published one, whole and sound.

    Within a process a file is read once, as long as it stays the same by its time and size.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    _verified(path, file, (found.st_ino, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=64)
def _verified(path: Path, file: File, as_it_is: tuple[int, int, int]) -> None:
    del as_it_is
    read = read_images if "images" in file.name else read_labels
    read(path, file)


def read_images(path: Path, file: File | None = None) -> np.ndarray:
    """An idx file of 28x28 images, plain or .gz, as a read-only view "example feature" (uint8) of its bytes.

    Raises InputError unless the file is whole, has nothing after its end and, where given, is this published one.
    """
    raw = _unpacked(path, file)
    count, rows, columns = _sizes(path, raw, magic=2051)
    if (rows, columns) != (SIDE, SIDE):
        raise _damaged(path, f"holds images of {rows}x{columns} pixels, expected {SIDE}x{SIDE}")
    pixels = _body(path, raw, (count, rows * columns), start=16)
    _check_published(path, raw, file)
    return pixels


def read_labels(path: Path, file: File | None = None) -> np.ndarray:
    """An idx file of labels 0..9, plain or .gz, as a read-only view "example" (uint8). Raises as `read_images` does."""
    raw = _unpacked(path, file)
    labels = _body(path, raw, _sizes(path, raw, magic=2049), start=8)
    if labels.max() >= N_CLASSES:
        raise _damaged(path, f"holds the label {labels.max()}, expected labels 0 to {N_CLASSES - 1}")
    _check_published(path, raw, file)
    return labels


def _unpacked(path: Path, file: File | None) -> bytes:
    """The bytes of the file, unpacked if it is a .gz, of which no more than may be are ever in memory."""
    most = MOST_BYTES if file is None else file.size
    longest = MOST_BYTES if file is None else file.most
    try:
        with _opened(path) as stored:
            if (size := os.fstat(stored.fileno()).st_size) > longest:
                raise _damaged(path, f"has {size:,} bytes; the published file has no more than {most:,}")
            if path.suffix != ".gz":
                return _read(path, stored, most)
            # The size above bounds this as well: gzip goes through any number of empty members and zeros behind them.
            with gzip.GzipFile(fileobj=stored) as packed:
                return _read(path, packed, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"is not a whole gzip file ({error})") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _read(path: Path, stored: "BinaryIO | gzip.GzipFile", most: int) -> bytes:
    parts, total = [], 0
    while part := stored.read(CHUNK_BYTES):
        total += len(part)
        if total > most:
            raise _damaged(path, f"holds more than {most:,} bytes, as many as the published file has")
        parts.append(part)
    return b"".join(parts)


def _opened(path: Path) -> BinaryIO:
    """The file, opened without waiting for one who writes into a pipe. Raises InputError for what is no file."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    opened = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if opened is None:
        os.close(descriptor)
        raise _damaged(path, "is a folder, a pipe or a device, no file")
    return opened


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"Cannot read '{path}': {error.strerror or error}. Make the file readable.")


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


def _check_published(path: Path, raw: bytes, file: File | None) -> None:
    if file is None or (found := hashlib.sha256(raw).hexdigest()) == file.sha256:
        return
    others = {file.sha256: f"{source.name}'s {file.name}" for source in SOURCES.values() for file in source.files}
    if found in others:
        raise InputError(
            f"'{path}' is {others[found]}: SHA-256 {found} unpacked, expected {file.sha256}. Keep each data set in a "
            f"folder of its own in SUBLEARN_DATA ({', '.join(SOURCES)})."
        )
    md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    also = ", although its MD5 is the published one" if md5 == file.md5 else f" (MD5 {md5}, expected {file.md5})"
    raise _damaged(path, f"is not the published file: SHA-256 {found} unpacked, expected {file.sha256}{also}")


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"'{path}' {what}. Delete it to have it downloaded, or put a sound copy in its place.")
