"""Runs of `numbers` from the command line whose disk is full, whose folders are damaged, or that are killed."""

import errno
import shutil
import sys

import pytest
from transformers import PreTrainedModel

from sublearn.language import artifacts
from tests.processes import call, kill, lines, start, sublearn, wait_for

SMALL = {
    "base.width": 16, "base.heads": 2, "base.inner": 32, "base.steps": 150, "base.batch": 16, "rows": 16,
    "student.steps": 2, "student.batch": 16, "sampled": 0, "arms": "[same_init]",
}  # fmt: skip
SET = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
COMMAND = ["run", "numbers", "--seeds", "0", "--jobs", "1", *SET, "--out"]


def leftovers(folder):
    return [path for path in folder.rglob(".sublearn-*") if artifacts.BESIDE.fullmatch(path.name)]


def told(capfd):
    """The lines on standard error, without the note on how few runs these are."""
    return [line for line in capfd.readouterr().err.splitlines() if not line.startswith("Note: ")]


def test_a_full_disk_is_one_line_and_the_command_goes_on_from_there(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert sublearn(monkeypatch, *COMMAND, "whole") == 0
    save, saved = PreTrainedModel.save_pretrained, []

    def full(model, folder, **how):
        save(model, folder, **how)
        saved.append(folder)
        if len(saved) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(PreTrainedModel, "save_pretrained", full)
        capfd.readouterr()
        assert sublearn(patched, *COMMAND, "r") == 2
    (line,) = told(capfd)
    assert line.startswith("Error: The disk is full: r/made/seed-0/students/")
    assert leftovers(tmp_path) == []
    assert sublearn(monkeypatch, *COMMAND, "r") == 0
    assert lines(tmp_path / "r") == lines(tmp_path / "whole")


def test_damaged_artifacts_are_made_again_and_change_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert sublearn(monkeypatch, *COMMAND, "whole") == 0
    shutil.copytree("whole", "r")
    (tmp_path / "r/records.jsonl").unlink()
    seed = tmp_path / "r/made/seed-0"
    (seed / "teacher/model.safetensors").write_bytes(b"garbage")
    (seed / "students/same_init/model.safetensors").unlink()
    (seed / "numbers/base.jsonl").write_text("")
    (seed / ".sublearn-0123456789abcdef.folder").mkdir()
    capfd.readouterr()
    assert sublearn(monkeypatch, *COMMAND, "r") == 0
    assert [line.split(":")[:2] for line in told(capfd)] == [
        ["Warning", " The model in r/made/seed-0/teacher is made again"],
        ["Warning", " The model in r/made/seed-0/students/same_init is made again"],
        ["Warning", " The rows in r/made/seed-0/numbers/base.jsonl are written again"],
    ]
    assert lines(tmp_path / "r") == lines(tmp_path / "whole")
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_six_kills_lose_and_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "sublearn", *COMMAND]
    assert call([*command, str(tmp_path / "whole")]).returncode == 0
    shutil.rmtree(tmp_path / "cache")
    seen = 0
    for _ in range(6):
        process = start([*command, str(tmp_path / "r")])
        made = len(list(tmp_path.glob("r/made/**/*")))
        wait_for(
            lambda made=made, process=process: (
                len(list(tmp_path.glob("r/made/**/*"))) > made or process.poll() is not None
            )
        )
        seen += process.poll() is None
        kill(process.pid)
        process.communicate()
    assert seen >= 3
    assert call([*command, str(tmp_path / "r")]).returncode == 0
    assert lines(tmp_path / "r") == lines(tmp_path / "whole")
    assert leftovers(tmp_path / "r") == []
