import os
import stat
from pathlib import Path

import pytest

from sublearn.errors import InputError
from sublearn.files import writing
from tests.pipes import pipe


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(tmp_path):
    previous = os.umask(0o027)
    try:
        writing.replace_text(tmp_path / "new", "a")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    writing.replace_text(tmp_path / "new", "b")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert (tmp_path / "new").read_text() == "b"


def test_a_file_that_holds_the_text_already_is_left_and_any_other_is_replaced(tmp_path):
    path = tmp_path / "file"
    writing.replace_text(path, "ä")
    first = path.stat().st_ino
    writing.replace_text(path, "ä")
    assert path.stat().st_ino == first
    writing.replace_text(path, "ö")
    assert path.stat().st_ino != first
    for text in ("äö", ""):
        writing.replace_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(InputError, match="is a link"):
        writing.replace_text(tmp_path / "link", "")


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), writing.replacing(tmp_path / "file") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "report.html"
    for content in ("precious", "<!DOCTYPE html><title>mine</title>"):
        path.write_text(content)
        with pytest.raises(InputError, match="is there already"):
            writing.check_target(path, writing.a_page)
        with pytest.raises(InputError, match="is there already"):
            writing.replace_text(path, "page", writing.a_page)
        assert path.read_text() == content
    path.write_text("\n<!DOCTYPE html><head><title>Demo | sublearn</title>")
    writing.check_target(path, writing.a_page)
    writing.replace_text(path, "page", writing.a_page)
    assert path.read_text() == "page"


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_only_regular_files_are_written_over(tmp_path, kind):
    path, target = tmp_path / "place", tmp_path / "target"
    if kind == "link":
        target.write_text("precious")
    {
        "link": lambda: path.symlink_to(target),
        "dangling link": lambda: path.symlink_to(target),
        "folder": path.mkdir,
        "pipe": lambda: pipe(path),
    }[kind]()
    for attempt in (
        lambda: writing.check_target(path, writing.anything),
        lambda: writing.replace_text(path, "text"),
    ):
        with pytest.raises(InputError, match=f"{path}"):
            attempt()
    assert not target.exists() or target.read_text() == "precious"
    assert {child.name for child in tmp_path.iterdir()} <= {"place", "target"}


def test_a_planted_link_beside_the_place_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.secrets, "token_hex", lambda _: "0" * 16)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f".sublearn-{'0' * 16}.part").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match="File exists"):
        writing.replace_text(tmp_path / "file", "text")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("name", ["", ".", "file/below", "x" * 300, "a\0b"])
def test_a_place_that_cannot_be_is_refused_before_any_work(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(InputError):
        writing.check_target(Path(name))
    assert [child.name for child in tmp_path.iterdir()] == ["file"]


def test_only_leftovers_of_our_own_are_cleared(tmp_path):
    ours, other = tmp_path / ".sublearn-0123456789abcdef.part", tmp_path / ".sublearn-notes.part"
    ours.touch()
    other.touch()
    writing.clear_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "", "..", ".hidden", "a/b", "a\\b", "con:aux", "x" * 500, "\0"]
)
def test_any_text_becomes_a_name_within_the_folder(tmp_path, name):
    safe = writing.safe_name(name)
    assert (tmp_path / f"{safe}.svg").resolve().parent == tmp_path.resolve()
    assert not safe.startswith(".")
    assert len(safe) <= 100
    (tmp_path / f"{safe}.svg").touch()


def test_unlike_names_stay_unlike():
    names = ["a/b", "a_b", "a b", "a\\b", "../a", "a", "A" * 90, "A" * 91]
    assert len({writing.safe_name(name) for name in names}) == len(names)
