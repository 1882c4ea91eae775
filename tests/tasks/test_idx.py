import dataclasses
import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from sublearn.errors import InputError
from sublearn.tasks import idx

REAL_DATA = os.environ.get("SUBLEARN_DATA")  # read before a test hides it


def image_bytes(count: int, side: int = 28, magic: int = 2051) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, count * side * side, dtype=np.uint8)
    pixels[:2] = 0, 255
    return struct.pack(">IIII", magic, count, side, side) + pixels.tobytes()


def label_bytes(count: int, magic: int = 2049, shift: int = 0) -> bytes:
    return struct.pack(">II", magic, count) + bytes((index + shift) % 10 for index in range(count))


RAW = (image_bytes(30), label_bytes(30), image_bytes(12), label_bytes(12))
PACKED = tuple(gzip.compress(raw, mtime=0) for raw in RAW)


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def tiny_source(*mirrors: str) -> idx.Source:
    """MNIST's row of the table, with mirrors and contents of our own."""
    files = tuple(
        idx.File(file.name, md5(packed), md5(raw))
        for file, packed, raw in zip(idx.MNIST.files, PACKED, RAW, strict=True)
    )
    return dataclasses.replace(idx.MNIST, mirrors=mirrors, files=files)


def write_all(folder: Path, packed: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file, body in zip(idx.MNIST.files, PACKED if packed else RAW, strict=True):
        (folder / (f"{file.name}.gz" if packed else file.name)).write_bytes(body)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own; no data folder and no proxy."""
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUBLEARN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache" / "mnist"


class Mirror(ThreadingHTTPServer):
    """A loopback server of the tiny .gz files that knows ranges, unless told to misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.files = {f"/{file.name}.gz": body for file, body in zip(idx.MNIST.files, PACKED, strict=True)}
        self.knows_ranges = True
        self.breaks_after: int | None = None
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    @property
    def ranges(self) -> list[str | None]:
        return [requested for _, requested in self.asked]


class MirrorHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        mirror, requested = cast(Mirror, self.server), self.headers["Range"]
        mirror.asked.append((self.path, requested))
        body = mirror.files.get(self.path)
        if body is None:
            return self.send_error(404)
        start = int(requested[len("bytes=") : -1]) if requested and mirror.knows_ranges else 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:][: mirror.breaks_after])

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


# Reading: what is sound.


@pytest.fixture
def data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, idx.Source, int, int]]:
    """Folder, source and counts: a tiny set always, and the real ones that `SUBLEARN_DATA` holds."""
    sets = [(write_all(tmp_path / "tiny", packed=True), tiny_source(), 30, 12)]
    if REAL_DATA:
        monkeypatch.setenv("SUBLEARN_DATA", REAL_DATA)
        present = (source for source in idx.SOURCES.values() if all(idx.locate(source, file) for file in source.files))
        sets += [(Path(REAL_DATA), source, 60_000, 10_000) for source in present]
    return sets


def test_data_sets_have_the_stated_sizes_kinds_and_range(data_sets, monkeypatch: pytest.MonkeyPatch):
    for folder, source, n_train, n_test in data_sets:
        monkeypatch.setenv("SUBLEARN_DATA", str(folder))
        data = idx.load_source(source)
        assert repr(data) == f"ImageData({n_train} train, {n_test} test, 784 features, 10 classes)"
        assert (data.train_images.dtype, data.train_labels.dtype) == (torch.float32, torch.int64)
        assert (data.train_images.min(), data.train_images.max()) == (-1, 1)
        assert data.train_labels.unique().tolist() == data.test_labels.unique().tolist() == list(range(10))


def test_pixels_are_scaled_as_stated_and_labels_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(write_all(tmp_path / "data", packed=False)))
    data = idx.load_source(tiny_source())
    pixels = np.frombuffer(RAW[2], dtype=np.uint8, offset=16).reshape(12, 784)
    assert np.allclose(data.test_images.numpy(), pixels / 127.5 - 1, atol=1e-7)
    assert data.test_labels.tolist() == [*range(10), 0, 1]


def test_arrays_are_views_of_the_bytes_read(tmp_path: Path):
    (tmp_path / "images").write_bytes(RAW[0])
    assert not idx.read_images(tmp_path / "images").flags.owndata


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", idx.MNIST.folders)
def test_files_are_found_in_the_usual_folders(folder: str, packed: bool, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path / "data"))
    write_all(tmp_path / "data" / folder, packed)
    assert len(idx.load_source(tiny_source()).test_labels) == 12


def test_a_gzip_packed_anew_is_welcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(RAW[3], compresslevel=1, mtime=7))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    assert len(idx.load_source(tiny_source()).test_labels) == 12


