"""Directories that version 0.1.0 wrote are read, reported and resumed. `tests/data/v0.1.0` holds some, without
figures, pages and models.
"""

import json
import shutil
from pathlib import Path

import pytest

from sublearn.execution import store
from sublearn.results.single import Result
from sublearn.results.sweep import Sweep
from sublearn.study.contrast import Difference
from sublearn.study.identity import first_id_of
from tests.processes import SET, sublearn

OLD = Path(__file__).parent / "data" / "v0.1.0"
STUDIES = ["run", "numbers", *(f"sweep/{path.name}" for path in sorted((OLD / "sweep").glob("tutorial-*")))]


@pytest.fixture
def old(tmp_path):
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


@pytest.mark.parametrize("name", STUDIES)
def test_a_run_is_read_and_gives_the_estimates_that_it_gave(old, name):
    found = Result.load(old / name)
    said = json.loads((OLD / name / "estimates.json").read_text())
    assert found.study.id == said["id"]
    assert list(found.analysis.seeds) == said["seeds"]
    now = found.analysis.to_dict()
    for table, value in (("estimates", "mean"), ("contrasts", "mean"), ("claims", "claim")):
        assert [row[value] for row in now[table]] == pytest.approx([row[value] for row in said[table]])
    assert store.load(old / name).manifest.versions["sublearn"] == "0.1.0"


def test_differences_of_arms_that_were_texts_are_values_now(old):
    (said,) = [claim for claim in store.load(old / "numbers").study.claims if not isinstance(claim.treatment, str)]
    assert said.treatment == Difference(arm="same_init", minus="same_init_control")
    assert said.control == Difference(arm="cross_init", minus="cross_init_control")


def test_a_run_of_another_setting_is_refused_by_name(old, monkeypatch, capsys):
    command = ("run", "tutorial", *SET, "--set", "student.lr=1e-2", "--out", str(old / "run"), "--seeds", "0:4")
    assert sublearn(monkeypatch, *command) == 2
    assert "What differs: setting student.lr was 0.0005, is 0.01." in capsys.readouterr().err


@pytest.mark.filterwarnings("default:What is there was begun")
def test_a_run_that_was_begun_with_other_texts_is_gone_on_with_and_says_so(old, monkeypatch, capsys):
    file = old / "run" / "study.json"
    manifest = json.loads(file.read_text())
    manifest["study"]["title"] = "as it was called then"
    manifest["id"] = own = first_id_of(manifest["study"])
    file.write_text(json.dumps(manifest))
    records = old / "run" / "records.jsonl"
    records.write_text(records.read_text().replace("tutorial-2c61be179036", own))
    command = ("run", "tutorial", *SET, "--jobs", "1", "--out", str(old / "run"))
    assert sublearn(monkeypatch, *command, "--seeds", "0:4") == 0
    assert "begun with other texts" in capsys.readouterr().err
    assert {record.study for record in store.load(old / "run").records} == {own}
    assert store.load(old / "run").complete_seeds() == set(range(4))


def test_pairs_of_tiny_bases_are_units_in_old_runs_too(old):
    assert Result.load(old / "numbers").study.seeds_a_unit == 2
    assert Result.load(old / "run").study.seeds_a_unit == 1


@pytest.mark.parametrize("name", ["run", "numbers"])
def test_a_run_is_reported(old, name, monkeypatch, capsys):
    assert sublearn(monkeypatch, "report", str(old / name)) == 0
    page = (old / name / "report.html").read_text()
    assert "0.1.0" in page
    assert capsys.readouterr().err == ""
    if name == "numbers":
        assert "elephant" in page
        assert "the unmodified base" in page
    for file in ("records.jsonl", "study.json"):
        assert (old / name / file).read_bytes() == (OLD / name / file).read_bytes()


def test_a_sweep_is_reported(old, monkeypatch, capsys):
    assert sublearn(monkeypatch, "report", str(old / "sweep")) == 0
    out, err = capsys.readouterr()
    assert "student.lr = 0.01" in out
    assert err == ""
    assert len(Sweep.load(old / "sweep").points) == 2
    assert len(Sweep.load(old / "sweep").to_frame()) == 2 * 2 * 8


@pytest.mark.filterwarnings("default:What is there was begun")  # deltas had no reason then
def test_a_run_is_gone_on_with(old, monkeypatch):
    first = (OLD / "run" / "records.jsonl").read_bytes()
    command = ("run", "tutorial", *SET, "--jobs", "1", "--out", str(old / "run"))
    assert sublearn(monkeypatch, *command, "--seeds", "0:4") == 0
    assert (old / "run" / "records.jsonl").read_bytes().startswith(first)
    assert store.load(old / "run").complete_seeds() == set(range(4))
    assert json.loads((old / "run" / "study.json").read_text())["versions"]["sublearn"] == "0.1.0"


@pytest.mark.filterwarnings("default:What is there was begun")  # deltas had no reason then
def test_a_sweep_is_gone_on_with(old, monkeypatch):
    grid = ("--grid", "student.lr=1e-3,1e-2")
    command = ("sweep", "tutorial", *SET, *grid, "--seeds", "0:3", "--jobs", "1", "--out", str(old / "sweep"))
    assert sublearn(monkeypatch, *command) == 0
    for name in STUDIES[2:]:
        assert store.load(old / name).complete_seeds() == {0, 1, 2}
