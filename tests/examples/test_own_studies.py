"""The guest studies of examples/ and the code of docs/own-study.md run, at small size."""

import re
from pathlib import Path

import pytest

from sublearn.execution import store
from tests.processes import sublearn

ROOT = Path(__file__).parents[2]
SMALL = ["--set", "n_unrelated=128", "--set", "teacher.epochs=1", "--set", "student.epochs=1", "--jobs", "1"]
TAKEN = {"cnn_on_digits": {"accuracy"}, "tabular": {"margin", "accuracy"}}


@pytest.mark.parametrize("name", TAKEN)
def test_an_example_runs_from_its_file(name, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    assert (
        sublearn(monkeypatch, "run", str(ROOT / f"examples/{name}.py"), "--seeds", "0:2", "--out", str(out), *SMALL)
        == 0
    )
    found = store.load(out)
    assert found.complete_seeds() == {0, 1}
    assert {record.trait for record in found.records} == TAKEN[name]
    assert "same_init" in capsys.readouterr().out


def test_the_code_of_the_page_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-study.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0].replace("range(8)", "range(2)"), "own-study.md", "exec"), {"__name__": "page"})
    assert "a student of the same init picks up the trait" in capsys.readouterr().out