def test_cached_files_need_no_mirror(cache: Path):
    write_all(cache, packed=True)
    assert len(idx.load_source(tiny_source()).train_labels) == 30


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SUBLEARN_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/sublearn"),
        ({"XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/sublearn"),
    ],
)
def test_the_cache_folder_follows_the_environment(variables: dict[str, str], expected: str, monkeypatch):
    monkeypatch.delenv("SUBLEARN_CACHE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert idx.cache_folder() == Path(expected)


# Reading: what is not sound.

BAD_FILES = {
    "empty": (idx.read_images, "f", b"", r"has 0 bytes, too few for an idx header of 16"),
    "header cut": (idx.read_labels, "f", RAW[1][:7], r"has 7 bytes, too few for an idx header of 8"),
    "images cut": (idx.read_images, "f", RAW[0][:-1], r"is cut short: 23535 bytes, expected 23536"),
    "labels cut": (idx.read_labels, "f", RAW[1][:-5], r"is cut short: 33 bytes, expected 38"),
    "bytes after images": (idx.read_images, "f", RAW[0] + b"xy", r"has 2 bytes after its end"),
    "bytes after labels": (idx.read_labels, "f", RAW[1] + b"x", r"has 1 bytes after its end"),
    "labels as images": (idx.read_images, "f", RAW[1], r"number 2049 \(labels\), expected 2051 \(images\)"),
    "images as labels": (idx.read_labels, "f", RAW[0], r"number 2051 \(images\), expected 2049 \(labels\)"),
    "other magic": (idx.read_images, "f", image_bytes(2, magic=9), r"number 9, expected 2051"),
    "gzip without .gz": (idx.read_images, "f", PACKED[0], r"magic number 529205248"),
    "other size": (idx.read_images, "f", image_bytes(3, side=27), r"27x27 pixels, expected 28x28"),
    "no images": (idx.read_images, "f", struct.pack(">IIII", 2051, 0, 28, 28), r"holds no images"),
    "no labels": (idx.read_labels, "f", struct.pack(">II", 2049, 0), r"holds no labels"),
    "huge count": (idx.read_images, "f", struct.pack(">IIII", 2051, 2**32 - 1, 28, 28), r"expected 3367254359296 by"),
    "label 10": (idx.read_labels, "f", RAW[1][:-1] + b"\x0a", r"holds the label 10, expected labels 0 to 9"),
    "not gzip": (idx.read_images, "f.gz", b"<html>no such file</html>", r"is not a whole gzip file"),
    "gzip cut": (idx.read_images, "f.gz", PACKED[0][:-20], r"is not a whole gzip file"),
    "gzip spoilt": (idx.read_images, "f.gz", PACKED[0][:-8] + bytes(8), r"is not a whole gzip file"),
    "gzip, then more": (idx.read_images, "f.gz", PACKED[0] + b"more", r"is not a whole gzip file"),
    "gzip of a cut file": (idx.read_labels, "f.gz", gzip.compress(RAW[1][:-1]), r"is cut short"),
}


@pytest.mark.parametrize(("read", "name", "body", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused(read: Callable, name: str, body: bytes, message: str, tmp_path: Path):
    (tmp_path / name).write_bytes(body)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"'{tmp_path / name}' ")
    assert str(caught.value).endswith("Delete it to have it downloaded, or put a sound copy in its place.")


def test_a_sound_file_that_is_not_the_published_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(label_bytes(12, shift=1)))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    with pytest.raises(InputError, match=f"not the published file: MD5 .* unpacked, expected {md5(RAW[3])}"):
        idx.load_source(tiny_source())


def test_the_other_data_set_s_file_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "f").write_bytes(RAW[1])
    monkeypatch.setitem(idx.SOURCES, "mnist", tiny_source())
    with pytest.raises(InputError, match=r"is mnist's train-labels-idx1-ubyte: .* expected 0\. Keep each data set"):
        idx.read_labels(tmp_path / "f", md5="0")


def test_counts_of_images_and_labels_must_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=False)
    (folder / "train-labels-idx1-ubyte").write_bytes(label_bytes(29))
    source = tiny_source()
    files = list(source.files)
    files[1] = dataclasses.replace(files[1], raw_md5=md5(label_bytes(29)))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    with pytest.raises(InputError, match=r"holds 30 images, but .* holds 29 labels"):
        idx.load_source(dataclasses.replace(source, files=tuple(files)))


def test_a_data_folder_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"which is no folder\. Set it to"):
        idx.load("mnist")


def test_an_unknown_data_set_is_refused():
    with pytest.raises(InputError, match=r"Unknown data set 'minst'\. Did you mean 'mnist'"):
        idx.load("minst")


# Downloading.


def part_of(cache: Path, body: bytes) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    part = cache / "train-images-idx3-ubyte.gz.part"
    part.write_bytes(body)
    return part


