import subprocess
import sys

import pytest

import sublearn

TORCH_FREE = [
    "errors", "seeds", "config", "devices", "records", "columns", "stats", "cli", "cli.app", "cli.story",
    "language.plans", "execution.options", "execution.plan", "execution.run", "execution.store", "execution.failures",
    "execution.sweep", "execution.tracing", "execution.replication", "execution.engines.table", "results.load",
    "report.charts.figures", "report.tables", "report.page", "report.describe", "study.table", "study.analysis",
    "study.jobs", "study.memory", "study.source", "study.published", "study.controlled.spec",
    "study.controlled.guest", "study.numbers.spec", "study.numbers.design", "traits.trait", "training.choice",
    "tasks.table", "tasks.sources", "tasks.idx", "tasks.download",
]  # fmt: skip


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_the_torch_free_rooms_import_with_torch_blocked():
    modules = ", ".join(f"sublearn.{name}" for name in TORCH_FREE)
    done = python(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError('torch is blocked')\n"
        "sys.meta_path.insert(0, Blocked())\n"
        f"import {modules}\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_starts_without_torch(arguments):
    code = (
        f"import sys, atexit; sys.argv = ['sublearn', *{arguments}]\n"
        "atexit.register(lambda: print('TORCH' if 'torch' in sys.modules else 'CLEAN'))\n"
        "from sublearn.cli.app import main; main()"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "CLEAN"


@pytest.mark.parametrize("name", sublearn._SHELF)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(sublearn, name)
    assert name == "DEVICE" or (found.__doc__ or "").strip()


def test_type_checkers_see_the_same_shelf():
    from pathlib import Path

    stub = (Path(sublearn.__file__).parent / "__init__.pyi").read_text()
    named = {line.split(" as ")[1] for line in stub.splitlines() if " as " in line} | {"DEVICE"}
    assert named == set(sublearn._SHELF)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="colour"):
        _ = sublearn.colour
