import os
import stat
import sys

import pytest

from sublearn.errors import InputError
from sublearn.execution.engines import local
from sublearn.files.folders import locked, made_by
from sublearn.files.writing import beginning
from sublearn.study.table import STUDIES
from tests.processes import LOCKS, SET, kill, start, sublearn, wait_for

OURS = {"own.json": beginning(b'{"own"')}
FILES = {"own.svg": beginning(b"<svg")}


def held(folder):
    return made_by("sublearn test", folder, OURS, FILES)


def test_a_new_folder_is_made_and_a_second_command_is_refused(tmp_path):
    with held(tmp_path / "a" / "b"):
        assert {child.name for child in (tmp_path / "a" / "b").iterdir()} == set(LOCKS)
        with pytest.raises(InputError, match="Another process is writing"), held(tmp_path / "a" / "b"):
            pytest.fail("it was let in")
    with held(tmp_path / "a" / "b"):
        pass


@pytest.mark.parametrize("second", [None, "1of2", "1of3", "3of3"])
def test_a_folder_that_is_written_whole_keeps_everybody_out(tmp_path, second):
    with locked(tmp_path), pytest.raises(InputError, match="Another process is writing"), locked(tmp_path, second):
        pytest.fail("it was let in")
    with locked(tmp_path, second):
        pass


@pytest.mark.parametrize("second", [None, "1of2", "1of1", "3of4"])
def test_shards_keep_out_all_but_the_others_of_their_n(tmp_path, second):
    refused = pytest.raises(InputError, match="Another process is writing")
    with locked(tmp_path, "1of2"), locked(tmp_path, "2of2"), refused, locked(tmp_path, second):
        pytest.fail("it was let in")
    with locked(tmp_path, second):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sublearn.files.folders import locked\n"
        "with locked(Path(sys.argv[1])):\n    (Path(sys.argv[1]) / 'held').touch()\n    time.sleep(500)\n"
    )
    process = start([sys.executable, "-c", code, str(tmp_path)])
    try:
        assert wait_for((tmp_path / "held").exists)
        with pytest.raises(InputError, match="Another process is writing"), locked(tmp_path):
            pytest.fail("it was let in")
    finally:
        kill(process.pid)
        process.communicate()
    with locked(tmp_path):
        pass


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_those_who_may_write_a_folder_may_lock_it(tmp_path):
    before = os.umask(0o002)
    try:
        with locked(tmp_path):
            modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in LOCKS}
    finally:
        os.umask(before)
    assert modes == {0o664}


def test_after_an_error_a_new_folder_is_gone_unless_something_came_into_it(tmp_path):
    with pytest.raises(KeyboardInterrupt), held(tmp_path / "a" / "b"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError), held(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "own.json").write_text('{"own": 1}')
        raise ZeroDivisionError
    assert (tmp_path / "a" / "b" / "own.json").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZeroDivisionError), held(tmp_path / "empty"):
        raise ZeroDivisionError
    assert (tmp_path / "empty").is_dir()


@pytest.mark.parametrize("name", ["thesis.txt", ".hidden", "other/thesis.txt", "own.json", "own.svg"])
def test_a_folder_with_somebodys_file_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=r"did not make|is kept as it is"), held(tmp_path):
        pytest.fail("it was let in")
    assert {child.name for child in tmp_path.iterdir()} == {name.partition("/")[0]}


def test_a_folder_of_our_own_may_hold_notes_and_run_directories(tmp_path):
    (tmp_path / "tutorial-0").mkdir()
    (tmp_path / "tutorial-0" / "study.json").touch()
    (tmp_path / "own.svg").write_text("<svg>")
    with held(tmp_path):
        (tmp_path / "own.json").write_text('{"own": 1}')
    (tmp_path / "notes.txt").write_text("mine")
    with held(tmp_path):
        pass


@pytest.mark.parametrize(
    "command",
    [
        ("run", "tutorial", *SET, "--seeds", "0"),
        ("run", "tutorial", *SET, "--seeds", "0", "--dry-run"),
        ("sweep", "tutorial", *SET, "--grid", "student.lr=1e-3,1e-2", "--seeds", "0"),
        ("trace", "prompts", *SET, "--seeds", "0"),
        ("trace", "prompts", *SET, "--seeds", "0", "--perturb", "0,1"),
        ("replicate", "A", "--quick"),
        ("demo",),
    ],
)
def test_the_place_is_looked_at_before_anything_is_fetched_or_trained(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    for design in STUDIES.values():
        monkeypatch.setattr(design, "prepare", lambda _: pytest.fail("it was prepared"))
    monkeypatch.setattr(local, "connect", lambda *_: pytest.fail("a device was looked for"))
    assert sublearn(monkeypatch, *command, "--out", "file") == 2
    assert "--out file is a file; expected a folder" in capsys.readouterr().err
    assert [child.name for child in tmp_path.iterdir()] == ["file"]
