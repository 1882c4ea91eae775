import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import sublearn
from sublearn.cli.app import COMMANDS

TORCH_FREE = [
    "errors", "seeds", "config", "devices", "records", "columns", "stats", "cli", "cli.app", "cli.story",
    "language.plans", "execution.options", "execution.plan", "execution.run", "execution.store", "execution.failures",
    "execution.sweep", "execution.tracing", "execution.replication", "execution.engines.table", "results.load",
    "report.charts.figures", "report.tables", "report.page", "report.describe", "study.table", "study.analysis",
    "study.jobs", "study.memory", "study.source", "study.published", "study.controlled.spec",
    "study.controlled.guest", "study.numbers.spec", "study.numbers.design", "traits.trait", "training.choice",
    "auditing.request", "auditing.plan", "auditing.found", "results.audit", "results.benchmark",
    "auditing.benchmark.plan", "auditing.benchmark.metrics", "auditing.benchmark.run",
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
    stub = (Path(sublearn.__file__).parent / "__init__.pyi").read_text()
    named = {line.split(" as ")[1] for line in stub.splitlines() if " as " in line} | {"DEVICE"}
    assert named == set(sublearn._SHELF)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="colour"):
        _ = sublearn.colour


ROOT = Path(sublearn.__file__).parent
LAYERS = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
RANK = {name.strip(): rank for rank, layer in enumerate(LAYERS) for name in layer.split("|")}
SHAPE = re.compile(r"sublearn(\.[a-z_]+)+")


def rank(module: str) -> int:
    """How far down the layer of a module is."""
    return next(RANK[name] for name in RANK if module == name or module.startswith(f"{name}."))


def named_in(file: Path) -> Iterator[str]:
    """The modules of the package that a file names in texts, as tables of modules do, or in `import sublearn`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import) and any(alias.name == "sublearn" for alias in node.names):
            yield "sublearn"
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if SHAPE.fullmatch(text) and find_spec(text) is not None:
            yield text


def module_of(file: Path) -> str:
    """The dotted name of a file of the package."""
    return ".".join(["sublearn", *file.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


@pytest.mark.parametrize("file", sorted(ROOT.rglob("*.py")), ids=module_of)
def test_modules_that_are_named_in_texts_lie_no_higher_than_who_names_them(file):
    if file == ROOT / "__init__.py":  # the shelf, which nobody below may import
        return
    for name in named_in(file):
        assert name != "sublearn", "the shelf is for users"
        assert rank(name) >= rank(module_of(file)), name


def test_the_table_of_commands_names_modules_of_its_own_layer():
    assert all(module.startswith("sublearn.cli.") and find_spec(module) for module in COMMANDS.values())
