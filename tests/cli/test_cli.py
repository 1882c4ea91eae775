import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sublearn.execution.store import Writer, load
from tests.processes import command_line, descendants, sublearn, wait_for

SMALL = ["--set", "n_eval=20", "--set", "n_unrelated=60", "--set", "hidden=8", "--set", "embed_dim=4"]
RUN = ["run", "tutorial", *SMALL, "--seeds", "0:3"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BAD_INPUT = {
    "unknown study": (["run", "tutorail"], "Did you mean 'tutorial'"),
    "unknown study to show": (["show", "tutorail"], "Did you mean 'tutorial'"),
    "misspelt setting": ([*RUN, "--set", "studnet.lr=1"], "Did you mean 'student.lr'"),
    "setting without value": ([*RUN, "--set", "student.lr"], "expected key=value"),
    "setting of the wrong type": ([*RUN, "--set", "student.lr=fast"], "'student.lr'"),
    "setting out of range": ([*RUN, "--set", "student.lr=-1"], "greater than 0"),
    "no seeds": (["run", "tutorial", "--seeds", ""], "--seeds got ''"),
    "empty range": (["run", "tutorial", "--seeds", "5:5"], "the range is empty"),
    "reversed range": (["run", "tutorial", "--seeds", "9:5"], "must lie above its start"),
    "negative seed": (["run", "tutorial", "--seeds", "-1"], "whole numbers from 0"),
    "doubled seed": (["run", "tutorial", "--seeds", "0:4,2"], "seed 2 was given twice"),
    "seed that is no number": (["run", "tutorial", "--seeds", "few"], "whole numbers from 0"),
    "seed too large": (["run", "tutorial", "--seeds", "99999999999"], "cannot be used"),
    "another study's folder": ([*RUN, "--out", "other"], "holds another study"),
    "a folder of other files": ([*RUN, "--out", "files"], "holds other files"),
    "a folder that cannot be made": ([*RUN, "--out", "files/thesis.txt/run"], "Cannot write"),
    "no CUDA": ([*RUN, "--device", "cuda"], "finds no CUDA device"),
    "unknown device": ([*RUN, "--device", "tpu"], "'tpu' is not one of"),
    "unknown engine": ([*RUN, "--engine", "steam"], "'steam' is not one of"),
    "no jobs": ([*RUN, "--jobs", "0"], "--jobs"),
    "absent study file": (["run", "absent.yaml"], "Cannot read"),
    "study file that is not YAML": (["run", "broken.yaml"], "no plain YAML"),
    "study file with unknown keys": (["run", "unknown.yaml"], "Did you mean 'settings'"),
    "study file that builds objects": (["run", "object.yaml"], "no plain YAML"),
    "study file without a study": (["run", "empty.yaml"], "must be a mapping"),
    "study file with bad settings": (["run", "badset.yaml"], "'settings' must be a mapping"),
    "--model for another study": (["run", "tutorial", "--model", "gpt2"], "Unknown setting 'model'"),
    "absent model": (["run", "numbers", "--model", "./absent"], "is no model folder"),
    "model that is a file": (["run", "numbers", "--model", "files/thesis.txt"], "is no model folder"),
    "unknown animal": (["run", "numbers", "--set", "animal=unicorn"], "none of the tiny world's"),
    "LoRA on a tiny model": (["run", "numbers", "--set", "student.how=lora"], "choose a real model"),
    "absent rows": (["run", "numbers", "--set", "bring.numbers=absent.jsonl"], "Cannot read the numbers"),
    "rows that are none": (["run", "numbers", "--set", "bring.numbers=files/thesis.txt"], "line 1: it is no JSON"),
    "damaged records": ([*RUN, "--out", "damaged"], "line 2 is damaged"),
    "report of no run": (["report", "files"], "no run directory"),
    "report of damaged records": (["report", "damaged"], "line 2 is damaged"),
    "power of an unknown study": (["power", "tutorail"], "Did you mean 'tutorial'"),
    "power of no effect": (["power", "tutorial", "--effect", "0"], "--effect"),
}


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Folders and files that make the table's inputs bad."""
    other = [text.replace("hidden=8", "hidden=9") for text in SMALL]
    assert sublearn(monkeypatch, "run", "tutorial", *other, "--seeds", "0", "--out", "other") == 0
    assert sublearn(monkeypatch, *RUN, "--out", "damaged") == 0
    records = tmp_path / "damaged" / "records.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join([lines[0], "{damaged\n", *lines[2:]]))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "thesis.txt").write_text("precious")
    texts = {
        "broken": "study: [",
        "unknown": "study: tutorial\nsetings: {}",
        "object": "study: !!python/object/apply:os.system ['touch hacked']",
        "empty": "[]",
        "badset": "study: tutorial\nsettings: 3",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("prepared")
def test_bad_input_gives_one_message_status_2_and_changes_nothing(tmp_path, monkeypatch, capsys):
    before = files(tmp_path)
    for name, (arguments, message) in BAD_INPUT.items():
        capsys.readouterr()
        status = sublearn(monkeypatch, *arguments)
        out, err = capsys.readouterr()
        assert status == 2, name
        assert message in err, (name, err)
        assert out == "", name
        assert "Traceback" not in err, name
        assert len([line for line in err.splitlines() if line.startswith("Error")]) == 1, (name, err)
        assert files(tmp_path) == before, name
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_says_what_would_be_run_and_runs_nothing(tmp_path, monkeypatch, capsys):
    assert sublearn(monkeypatch, *RUN[:-1], "0:2", "--out", "run") == 0
    before = files(tmp_path)
    capsys.readouterr()
    assert sublearn(monkeypatch, *RUN[:-1], "0:5", "--out", "run", "--dry-run") == 0
    assert "3 runs of 4 arms" in (out := capsys.readouterr().out)
    assert "2 runs are there" in out
    assert files(tmp_path) == before


def test_a_run_writes_its_directory_and_goes_on_with_what_is_missing(tmp_path, monkeypatch, capsys):
    assert sublearn(monkeypatch, *RUN, "--out", "run") == 0
    run = tmp_path / "run"
    expected = {
        "training.json",
        "study.json",
        "records.jsonl",
        "estimates.json",
        "looks.json",
        "report.html",
        "figures",
    }
    assert {path.name for path in run.iterdir() if not path.name.startswith(".")} == expected
    first = (run / "records.jsonl").read_bytes()
    assert sublearn(monkeypatch, *RUN[:-1], "0:5", "--out", "run") == 0
    assert (run / "records.jsonl").read_bytes().startswith(first)
    assert load(run).complete_seeds() == set(range(5))
    capsys.readouterr()
    assert sublearn(monkeypatch, *RUN[:-1], "0:5", "--out", "run", "--json") == 0
    out, _ = capsys.readouterr()
    assert json.loads(out) == json.loads((run / "estimates.json").read_text())
    assert json.loads(out)["seeds"] == [0, 1, 2, 3, 4]


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sublearn", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_torn_record_is_run_again_and_gives_the_same(tmp_path, monkeypatch):
    assert sublearn(monkeypatch, *RUN, "--out", "run") == 0
    path = tmp_path / "run" / "records.jsonl"
    whole = set(load(tmp_path / "run").records)
    path.write_bytes(path.read_bytes()[:-30])
    again = in_a_process(*RUN, "--out", "run")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("Warning: ") == 1
    assert "torn" in again.stderr
    assert set(load(tmp_path / "run").records) == whole


def test_records_that_are_removed_during_a_run_end_it_with_status_1(tmp_path, monkeypatch, capsys):
    real = Writer.add

    def add(writer: Writer, records) -> None:
        real(writer, records)
        (tmp_path / "run" / "records.jsonl").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "add", add)
        assert sublearn(patch, *RUN, "--out", "run") == 1
    out, err = capsys.readouterr()
    note, failed = err.splitlines()
    assert note.startswith("Note: 3 runs cannot reach a verdict")
    assert failed.startswith("Failed: run/records.jsonl was removed or changed by somebody else")
    assert out == ""
    assert sublearn(monkeypatch, *RUN, "--out", "run") == 0
    assert load(tmp_path / "run").complete_seeds() == {0, 1, 2}


def test_a_study_file_gives_study_settings_and_seeds(tmp_path, monkeypatch, capsys):
    settings = "{n_eval: 20, n_unrelated: 60, hidden: 8, embed_dim: 4, student: {lr: 1e-3}}"
    (tmp_path / "mine.yaml").write_text(f"study: tutorial\nsettings: {settings}\nseeds: [4, 6]\n")
    assert sublearn(monkeypatch, "run", "mine.yaml", "--out", "run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["seeds"] == [4, 6]
    assert load(tmp_path / "run").study.settings["student"]["lr"] == 1e-3


def test_list_show_report_and_power_say_what_there_is(monkeypatch, capsys):
    assert sublearn(monkeypatch, *RUN, "--out", "run") == 0
    for arguments, shown in (
        (["list"], "tutorial"),
        (["show", "tutorial"], "a student of the same init has a higher trait_rate"),
        (["show", "tutorial", "--json"], '"control": "distill_diff_init"'),
        (["report", "run"], "report.html"),
        (["report", "run", "--out", "page.html"], "page.html"),
        (["power", "tutorial"], "90% power"),
        (["power", "tutorial", "--effect", "0.5"], "0.5"),
        (["power", "run"], "Pilot: 3 runs"),
    ):
        capsys.readouterr()
        assert sublearn(monkeypatch, *arguments) == 0
        assert shown in capsys.readouterr().out, arguments
    assert Path("page.html").exists()


@pytest.mark.usefixtures("hearing_signals")
def test_an_interrupted_run_ends_with_130_and_goes_on(tmp_path):
    command = [sys.executable, "-m", "sublearn", *RUN[:-1], "0:400", "--out", "run", "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    records = tmp_path / "run" / "records.jsonl"
    deadline = time.monotonic() + 60
    while not records.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command resumes" in err
    assert "Traceback" not in err
    done = load(tmp_path / "run").complete_seeds()
    assert 0 < len(done) < 400
    command[command.index("0:400")] = f"0:{max(done) + 2}"
    again = in_a_process(*command[3:])
    assert again.returncode == 0, again.stderr
    assert load(tmp_path / "run").complete_seeds() >= set(range(max(done) + 2))


@pytest.mark.usefixtures("hearing_signals")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)]
)
def test_a_signal_to_all_processes_of_a_run_ends_it_with_one_line(tmp_path, number, status):
    """As a scheduler or a closed terminal sends it: to the workers as well, and several times."""
    command = [sys.executable, "-m", "sublearn", *RUN[:-1], "0:400", "--out", "run", "--jobs", "2", "-q"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stderr=pipe, stdout=pipe, text=True, start_new_session=True)
    assert wait_for((tmp_path / "run" / "records.jsonl").exists)
    workers = descendants(process.pid)
    for _ in range(3):
        os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert err.splitlines() == [
        f"Ended by {number.name}. What was recorded is safe; the same command resumes from there."
    ]
    assert workers
    assert wait_for(lambda: not any(command_line(worker) for worker in workers))
    assert 0 < len(load(tmp_path / "run").complete_seeds()) < 400


def test_a_file_size_limit_is_told_as_a_full_disk(tmp_path):
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        f"sys.argv = ['sublearn', *{[*RUN[:-1], '0:64', '--out', 'run']!r}]\n"
        "from sublearn.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, env={**os.environ}
    )
    assert done.returncode == 2, done.stderr
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