def kept_in(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def fetch_first(*mirrors: str, progress: idx.Progress | None = None) -> Path:
    source = tiny_source(*mirrors)
    return idx.fetch(source, source.files[0], progress)


def test_a_data_set_is_downloaded_once(mirror: Mirror, cache: Path):
    first = idx.load_source(tiny_source(mirror.url))
    assert torch.equal(first.train_images, idx.load_source(tiny_source(mirror.url)).train_images)
    assert [path for path, _ in mirror.asked] == [f"/{file.name}.gz" for file in idx.MNIST.files]
    assert kept_in(cache) == {f"{file.name}.gz" for file in idx.MNIST.files}


def test_the_files_that_the_data_folder_lacks_are_downloaded(mirror: Mirror, tmp_path: Path, monkeypatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    idx.load_source(tiny_source(mirror.url))
    assert [path for path, _ in mirror.asked] == ["/t10k-labels-idx1-ubyte.gz"]


def test_progress_ends_with_the_whole_file(mirror: Mirror, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(idx, "CHUNK_BYTES", 1000)
    seen: list[tuple[str, int, int | None]] = []
    fetch_first(mirror.url, progress=lambda *now: seen.append(now))
    sizes = [size for _, size, _ in seen]
    assert sizes == sorted(sizes) and len(sizes) == -(-len(PACKED[0]) // 1000)
    assert seen[-1] == ("train-images-idx3-ubyte.gz", len(PACKED[0]), len(PACKED[0]))


HALF = len(PACKED[0]) // 2


@pytest.mark.parametrize(
    ("part", "knows_ranges", "asked"),
    [
        (PACKED[0][:HALF], True, [f"bytes={HALF}-"]),
        (PACKED[0][:HALF], False, [f"bytes={HALF}-"]),
        (b"", True, [None]),
        (PACKED[0], True, []),
        (PACKED[0] + b"more", True, [f"bytes={len(PACKED[0]) + 4}-", None]),
    ],
    ids=["half", "half, no ranges", "empty", "whole", "too long"],
)
def test_a_part_is_resumed_or_begun_anew(part: bytes, knows_ranges: bool, asked: list, mirror: Mirror, cache: Path):
    part_of(cache, part)
    mirror.knows_ranges = knows_ranges
    assert fetch_first(mirror.url).read_bytes() == PACKED[0]
    assert mirror.ranges == asked
    assert kept_in(cache) == {"train-images-idx3-ubyte.gz"}


def test_progress_of_a_resumed_download_counts_what_was_there(mirror: Mirror, cache: Path):
    part_of(cache, PACKED[0][:HALF])
    seen: list[tuple[str, int, int | None]] = []
    fetch_first(mirror.url, progress=lambda *now: seen.append(now))
    assert seen == [("train-images-idx3-ubyte.gz", len(PACKED[0]), len(PACKED[0]))]


def test_a_wrong_md5_removes_the_part_and_says_so(mirror: Mirror, cache: Path):
    mirror.files["/train-images-idx3-ubyte.gz"] = PACKED[2]
    with pytest.raises(InputError, match=f"MD5 {md5(PACKED[2])}, expected {md5(PACKED[0])}; it was removed"):
        fetch_first(mirror.url)
    assert kept_in(cache) == set()


def test_a_spoilt_part_costs_one_try(mirror: Mirror, cache: Path):
    part_of(cache, b"x" * HALF)
    with pytest.raises(InputError, match="it was removed"):
        fetch_first(mirror.url)
    assert fetch_first(mirror.url).read_bytes() == PACKED[0]


def test_a_broken_connection_leaves_only_the_part_and_the_next_call_resumes(mirror: Mirror, cache: Path):
    mirror.breaks_after = HALF
    with pytest.raises(InputError, match=rf"broke off after {HALF} of {len(PACKED[0])} bytes|IncompleteRead"):
        fetch_first(mirror.url)
    assert kept_in(cache) == {"train-images-idx3-ubyte.gz.part"}
    mirror.breaks_after = None
    assert fetch_first(mirror.url).read_bytes() == PACKED[0]
    assert mirror.ranges == [None, f"bytes={HALF}-"]


def test_the_next_mirror_is_asked_where_one_fails(mirror: Mirror):
    assert fetch_first(f"{mirror.url}nothing/", mirror.url).read_bytes() == PACKED[0]
    assert len(mirror.asked) == 2


def test_several_at_once_download_once(mirror: Mirror):
    threads = [threading.Thread(target=fetch_first, args=(mirror.url,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mirror.asked) == 1


def test_offline_one_message_says_what_to_do(cache: Path):
    with Mirror() as closed:  # a port that nobody listens at once it is closed
        url = closed.url
    with pytest.raises(InputError) as caught:
        idx.load_source(tiny_source(url, f"{url}second/"))
    message = str(caught.value)
    assert message.startswith(f"mnist's train-images-idx3-ubyte.gz is neither in '{cache}' nor in SUBLEARN_DATA, ")
    assert f"{url} (" in message and f"{url}second/ (" in message and "refused" in message
    assert "Connect to the network and try again" in message and "set SUBLEARN_DATA" in message
    assert "\n" not in message
    assert kept_in(cache) == set()


def test_a_mirror_without_the_file_is_named_with_its_answer(mirror: Mirror):
    with pytest.raises(InputError, match=r"nothing/ \(HTTP 404 Not Found\)"):
        fetch_first(f"{mirror.url}nothing/")


def test_a_cache_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"Cannot write to the cache folder .* Set SUBLEARN_CACHE"):
        fetch_first("http://127.0.0.1:9/")


def test_the_table_has_four_files_and_https_mirrors_for_each_data_set():
    for name, source in idx.SOURCES.items():
        assert source.name == name
        assert len({file.gz_md5 for file in source.files} | {file.raw_md5 for file in source.files}) == 8
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in source.mirrors)
