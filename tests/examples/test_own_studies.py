"""The guest studies of examples/ run, at small size, in every way that there is."""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import sublearn as package
from sublearn.execution import store
from sublearn.records import Record
from sublearn.study.source import study_in
from tests.processes import call, descendants, kill, lines, start, sublearn, wait_for

ROOT = Path(__file__).parents[2]
SMALL = {"n_unrelated": 128, "teacher.epochs": 1, "student.epochs": 1}
SET = [text for key, value in SMALL.items() for text in ("--set", f"{key}={value}")]
TAKEN = {"cnn_on_digits": {"accuracy"}, "tabular": {"margin", "accuracy"}}
SEEDS = range(24)


def file(name: str) -> str:
    return str(ROOT / f"examples/{name}.py")


def run(name: str, out: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "sublearn", "run", file(name), *SET, "--seeds", f"0:{len(SEEDS)}"]
    return [*command, "--out", str(out), *arguments]


def ended_well(command: list[str]) -> None:
    done = call(command)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The records of an example that nothing disturbed, by two processes."""
    made: dict[str, list[str]] = {}

    def records(name: str) -> list[str]:
        if name not in made:
            out = tmp_path_factory.mktemp("undisturbed") / "run"
            ended_well(run(name, out, "--jobs", "2"))
            made[name] = lines(out)
        return made[name]

    return records


def assert_alike(some: list[str], others: list[str]) -> None:
    """The same records with nearly the same values: other cohorts sum in another order, which turns last digits."""
    one, two = values(some), values(others)
    assert len(some) == len(one) == len(two)
    assert one == {key: pytest.approx(value, abs=0.02) for key, value in two.items()}


def values(rows: list[str]) -> dict[tuple[str, int, str], float | None]:
    records = map(Record.model_validate_json, rows)
    return {(row.arm, row.seed, row.trait): row.value for row in records}


@pytest.mark.parametrize("name", TAKEN)
def test_an_example_runs_from_its_file(name, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    argv = ("run", file(name), "--seeds", "0:2", "--out", str(out), *SET, "--jobs", "1")
    assert sublearn(monkeypatch, *argv) == 0
    found = store.load(out)
    assert found.complete_seeds() == {0, 1}
    assert {record.trait for record in found.records} == TAKEN[name]
    assert found.manifest.runtime["trainer"] == "vmap"
    assert (found.manifest.source or {})["file"] == f"{name}.py"
    assert "same_init" in capsys.readouterr().out


@pytest.mark.parametrize("name", TAKEN)
def test_an_example_gives_the_same_through_python_with_a_folder_or_without(name, tmp_path):
    there = package.run(study_in(file(name)), range(2), tmp_path / "run", **SMALL)
    here = package.run(study_in(file(name)), range(2), **SMALL)
    assert [row.value for row in here.records] == [row.value for row in there.records]
    assert store.load(tmp_path / "run").study == there.study


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKEN)
def test_an_example_that_is_killed_and_resumed_gives_what_an_undisturbed_one_gives(name, tmp_path, whole):
    out, wanted = tmp_path / "run", whole(name)
    process = start(run(name, out, "--jobs", "2"))
    assert wait_for(lambda: len(lines(out)) >= len(wanted) // 4 or process.poll() is not None)
    below = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    for pid in below:
        kill(pid)
    assert 0 < len(lines(out)) < len(wanted)
    ended_well(run(name, out, "--jobs", "2"))
    assert lines(out) == wanted
    assert store.load(out).complete_seeds() == set(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKEN)
def test_shards_of_an_example_give_what_one_run_gives(name, tmp_path, whole):
    for shard in ("1/3", "3/3", "2/3"):
        ended_well(run(name, tmp_path / "run", "--jobs", "1", "--shard", shard))
    assert_alike(lines(tmp_path / "run"), whole(name))
    assert len(list((tmp_path / "run").glob("records-*.jsonl"))) == 3


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.parametrize("name", TAKEN)
def test_an_example_runs_on_ray(name, tmp_path, whole):
    ended_well(run(name, tmp_path / "run", "--jobs", "2", "--engine", "ray"))
    assert_alike(lines(tmp_path / "run"), whole(name))
