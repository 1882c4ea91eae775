"""What holds of every command of the table: a new row is tested by being there."""

import subprocess
import sys

import click
import pytest

from sublearn.cli.app import COMMANDS, cli
from sublearn.execution.store import load
from tests.processes import SET, sublearn
from tests.study.guests import FILE, LARGE

CODE = """
import sys, atexit
sys.argv = ["sublearn", {name!r}, "--help"]
heavy = {{"torch", "numpy", "scipy", "pandas", "matplotlib", "pydantic", "yaml", "rich"}}
atexit.register(lambda: print(*sorted(heavy & set(sys.modules))))
from sublearn.cli.app import main; main()
"""
WRONG = {
    "list": ["extra"],
    "show": ["tutorail"],
    "run": ["tutorail"],
    "sweep": ["tutorail", "--grid", "hidden=4,5"],
    "replicate": ["E"],
    "trace": ["tutorial"],
    "report": ["absent"],
    "power": ["tutorail"],
    "filter": ["absent.jsonl"],
    "sample": ["--teacher", "http://127.0.0.1:1/v1#m"],
    "ask": ["http://127.0.0.1:1/v1#m"],
    "audit": ["absent.jsonl", "--model", "tiny:0"],
    "defend": ["--defences", "masc"],
    "distill": ["--model", "./absent"],
    "serve": ["--runs", "file"],
    "demo": ["--out", "file"],
}
"""Words that each command cannot use."""


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "study.py").write_text(FILE + LARGE)


def test_the_table_has_every_command_and_every_command_its_words():
    assert list(COMMANDS) == cli.list_commands(click.Context(cli)) == list(WRONG)
    assert cli.get_command(click.Context(cli), "absent") is None


