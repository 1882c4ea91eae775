import dataclasses
import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from sublearn.errors import InputError
from sublearn.tasks import idx
from sublearn.tasks.idx import read_images, read_labels, verify
from sublearn.tasks.sources import SOURCES, locate
from tests.pipes import pipe
from tests.tasks.tiny_mnist import PACKED, RAW, image_bytes, label_bytes, published, tiny_source, write_all

IMAGES = published("train-images-idx3-ubyte", PACKED[0], RAW[0])
LABELS = published("train-labels-idx1-ubyte", PACKED[1], RAW[1])


def test_arrays_are_views_of_the_bytes_read(tmp_path: Path):
    (tmp_path / "images").write_bytes(RAW[0])
    assert not read_images(tmp_path / "images").flags.owndata


BAD_FILES = {
    "empty": (read_images, "f", b"", r"has 0 bytes, too few for an idx header of 16"),
    "header cut": (read_labels, "f", RAW[1][:7], r"has 7 bytes, too few for an idx header of 8"),
    "images cut": (read_images, "f", RAW[0][:-1], r"is cut short: 23535 bytes, expected 23536"),
    "labels cut": (read_labels, "f", RAW[1][:-5], r"is cut short: 33 bytes, expected 38"),
    "bytes after images": (read_images, "f", RAW[0] + b"xy", r"has 2 bytes after its end"),
    "bytes after labels": (read_labels, "f", RAW[1] + b"x", r"has 1 bytes after its end"),
    "labels as images": (read_images, "f", RAW[1], r"number 2049 \(labels\), expected 2051 \(images\)"),
    "images as labels": (read_labels, "f", RAW[0], r"number 2051 \(images\), expected 2049 \(labels\)"),
    "other magic": (read_images, "f", image_bytes(2, magic=9), r"number 9, expected 2051"),
    "gzip without .gz": (read_images, "f", PACKED[0], r"magic number 529205248"),
    "other size": (read_images, "f", image_bytes(3, side=27), r"27x27 pixels, expected 28x28"),
    "no images": (read_images, "f", struct.pack(">IIII", 2051, 0, 28, 28), r"holds no images"),
    "no labels": (read_labels, "f", struct.pack(">II", 2049, 0), r"holds no labels"),
    "huge count": (read_images, "f", struct.pack(">IIII", 2051, 2**32 - 1, 28, 28), r"expected 3367254359296 by"),
    "label 10": (read_labels, "f", RAW[1][:-1] + b"\x0a", r"holds the label 10, expected labels 0 to 9"),
    "not gzip": (read_images, "f.gz", b"<html>no such file</html>", r"is not a whole gzip file"),
    "gzip cut": (read_images, "f.gz", PACKED[0][:-20], r"is not a whole gzip file"),
    "gzip spoilt": (read_images, "f.gz", PACKED[0][:-8] + bytes(8), r"is not a whole gzip file"),
    "gzip, then more": (read_images, "f.gz", PACKED[0] + b"more", r"is not a whole gzip file"),
    "gzip of a cut file": (read_labels, "f.gz", gzip.compress(RAW[1][:-1]), r"is cut short"),
}


@pytest.mark.parametrize(("read", "name", "body", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused(read: Callable, name: str, body: bytes, message: str, tmp_path: Path):
    (tmp_path / name).write_bytes(body)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"'{tmp_path / name}' ")
    assert str(caught.value).endswith("Delete it to have it downloaded, or put a sound copy in its place.")


def test_the_other_data_set_s_file_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "f").write_bytes(RAW[1])
    monkeypatch.setitem(SOURCES, "mnist", tiny_source())
    other = dataclasses.replace(LABELS, sha256="0")
    with pytest.raises(InputError, match=r"is mnist's train-labels-idx1-ubyte: .* expected 0\. Keep each data set"):
        read_labels(tmp_path / "f", other)


def test_what_only_has_the_md5_of_the_published_file_is_refused(tmp_path: Path):
    """MD5 can be forged; SHA-256 decides."""
    (tmp_path / "f").write_bytes(RAW[1])
    forged = dataclasses.replace(LABELS, sha256="0" * 64)
    with pytest.raises(InputError, match=r"not the published file: .* although its MD5 is the published one"):
        verify(tmp_path / "f", forged)


ZEROS = bytes(50_000_000)
BOMBS = {
    "zeros": gzip.compress(ZEROS, 9),
    "a sound file, then zeros": gzip.compress(RAW[0]) + gzip.compress(ZEROS, 9),
    "many members": gzip.compress(ZEROS[:20_000], 9) * 500,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_gzip_bomb_is_refused_without_being_unpacked(name: str, tmp_path: Path):
    path = tmp_path / "f.gz"
    path.write_bytes(BOMBS[name])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"more than 23,536 bytes|has [\d,]+ bytes; the published"):
            read_images(path, IMAGES)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["f", "f.gz"])
def test_a_file_that_is_longer_than_any_is_not_read(name: str, tmp_path: Path):
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room on the disk
    for wanted in (None, IMAGES):
        with pytest.raises(InputError, match=r"has 1,099,511,627,776 bytes; the published file has no more than"):
            read_images(tmp_path / name, wanted)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "pipe": pipe,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path, packed=False)
    path = folder / IMAGES.name
    path.unlink()
    SPECIAL[kind](path)
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path))
    assert locate(tiny_source(), IMAGES) == path
    with pytest.raises(InputError, match="is a folder, a pipe or a device, no file"):
        verify(path, IMAGES)


@pytest.mark.parametrize("body", [PACKED[0], gzip.compress(RAW[0], 1, mtime=5)])
def test_a_file_is_verified_once_as_long_as_it_stays_the_same(body: bytes, tmp_path: Path, monkeypatch):
    path = tmp_path / "f.gz"
    path.write_bytes(body)
    read = []
    real = idx._unpacked
    monkeypatch.setattr(idx, "_unpacked", lambda *which: read.append(which) or real(*which))
    verify(path, IMAGES)
    verify(path, IMAGES)
    assert len(read) == 1
    path.write_bytes(body[:-1])
    for _ in range(2):  # a refusal is not remembered as a pass
        with pytest.raises(InputError, match="not a whole gzip"):
            verify(path, IMAGES)


def test_a_file_that_is_gone_is_told(tmp_path: Path):
    with pytest.raises(InputError, match=r"Cannot read '.*gone': No such file"):
        verify(tmp_path / "gone", IMAGES)


def test_labels_are_verified_as_labels(tmp_path: Path):
    (tmp_path / "f").write_bytes(RAW[1])
    verify(tmp_path / "f", LABELS)
    (tmp_path / "f").write_bytes(label_bytes(30, shift=1))
    with pytest.raises(InputError, match="not the published file"):
        verify(tmp_path / "f", LABELS)
