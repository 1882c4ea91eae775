"""Imports go downward only: those at the top of a module, late ones in functions, and those that stand in strings.

The layers are those of pyproject.toml, which import-linter holds as well; it sees no string and follows no table.
"""

import ast
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sublearn

ROOT = Path(sublearn.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
CONTRACTS = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [[name.strip() for name in layer.split("|")] for one in CONTRACTS for layer in one.get("layers", ())]
"""From the top down; what stands in one layer may not import each other."""


def module_of(name: str) -> str:
    """The longest beginning of a dotted name that is one of our modules."""
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name


def imported(name: str, source: str) -> Iterator[tuple[str, int]]:
    """Every module of ours that a module of this name and source imports or names, with the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((module_of(alias.name), node.lineno) for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node)
            if _ours(base):
                yield from ((module_of(f"{base}.{alias.name}"), node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("sublearn."):
            target = module_of(node.value.partition(":")[0].rstrip("."))
            if target != "sublearn":
                yield target, node.lineno


def _ours(name: str) -> bool:
    return name.partition(".")[0] == "sublearn"


def _absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = name if FILES[name].name == "__init__.py" else name.rpartition(".")[0]
    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def edges() -> Iterator[tuple[str, str, int]]:
    """Who imports whom, and where. A package's name in its own modules is no import: names of tables begin so."""
    for name, path in FILES.items():
        for target, line in imported(name, path.read_text()):
            if target == "sublearn" or not f"{name}.".startswith(f"{target}."):
                yield name, target, line


def layer_of(name: str) -> int:
    for number, layer in enumerate(LAYERS):
        if any(f"{name}.".startswith(f"{one}.") for one in layer):
            return number
    raise AssertionError(f"{name} stands in no layer of pyproject.toml")


def room_of(name: str) -> str:
    return next(one for one in LAYERS[layer_of(name)] if f"{name}.".startswith(f"{one}."))


def test_every_module_stands_in_a_layer():
    assert [room_of(name) for name in FILES if name != "sublearn"]


def test_nothing_imports_upwards_or_sideways_not_even_late_or_by_a_string():
    wrong = [
        f"{name}:{line} imports {target}"
        for name, target, line in edges()
        if "sublearn" not in (name, target) and room_of(name) != room_of(target) and layer_of(name) >= layer_of(target)
    ]
    assert wrong == []


def test_nobody_imports_the_package_itself():
    assert [f"{name}:{line}" for name, target, line in edges() if target == "sublearn"] == []


def test_there_is_no_circle():
    imports: dict[str, set[str]] = {}
    for name, target, _ in edges():
        imports.setdefault(name, set()).add(target)
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_the_shelf_names_modules_that_are_there():
    assert [name for name, module in sublearn._SHELF.items() if f"sublearn.{module}" not in FILES] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from sublearn.study import base", "sublearn.study.base"),
        ("from sublearn.errors import InputError", "sublearn.errors"),
        ("import sublearn.study.base as b", "sublearn.study.base"),
        ("import sublearn", "sublearn"),
        ("from sublearn import run", "sublearn"),
        ("def late():\n    from sublearn.cli import run", "sublearn.cli.run"),
        ("import_module('sublearn.execution.run')", "sublearn.execution.run"),
        ("TABLE = {'x': 'sublearn.study.table:STUDIES'}", "sublearn.study.table"),
        ("from ..study import jobs", "sublearn.study.jobs"),
        ("if TYPE_CHECKING:\n    from sublearn.results.base import Result", "sublearn.results.base"),
    ],
)
def test_the_law_sees_every_kind_of_import(source, found):
    assert [target for target, _ in imported("sublearn.training.trainers", source)] == [found]


def test_studies_are_no_protocol_of_strings():
    """What a study can do is asked of its class: no attribute of a study or a design is looked up by a string."""
    calls = [
        (f"{name}:{node.lineno}", ast.unparse(node.args[0]))
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr")
    ]
    assert [(where, what) for where, what in calls if "study" in what or "design" in what] == []