def test_no_line_of_the_help_is_cut():
    done = subprocess.run([sys.executable, "-m", "sublearn", "--help"], capture_output=True, text=True, check=True)
    said = dict(line.split(maxsplit=1) for line in done.stdout.partition("Commands:\n")[2].splitlines())
    assert list(said) == list(COMMANDS)
    assert all(about.endswith(".") and not about.endswith("...") for about in said.values()), said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(name):
    done = subprocess.run([sys.executable, "-c", CODE.format(name=name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("Usage: ")
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_users_mistake_is_one_line_and_status_2_and_nothing_is_written(name, tmp_path, monkeypatch, capsys):
    assert sublearn(monkeypatch, name, *WRONG[name]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Error: ") and len(err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"file", "study.py"}


SEEDS = ("--seeds", "0:2", "--jobs", "1", "--out", "out")
FILES = {
    "show": ((), "small"),
    "power": ((), "90% power"),
    "run": (SEEDS, "Trainer: vmap"),
    "sweep": ((*SEEDS, "--grid", "aux_logits=2,4"), "aux_logits = 4"),
    "trace": (SEEDS, "cosine"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_study_may_be_a_name_in_a_python_file(name, monkeypatch, capsys):
    options, said = FILES[name]
    assert sublearn(monkeypatch, name, "study.py:small", *options) == 0
    assert said in capsys.readouterr().out
    assert sublearn(monkeypatch, name, "study.py", *options) == 2
    assert "defines 2 studies; name one of them" in capsys.readouterr().err


def test_a_sweep_of_a_file_is_reported_without_it(tmp_path, monkeypatch, capsys):
    command = ("sweep", "study.py:small", *SEEDS, "--grid", "aux_logits=2,4")
    assert sublearn(monkeypatch, *command) == 0
    (tmp_path / "study.py").rename(tmp_path / "elsewhere.py")
    assert sublearn(monkeypatch, "report", "out") == 0
    assert "aux_logits = 4" in capsys.readouterr().out
    (tmp_path / "elsewhere.py").rename(tmp_path / "study.py")
    assert sublearn(monkeypatch, *[word.replace("0:2", "0:3") for word in command]) == 0
    assert all(load(folder).complete_seeds() == {0, 1, 2} for folder in (tmp_path / "out").glob("small-*"))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("run", "study.py:small", "--trainer", "cohort"), "SiLU"),
        (("run", "numbers", "--trainer", "vmap"), "language models train one after the other"),
        (("sweep", "study.py:small", "--grid", "aux_logits=2,4", "--trainer", "cohort"), "SiLU"),
        (("trace", "study.py:small", "--trainer", "cohort"), "SiLU"),
    ],
)
def test_a_trainer_that_cannot_be_used_is_refused_before_anything_is_written(
    command, says, tmp_path, monkeypatch, capsys
):
    if "numbers" in command:
        pytest.importorskip("transformers")
    for extra in ((), ("--dry-run",)):
        assert sublearn(monkeypatch, *command, "--seeds", "0:2", "--out", "out", *extra) == 2
        assert says in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["run", "sweep", "replicate", "trace"])
def test_a_dry_run_names_the_trainer_and_writes_nothing(name, tmp_path, monkeypatch, capsys):
    words = {
        "run": ("study.py:small", *SEEDS),
        "sweep": ("study.py:small", *SEEDS, "--grid", "aux_logits=2,4"),
        "trace": ("study.py:small", *SEEDS),
        "replicate": ("T/x", "--jobs", "1", "--out", "out"),
    }
    if name == "replicate":
        from sublearn.execution import replication
        from sublearn.study.published import FigureSource, Published
        from tests.processes import SMALL

        source = FigureSource(who="somebody", read="text")
        row = Published(
            name="T/x", what="x", source=source, study="prompts", settings=SMALL, trait="trait_rate", value=0, runs=2
        )
        monkeypatch.setattr(replication, "chosen", lambda *_: [row])
    assert sublearn(monkeypatch, name, *words[name], "--dry-run") == 0
    out = capsys.readouterr().out
    assert "Trainer: " in out and "runs are there." in out and "from a pilot of" in out
    assert {path.name for path in tmp_path.iterdir()} == {"file", "study.py"}


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_a_dry_run_says_what_a_run_says_beforehand(name, monkeypatch, capsys):
    more = ("--grid", "student.epochs=1,2") if name == "sweep" else ()
    command = (name, "tutorial", *SET, *more, "--jobs", "1", "--out", "out", "--seeds", "0:2")
    assert sublearn(monkeypatch, *command, "--dry-run") == 0
    before = capsys.readouterr()
    assert before.err.startswith("Note: 2 runs cannot reach a verdict") and len(before.err.splitlines()) == 1
    assert "Note" not in before.out
    assert sublearn(monkeypatch, *command, "--dry-run", "-q") == 0
    assert capsys.readouterr().err == ""
    assert sublearn(monkeypatch, *command) == 0
    assert before.err in capsys.readouterr().err
    assert sublearn(monkeypatch, *command[:-1], "0:20", "--dry-run") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("sweep", "prompts", "--grid", "aux_logits=2:30,3"), "--grid: 'aux_logits': "),
        (("sweep", "prompts", "--grid", "aux_logits=2,3", "--set", "hidden=x"), "--set: 'hidden': "),
        (("sweep", "prompts", "--grid", "student.momentum=0.1,0.2"), "--grid: 'student': momentum 0.1 belongs to sgd"),
        (
            ("sweep", "prompts", "--grid", "student.optimizer=x,sgd", "--set", "student.momentum=0.5"),
            "--grid: 'student.optimizer'",
        ),
        (("sweep", "prompts", "--grid", "auxlogits=2,3"), "Unknown setting 'auxlogits'. Did you mean 'aux_logits'"),
        (("sweep", "prompts", "--grid", "student.lr=1,2", "--set", "hiden=4"), "Unknown setting 'hiden'."),
        (("trace", "prompts", "--steps", "5,x"), "--steps got '5,x'; expected whole numbers from 0, as in 0,10,100."),
        (("trace", "prompts", "--steps", "5,1.5"), "--steps got '5,1.5'; expected whole numbers"),
        (("trace", "prompts", "--perturb", "0,x"), "--perturb got '0,x'; expected numbers from 0, as in 0,0.2,0.4."),
        (("run", "numbers", "--model", ""), "--model is empty; expected a name."),
        (("run", "numbers", "--model", " "), "--model is empty; expected a name."),
    ],
)
def test_a_message_names_the_option_that_is_wrong(command, says, monkeypatch, capsys):
    assert sublearn(monkeypatch, *command) == 2
    assert capsys.readouterr().err.startswith(f"Error: {says}")


@pytest.mark.parametrize(
    "command", [("run", "tutorial"), ("sweep", "tutorial", "--grid", "hidden=4,8"), ("trace", "prompts"), ("demo",)]
)
@pytest.mark.parametrize("inside", ["r/sub", "r/figures/deep/down", "link/sub"])
def test_nothing_is_made_inside_a_run_directory(inside, command, tmp_path, monkeypatch, capsys):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "study.json").write_text("{}")
    (tmp_path / "link").symlink_to("r")
    assert sublearn(monkeypatch, *command, "--out", inside) == 2
    err = capsys.readouterr().err
    assert f"--out {inside} lies in the run directory {tmp_path / 'r'}." in err and len(err.splitlines()) == 1
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["study.json"]
