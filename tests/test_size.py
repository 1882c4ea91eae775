"""What commands load and do, so that they start at once and stay quick with many runs. Seconds are for benchmarks."""

import subprocess
import sys

import pytest

from sublearn.execution import store
from sublearn.records import Record
from sublearn.results.single import run
from sublearn.study.table import build

HEAVY = ("torch", "numpy", "scipy", "matplotlib", "pandas", "jinja2", "sklearn", "transformers", "rich")


def loaded_by(*arguments: str) -> set[str]:
    """The top packages that a command loads."""
    code = (
        f"import sys, atexit; sys.argv = ['sublearn', *{arguments!r}]\n"
        "atexit.register(lambda: print('', *{name.partition('.')[0] for name in sys.modules}))\n"
        "from sublearn.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"]])
def test_what_says_something_at_once_loads_nothing_heavy(arguments):
    assert not loaded_by(*arguments) & set(HEAVY)


def test_help_loads_no_settings_either():
    assert not loaded_by("--help") & {"pydantic", "yaml"}


@pytest.fixture
def finished(tmp_path):
    """A run directory of two seeds of the study `tutorial`, with records made by hand."""
    study = build("tutorial")
    names = [(arm.name, trait.name) for arm in study.arms for trait in study.traits]
    with store.writing(tmp_path / "run", study, {"device": "cpu", "precision": "highest"}, "c") as writer:
        for seed in range(2):
            common = {"study": study.id, "seed": seed, "value": seed / 4, "n": 200}
            writer.add(Record(arm=arm, trait=trait, **common) for arm, trait in names)
    return tmp_path / "run"


def test_a_finished_runs_command_loads_no_torch_and_writes_its_report(finished):
    assert "torch" not in loaded_by("run", "tutorial", "--seeds", "0:2", "--out", str(finished))
    assert (finished / "report.html").exists() and (finished / "estimates.json").exists()


def test_a_finished_run_is_read_once_and_its_figures_are_drawn_once(finished, monkeypatch):
    seen = {"read": 0, "drawn": 0}

    def counted(name, real):
        def call(*args, **more):
            seen[name] += 1
            return real(*args, **more)

        return call

    from sublearn.report.charts import figures

    monkeypatch.setattr(store, "read_clean", counted("read", store.read_clean))
    monkeypatch.setattr(figures, "draw", counted("drawn", figures.draw))
    result = run("tutorial", range(2), finished)
    assert len(result.records) == 16
    assert seen == {"read": 1, "drawn": 2 * 2 + 1}  # two traits in two widths; the claims once, for the folder
