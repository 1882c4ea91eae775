import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from sublearn.errors import InputError
from sublearn.execution import trackers
from sublearn.execution.options import Options
from sublearn.execution.sweep import Grid, GridPoints
from sublearn.results.single import run
from sublearn.results.sweep import run_points
from sublearn.study.table import build

ROWS = dict(trackers.TRACKERS)
SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}


class Listener:
    def __init__(self, folder) -> None:
        self.heard: list = []
        self.closed = False
        listeners.append(self)

    def add(self, records) -> None:
        self.heard += records

    def close(self) -> None:
        self.closed = True


class Breaking(Listener):
    def add(self, records) -> None:
        raise ConnectionError("the server is gone")


listeners: list[Listener] = []


@pytest.fixture(autouse=True)
def _table(monkeypatch):
    listeners.clear()
    table = {"listener": Listener, "breaking": Breaking}
    monkeypatch.setattr(trackers, "TRACKERS", table)


def test_a_tracker_hears_every_record(tmp_path):
    result = run(build("tutorial", SMALL), range(20), tmp_path, trackers=["listener"])
    assert sorted(listeners[0].heard, key=str) == sorted(result.records, key=str)
    assert listeners[0].closed


def test_a_tracker_that_fails_is_dropped_and_the_run_goes_on(tmp_path):
    with pytest.warns(UserWarning, match="breaking failed and is dropped: the server is gone"):
        result = run(build("tutorial", SMALL), range(20), tmp_path, trackers=["breaking", "listener"])
    assert len(result.records) == 160
    assert len(listeners[1].heard) == 160


def test_an_unknown_tracker_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'listener'"):
        run("tutorial", [0], tmp_path / "run", trackers=["listner"])
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_cannot_begin_is_dropped_too(tmp_path, monkeypatch):
    monkeypatch.setitem(trackers.TRACKERS, "offended", lambda folder: 1 / 0)
    with pytest.warns(UserWarning, match="offended failed and is dropped"):
        result = run(build("tutorial", SMALL), range(4), tmp_path, trackers=["offended", "listener"])
    assert len(result.records) == len(listeners[0].heard) == 32


def test_each_study_of_a_sweep_is_followed(tmp_path):
    grid = Grid("tutorial", SMALL, {"student.epochs": [1, 2]})
    run_points(GridPoints(grid, range(4), tmp_path), Options(trackers=["listener"]))
    assert [len(listener.heard) for listener in listeners] == [32, 32]
    assert all(listener.closed for listener in listeners)


def test_a_missing_package_is_named_with_how_to_get_it_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(trackers.TRACKERS, "wandb", trackers.WeightsAndBiases)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=r"sublearn\[trackers\]"):
        run(build("tutorial", SMALL), [0], tmp_path / "run", trackers=["wandb"])
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_each_arm_with_the_seed_as_step(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", trackers.TensorBoard)
    result = run(build("tutorial", SMALL), range(5), tmp_path, trackers=["tensorboard"])
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = {(event.step, round(event.value, 5)) for event in events.Scalars("trait_rate/teacher")}
    rows = [row for row in result.records if (row.trait, row.arm) == ("trait_rate", "teacher")]
    assert found == {(row.seed, round(row.value or 0, 5)) for row in rows}


class Account:
    """Stands for wandb: what it is asked, and how a run is told."""

    def __init__(self) -> None:
        self.asked: dict = {}
        self.rows: list[dict] = []
        self.ended = False

    def init(self, **asked):
        self.asked = asked
        return self

    def log(self, row) -> None:
        self.rows.append(row)

    def finish(self) -> None:
        self.ended = True


def test_weights_and_biases_is_offline_unless_told_otherwise(tmp_path, monkeypatch):
    account = Account()
    module = ModuleType("wandb")
    module.init = account.init  # pyright: ignore[reportAttributeAccessIssue]
    module.__spec__ = ModuleSpec("wandb", None)
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setitem(trackers.TRACKERS, "wandb", trackers.WeightsAndBiases)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    run(build("tutorial", SMALL), range(3), tmp_path, trackers=["wandb"])
    assert account.asked["mode"] == "offline"
    assert sorted(row["seed"] for row in account.rows) == [0, 1, 2]
    assert all(len(row) == 9 for row in account.rows)
    assert account.ended


def test_every_tracker_says_what_it_needs():
    assert set(trackers.PACKAGES) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_whose_package_is_missing_is_refused_with_the_way_to_install_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, trackers.PACKAGES[name], None)
    with pytest.raises(InputError, match=r"pip install 'sublearn\[trackers\]'"):
        trackers.check_packages([name])


@pytest.mark.parametrize("name", ROWS)
def test_a_row_follows_a_run_and_writes_into_its_folder_alone(name, tmp_path, monkeypatch):
    pytest.importorskip(trackers.PACKAGES[name])
    monkeypatch.setattr(trackers, "TRACKERS", ROWS)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    result = run(build("tutorial", SMALL), range(3), tmp_path / "r", trackers=[name])
    assert len(result.records) == 24
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert sum(file.stat().st_size for file in (tmp_path / "r" / name).rglob("*") if file.is_file()) > 100
