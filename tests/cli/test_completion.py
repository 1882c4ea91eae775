import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from sublearn.cli.app import cli
from sublearn.cli.completion import MANIFESTS
from sublearn.results.load import KINDS
from sublearn.study.table import STUDIES

SHELLS = ["bash", "zsh", "fish"]


def completed(*words: str) -> list[str]:
    """What a shell offers for the last word."""
    shell = BashComplete(cli, {}, "sublearn", "_SUBLEARN_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("command", ["run", "show", "sweep", "trace", "power"])
def test_a_shell_completes_names_of_studies(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completed(command, "") == list(STUDIES)
    assert completed(command, "di") == ["digits"]


def test_a_shell_completes_files_where_no_study_has_the_name():
    shell = BashComplete(cli, {}, "sublearn", "_SUBLEARN_COMPLETE")
    assert [(item.type, item.value) for item in shell.get_completions(["run"], "my.y")] == [("file", "my.y")]


@pytest.mark.parametrize(("command", "option"), [("run", "--set"), ("sweep", "--grid"), ("trace", "--set")])
def test_a_shell_completes_the_settings_of_the_study(command, option):
    assert completed(command, "digits", option, "student.l") == ["student.lr="]
    assert {"aux_logits=", "teacher.epochs="} <= set(completed(command, "digits", option, ""))
    assert completed(command, "nothing", option, "") == []
    assert completed("audit", "rows.jsonl", "--set", "virtual.") == [
        "virtual.steps=",
        "virtual.batch=",
        "virtual.lr=",
    ]
    assert completed("audit", "--set", "usu") == [] and completed("audit", "--benchmark", "--set", "usu") == ["usual="]


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """A folder with what several commands made, as far as its name tells it."""
    monkeypatch.chdir(tmp_path)
    for folder, file in (("runs/a b", "study.json"), ("runs/sweep-x", "sweep.json"), ("[1]/y", "audit.json")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).touch()
    (tmp_path / "runs/two\nlines").mkdir()
    (tmp_path / "runs/two\nlines/study.json").touch()
    (tmp_path / "runs/other").mkdir()
    return tmp_path


def test_a_shell_completes_folders_that_sublearn_made(made):
    assert completed("report", "") == ["[1]/y", "runs/a b", "runs/sweep-x"]
    assert completed("report", "runs/s") == ["runs/sweep-x"] and completed("report", "[1]/") == ["[1]/y"]
    assert completed("report", "runs/a b", f"{made}/runs/s") == [f"{made}/runs/sweep-x"]
    assert completed("power", "pr") == ["prompts"] and completed("power", "runs/a") == ["runs/a b"]
    shell = BashComplete(cli, {}, "sublearn", "_SUBLEARN_COMPLETE")
    assert [(item.type, item.value) for item in shell.get_completions(["report"], "runs/o")] == [("dir", "runs/o")]


def test_every_kind_of_folder_is_completed():
    assert set(MANIFESTS) == set(KINDS)


def test_a_shell_completes_published_figures():
    assert completed("replicate", "") == ["A", "B", "C", "D", *completed("replicate", "")[4:]]
    found = completed("replicate", "A", "A/same")
    assert found == ["A/same_init", "A/same_init_all"]


def test_a_shell_completes_mechanisms_behind_language():
    assert completed("replicate", "--language", "gre") == ["greedy"]
    assert completed("replicate", "--language", "greedy", "fur") == ["further"]
    assert completed("replicate", "gre") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_asks_this_program(shell, tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("click looks which bash there is")
    done = _program(tmp_path, {"_SUBLEARN_COMPLETE": f"{shell}_source"})
    assert f"_SUBLEARN_COMPLETE={shell}_complete" in done and "sublearn" in done
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself_completes_a_word(made):
    _installed(made)
    script = """
        eval "$(_SUBLEARN_COMPLETE=bash_source sublearn)"
        COMP_WORDS=(sublearn report runs/s) COMP_CWORD=2
        _sublearn_completion sublearn
        printf '%s|' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script], env=_environment(made), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("runs/sweep-x|", "")


def _installed(folder: Path) -> None:
    """A program `sublearn` in a folder of its own, as an installation puts it there."""
    file = folder / "bin" / "sublearn"
    file.parent.mkdir()
    file.write_text(
        f"#!{sys.executable}\nimport sys\nfrom sublearn.cli import main\nsys.argv[0] = 'sublearn'\nmain()\n"
    )
    file.chmod(0o755)


def _environment(folder: Path) -> dict[str, str]:
    house = str(Path(__file__).parents[2])
    return os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": house}


def _program(folder: Path, environment: dict[str, str]) -> str:
    _installed(folder)
    done = subprocess.run(
        [str(folder / "bin" / "sublearn")],
        env=_environment(folder) | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
