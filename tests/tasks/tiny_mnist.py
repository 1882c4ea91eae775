"""A tiny data set of the shape of MNIST: its bytes, its row of the table, its folder, and a mirror that serves it."""

import dataclasses
import gzip
import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import numpy as np

from sublearn.tasks.sources import MNIST, File, IdxSource


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


def published(name: str, packed: bytes, raw: bytes) -> File:
    """A row of the table for these bytes."""
    return File(name, md5(packed), len(raw), md5(raw), hashlib.sha256(raw).hexdigest())


def tiny_source(*mirrors: str) -> IdxSource:
    """MNIST's row of the table, with mirrors on this machine and contents of our own."""
    rows = zip(MNIST.files, PACKED, RAW, strict=True)
    files = tuple(published(file.name, packed, raw) for file, packed, raw in rows)
    return dataclasses.replace(MNIST, mirrors=mirrors, files=files, schemes=("http",))


def write_all(folder: Path, packed: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file, body in zip(MNIST.files, PACKED if packed else RAW, strict=True):
        (folder / (f"{file.name}.gz" if packed else file.name)).write_bytes(body)
    return folder


class Mirror(ThreadingHTTPServer):
    """A loopback server of the tiny .gz files that knows ranges, unless told to misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.files = {f"/{file.name}.gz": body for file, body in zip(MNIST.files, PACKED, strict=True)}
        self.knows_ranges = True
        self.breaks_after: int | None = None
        self.redirects: dict[str, str] = {}
        self.says_length = True
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    @property
    def ranges(self) -> list[str | None]:
        return [requested for _, requested in self.asked]


class MirrorHandler(BaseHTTPRequestHandler):
    """Answers from the mirror's files."""

    def do_GET(self) -> None:
        mirror, requested = cast(Mirror, self.server), self.headers["Range"]
        mirror.asked.append((self.path, requested))
        if self.path in mirror.redirects:
            self.send_response(302)
            self.send_header("Location", mirror.redirects[self.path])
            return self.end_headers()
        body = mirror.files.get(self.path)
        if body is None:
            return self.send_error(404)
        start = int(requested[len("bytes=") : -1]) if requested and mirror.knows_ranges else 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if mirror.says_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:][: mirror.breaks_after])

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serving() -> Iterator[Mirror]:
    """A mirror at work, on a thread of its own."""
    with Mirror() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
