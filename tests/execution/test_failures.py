"""A study that fails ends neither its sweep nor the report, and is tried again by the same command."""

import json
from pathlib import Path

import pytest

from sublearn.errors import InputError
from sublearn.execution import failures, store
from sublearn.execution.options import Options
from sublearn.execution.sweep import Grid, GridPoints
from sublearn.files.appending import Appending
from sublearn.results.sweep import StudiesFailed, Sweep, run_points
from sublearn.study.table import STUDIES
from sublearn.study.tutorial import train as tutorial
from tests.processes import SET, SMALL, sublearn
from tests.report.samples import unmarked

GRID = {"student.lr": [1e-3, 1e-2, 1e-1]}
SWEEP = Grid("tutorial", SMALL, GRID)
COMMAND = ["sweep", "tutorial", *SET, "--grid", "student.lr=1e-3,1e-2,1e-1", "--jobs", "1", "--out", "sweep"]


@pytest.fixture
def broken(monkeypatch):
    """The study with rate .01 fails, for seeds from 4 on; how it is mended comes back."""
    real = tutorial.measure

    def measure(study, settings, seeds, setup):
        if study.settings["student"]["lr"] == 1e-2 and max(seeds) >= 4:
            raise ZeroDivisionError("by zero\x1b[31m")
        return real(study, settings, seeds, setup)

    monkeypatch.setattr(tutorial, "measure", measure)
    monkeypatch.setattr(STUDIES["tutorial"], "runs_at_once", lambda design, device: 2)
    return lambda: monkeypatch.setattr(tutorial, "measure", real)


def folders(out: Path) -> dict[float, Path]:
    return {load.study.settings["student"]["lr"]: load.path for load in map(store.load, sorted(out.glob("tutorial-*")))}


def run(out: Path, **options) -> Sweep:
    return run_points(GridPoints(SWEEP, range(8), out, "command"), Options(**options))


def test_the_others_are_run_and_the_report_names_what_failed(broken, tmp_path):
    with pytest.raises(StudiesFailed, match=r"^1 of 3 studies failed: student\.lr = 0\.01 \(ZeroDiv") as caught:
        run(tmp_path)
    assert [bool(point.failure) for point in caught.value.sweep.points] == [False, True, False]
    found = {rate: len(store.load(folder).complete_seeds()) for rate, folder in folders(tmp_path).items()}
    assert found == {1e-3: 8, 1e-2: 4, 1e-1: 8}
    note = json.loads((folders(tmp_path)[1e-2] / "failure.json").read_text())
    assert note["seeds"] == [4, 5] and "ZeroDivisionError" in note["traceback"]
    page = unmarked((tmp_path / "report.html").read_text())
    assert "What failed" in page and "student.lr = 0.01: ZeroDivisionError: by zero" in page
    assert "FAILED  ZeroDivisionError" in caught.value.sweep.summary()
    index = json.loads((tmp_path / "index.json").read_text())
    assert [entry.get("failure", "") != "" for entry in index] == [False, True, False]


def test_the_same_command_tries_again_what_failed_and_forgets_that_it_did(broken, tmp_path):
    for _ in range(2):
        with pytest.raises(StudiesFailed):
            run(tmp_path)
    broken()
    points = run(tmp_path).points
    assert [point.failure for point in points] == [None] * 3
    assert [len(point.analysis.seeds) for point in points] == [8] * 3
    assert not list(tmp_path.glob("*/failure*.json"))
    assert "What failed" not in (tmp_path / "report.html").read_text()


def test_shards_tell_of_their_own_failures_alone(broken, tmp_path):
    run(tmp_path, shard=(2, 2))
    with pytest.raises(StudiesFailed):
        run(tmp_path, shard=(1, 2))
    assert [file.name for file in tmp_path.glob("*/failure*.json")] == ["failure-1of2.json"]
    run(tmp_path, shard=(2, 2))  # it has nothing left to do, and nothing of its own to tell
    assert list(tmp_path.glob("*/failure*.json"))
    broken()
    run(tmp_path, shard=(1, 2))
    assert not list(tmp_path.glob("*/failure*.json"))


def test_the_command_prints_what_there_is_and_ends_with_one_message_and_status_1(broken, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sublearn(monkeypatch, *COMMAND, "--seeds", "0:8") == 1
    out, err = capsys.readouterr()
    assert err.startswith("Failed: 1 of 3 studies failed: student.lr = 0.01 (ZeroDivisionError: by zero")
    assert err.count("\n") == 1 and "\x1b" not in err + out
    assert "FAILED" in out and "Report: sweep/report.html" in out
    assert sublearn(monkeypatch, "report", "sweep") == 0
    assert "FAILED" in capsys.readouterr().out


def test_a_disk_that_is_full_is_told_as_that_and_not_as_damage(monkeypatch, tmp_path):
    def full(file, content):
        file.path.write_bytes(b"")  # cut where it was, as a write that came short is
        raise InputError("The disk is full")

    monkeypatch.setattr(Appending, "add", full)
    with pytest.raises(InputError, match="The disk is full"):
        run(tmp_path)


def test_progress_reaches_its_end(broken, tmp_path):
    seen = []
    with pytest.raises(StudiesFailed):
        run(tmp_path, progress=lambda done, total, notes: seen.append((done, total)))
    assert seen[-1] == (24, 24)


def test_where_every_study_fails_there_is_a_report_still(monkeypatch, tmp_path):
    monkeypatch.setattr(tutorial, "measure", lambda *_: 1 / 0)
    with pytest.raises(StudiesFailed, match=r"3 of 3 studies failed"):
        run(tmp_path)
    assert (tmp_path / "report.html").read_text().count("division by zero") == 3


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"reason": 3, "seeds": []}', '{"reason": "x", "seeds": ["a"]}'])
def test_a_damaged_note_is_one_message(content, tmp_path):
    (tmp_path / "failure.json").write_text(content)
    with pytest.raises(InputError, match=r"failure\.json"):
        failures.found(tmp_path)


def test_a_note_is_told_in_one_plain_line(tmp_path):
    failures.note(tmp_path, failures.Failed(reason="two\nlines\x1b[31m" + "x" * 5000, seeds=(1,)))
    found = failures.found(tmp_path)
    assert found is not None and found.startswith("two lines [31mxxx") and len(found) <= 300
    failures.clear(tmp_path)
    assert failures.found(tmp_path) is None
