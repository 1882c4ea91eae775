import importlib.util
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tools.notebook import cleaned, main

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = [path for path in sorted(EXAMPLES.glob("*.py")) if "jupytext:" in path.read_text()]


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_the_one_built_from_its_source(source):
    built = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    expected = jupytext.read(source)
    assert [(cell.cell_type, cell.source) for cell in built.cells] == [
        (cell.cell_type, cell.source) for cell in expected.cells
    ]


SMALL = """# ---
# jupyter: {kernelspec: {name: python3, display_name: Python 3, language: python}}
# ---

# %% [markdown]
# # Small

# %%
import time

for i in range(3):
    print(i, flush=True)
    time.sleep(0.05)
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_what_make_notebook_writes_is_the_same_each_time(tmp_path, monkeypatch):
    source, written = tmp_path / "small.py", list[str]()
    source.write_text(SMALL)
    monkeypatch.setattr(sys, "argv", ["notebook.py", str(source)])
    for _ in range(2):
        main()
        written.append(source.with_suffix(".ipynb").read_text())
    assert written[0] == written[1]
    (code,) = [cell for cell in nbformat.reads(written[0], as_version=4).cells if cell.cell_type == "code"]
    assert [output.text for output in code.outputs] == ["0\n1\n2\n"]


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_what_differs_from_run_to_run(source):
    built = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert cleaned(deepcopy(built)) == built


@pytest.mark.parametrize("file", ["sublearn-0.2.0-py3-none-any.whl", "checkout/sublearn/__init__.py"])
def test_where_sublearn_is_not_installed_it_is_taken_from_what_lies_beside_the_notebook(file, tmp_path, monkeypatch):
    cells = [cell.source for cell in jupytext.read(EXAMPLES / "tutorial.py").cells]
    (code,) = [text for text in cells if "find_spec" in text]
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, **how: calls.append(command))
    with pytest.raises(AssertionError, match="Upload its wheel, or clone its repository"):
        exec(code, {})
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
    exec(code, {})
    assert calls == [[sys.executable, "-m", "pip", "install", "-q", f"{tmp_path / file.partition('/')[0]}[llm]"]]


def assert_tells_its_story(notebook: nbformat.NotebookNode) -> None:
    """Every figure is there, and the verdicts that the text speaks of."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    images = [output for output in outputs if "image/png" in output.get("data", {})]
    text = "".join(output.get("text", "") for output in outputs)
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]
    assert len(images) == 7
    assert "INCONCLUSIVE" in text
    assert "NEGLIGIBLE" in text
    assert "supported" in shown
    assert "chance .05" in text and "->" in text
    assert not [output for output in outputs if output.get("name") == "stderr"]  # nor a warning with somebody's paths


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_with_its_outputs(source):
    assert_tells_its_story(nbformat.read(source.with_suffix(".ipynb"), as_version=4))


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", ["quick", pytest.param("whole", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_runs_and_shows_its_figures(source, size, tmp_path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_NOTEBOOK", size)
    notebook = jupytext.read(source)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert_tells_its_story(notebook)
