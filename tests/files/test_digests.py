import hashlib
import json
import os

import pytest

from sublearn.errors import InputError
from sublearn.files import digests
from tests.pipes import pipe


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f/deep").mkdir(parents=True)
    (tmp_path / "f/a.txt").write_text("one")
    (tmp_path / "f/deep/b.txt").write_text("two")
    digests.seal(tmp_path / "f")
    return tmp_path / "f"


def test_a_digest_is_that_of_the_content_as_it_is_now(tmp_path):
    path = tmp_path / "a"
    for content in (b"", b"one", b"two", b"one" * 1_000_000):
        path.write_bytes(content)
        assert digests.of_file(path) == hashlib.sha256(content).hexdigest()


def test_a_file_that_does_not_change_is_read_once(tmp_path, monkeypatch):
    path, read = tmp_path / "a", []
    path.write_text("one")
    monkeypatch.setattr(digests, "UNSETTLED_NS", -(10**12))
    original = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: read.append(1) or original(*given))
    assert digests.of_file(path) == digests.of_file(path)
    assert len(read) == 1
    stamp = path.stat()
    path.write_text("two")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # of the same size and age, by its time stamps
    assert digests.of_file(path) == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_changed_just_now_is_not_believed(tmp_path):
    path = tmp_path / "a"
    path.write_text("one")
    digests.of_file(path)
    assert not any(key[0] == str(path) for key in digests._known)


@pytest.mark.parametrize("case", ["absent", "folder", "pipe"])
def test_what_is_no_file_has_no_digest(case, tmp_path):
    path = tmp_path / "a"
    {"absent": lambda path: None, "folder": os.mkdir, "pipe": pipe}[case](path)
    with pytest.raises(InputError, match="Cannot read the model's file"):
        digests.of_file(path, "the model's file")


def test_the_digest_of_several_files_holds_their_names(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    a, b = tmp_path / "a", tmp_path / "b"
    whole = digests.of_files({"a": a, "b": b})
    assert whole == digests.of_files({"b": b, "a": a})
    assert len({whole, digests.of_files({"a": b, "b": a}), digests.of_files({"a": a}), digests.of_files({})}) == 4


def test_a_sealed_folder_is_sound(folder):
    assert digests.unsound(folder) is None
    assert set(json.loads((folder / digests.SEAL).read_text())["files"]) == {"a.txt", "deep/b.txt"}


DAMAGE = {
    "zeroed": (lambda folder: (folder / "a.txt").write_bytes(bytes(3)), "a.txt is not what was written"),
    "cut short": (lambda folder: (folder / "deep/b.txt").write_text(""), "deep/b.txt is not what was written"),
    "removed": (lambda folder: (folder / "a.txt").unlink(), "a.txt is missing"),
    "added to": (lambda folder: (folder / "c.txt").write_text(""), "c.txt was added"),
    "a pipe": (lambda folder: ((folder / "a.txt").unlink(), pipe(folder / "a.txt")), "no regular file"),
    "without a seal": (lambda folder: (folder / digests.SEAL).unlink(), "has no readable"),
    "with a seal of garbage": (lambda folder: (folder / digests.SEAL).write_bytes(b"\xff"), "has no readable"),
    "with a list for a seal": (lambda folder: (folder / digests.SEAL).write_text("[]"), "has no readable"),
    "with a seal of another shape": (lambda folder: (folder / digests.SEAL).write_text('{"files": [1]}'), "has no"),
    "with an empty seal": (lambda folder: (folder / digests.SEAL).write_text('{"files": {}}'), "was added"),
    "gone": (lambda folder: [os.unlink(f) for f in folder.rglob("*") if f.is_file()] and None, "has no readable"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_folder_is_not_sound(case, folder):
    spoil, message = DAMAGE[case]
    spoil(folder)
    assert message in str(digests.unsound(folder))


def test_a_folder_that_is_not_there_is_not_sound(tmp_path):
    assert digests.unsound(tmp_path / "absent") == "it is not there"
