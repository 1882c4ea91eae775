import dataclasses
import logging
import os
import socket
import stat
import threading
from pathlib import Path

import pooch
import pytest

from sublearn.errors import InputError
from sublearn.tasks import download
from sublearn.tasks.download import Progress, fetch
from tests.pipes import pipe
from tests.tasks.tiny_mnist import PACKED, Mirror, md5, tiny_source

pytestmark = pytest.mark.usefixtures("cache")
FIRST = "/train-images-idx3-ubyte.gz"


def part_of(cache: Path, body: bytes) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    part = cache / "train-images-idx3-ubyte.gz.part"
    part.write_bytes(body)
    return part


def kept_in(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def fetch_first(*mirrors: str, progress: Progress | None = None) -> Path:
    source = tiny_source(*mirrors)
    return fetch(source, source.files[0], progress)


def test_progress_ends_with_the_whole_file(mirror: Mirror, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "CHUNK_BYTES", 1000)
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
    mirror.files[FIRST] = PACKED[2]
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
        fetch_first(url, f"{url}second/")
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


def test_only_https_is_followed():
    source = dataclasses.replace(tiny_source("http://127.0.0.1:9/"), schemes=("https",))
    with pytest.raises(InputError, match=r"it leads to 'http', and only https is followed"):
        fetch(source, source.files[0])


@pytest.mark.parametrize("goal", ["ftp://127.0.0.1/f.gz", "https://127.0.0.1:9/f.gz", "file:///etc/passwd", "data:,f"])
def test_a_redirect_to_another_scheme_is_refused(goal: str, mirror: Mirror, cache: Path):
    mirror.redirects[FIRST] = goal
    with pytest.raises(InputError, match=r"only http is followed|HTTP 302 Found"):
        fetch_first(mirror.url)
    assert [path for path, _ in mirror.asked] == [FIRST]
    assert kept_in(cache) == set()


@pytest.mark.parametrize("goal", ["http://[", "http://" + "x" * 70 + "é/"])
def test_a_redirect_to_no_address_is_told(goal: str, mirror: Mirror, cache: Path):
    mirror.redirects[FIRST] = goal
    with pytest.raises(InputError, match=r"no address|HTTP 302 Found|not known|resolution"):
        fetch_first(mirror.url)
    assert kept_in(cache) == set()


def test_a_redirect_within_the_scheme_is_followed(mirror: Mirror):
    mirror.files["/elsewhere"] = mirror.files[FIRST]
    mirror.redirects[FIRST] = "/elsewhere"
    assert fetch_first(mirror.url).read_bytes() == PACKED[0]


def test_redirects_in_a_circle_end(mirror: Mirror):
    mirror.redirects[FIRST] = FIRST
    with pytest.raises(InputError, match="HTTP 302 Found"):
        fetch_first(mirror.url)


@pytest.mark.parametrize("says_length", [True, False])
def test_a_download_that_is_too_long_is_cut_off(says_length: bool, mirror: Mirror, cache: Path, monkeypatch):
    monkeypatch.setattr(download, "CHUNK_BYTES", 1 << 12)
    mirror.files[FIRST] = bytes(3_000_000)
    mirror.says_length = says_length
    seen: list[int] = []
    with pytest.raises(InputError, match=r"sends more than the 27,655 bytes that the file can have at most"):
        fetch_first(mirror.url, progress=lambda _, have, total: seen.append(have))
    most = tiny_source().files[0].most
    assert all(have <= most for have in seen)
    assert sum(path.stat().st_size for path in cache.iterdir()) <= most


def test_a_part_that_is_too_long_is_begun_anew_without_being_read(mirror: Mirror, cache: Path):
    with part_of(cache, b"").open("wb") as part:
        part.truncate(1 << 40)
    assert fetch_first(mirror.url).read_bytes() == PACKED[0]
    assert mirror.ranges == [None]


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_is_in_the_way_of_a_download_is_named(kind: str, mirror: Mirror, cache: Path, tmp_path: Path):
    part = part_of(cache, b"")
    part.unlink()
    (tmp_path / "precious").write_text("precious")
    make = {"pipe": pipe, "folder": os.mkdir, "link": lambda path: os.symlink(tmp_path / "precious", path)}
    make[kind](part)
    with pytest.raises(InputError, match="is in the way of a download"):
        fetch_first(mirror.url)
    assert (tmp_path / "precious").read_text() == "precious"
    assert mirror.asked == []


def test_what_is_left_of_a_killed_download_is_removed(mirror: Mirror, cache: Path):
    part_of(cache, b"")
    (cache / "tmpabcd_123").write_bytes(PACKED[0])  # as pooch names what it has not put in place yet
    fetch_first(mirror.url)
    assert kept_in(cache) == {"train-images-idx3-ubyte.gz"}


def test_a_lock_that_is_a_link_is_not_followed(mirror: Mirror, cache: Path, tmp_path: Path):
    cache.mkdir(parents=True)
    (cache / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        fetch_first(mirror.url)
    assert not (tmp_path / "elsewhere").exists()


def test_progress_alone_says_what_is_downloaded(mirror: Mirror, capfd: pytest.CaptureFixture[str]):
    fetch_first(mirror.url)
    assert "".join(capfd.readouterr()) == ""
    assert pooch.get_logger().level < logging.WARNING  # as it was


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_a_cache_that_several_share_can_be_read_by_them(mirror: Mirror):
    before = os.umask(0o022)
    try:
        assert stat.S_IMODE(fetch_first(mirror.url).stat().st_mode) == 0o644
    finally:
        os.umask(before)


def test_what_a_server_says_is_not_repeated(cache: Path):
    """A status line of the server's own words, with an escape that would colour the terminal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server, b"HTTP/1.1 404 \x1b[31mred\r\n\r\n"))
        thread.start()
        with pytest.raises(InputError, match="HTTP 404 Not Found") as caught:
            fetch_first(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert "\x1b" not in str(caught.value)


def test_an_answer_that_is_no_http_is_told(cache: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server, b"\x1b[31mred\r\n\r\n"))
        thread.start()
        with pytest.raises(InputError, match=r"\(BadStatusLine\)"):
            fetch_first(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()


def answer(server: socket.socket, text: bytes) -> None:
    """Answer one request with that text, whatever it asks."""
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(text)
