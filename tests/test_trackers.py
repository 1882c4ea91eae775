import pytest

from sublearn import pipeline, trackers
from sublearn.errors import InputError
from sublearn.studies import build

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
    monkeypatch.setattr(pipeline, "TRACKERS", {"listener": Listener, "breaking": Breaking})
    monkeypatch.setattr(trackers, "TRACKERS", {"listener": Listener, "breaking": Breaking})


def test_a_tracker_hears_every_record(tmp_path):
    result = pipeline.run(build("tutorial", SMALL), range(20), tmp_path, trackers=["listener"])
    assert sorted(listeners[0].heard, key=str) == sorted(result.records, key=str)
    assert listeners[0].closed


def test_a_tracker_that_fails_is_dropped_and_the_run_goes_on(tmp_path):
    with pytest.warns(UserWarning, match="breaking failed and is dropped: the server is gone"):
        result = pipeline.run(build("tutorial", SMALL), range(20), tmp_path, trackers=["breaking", "listener"])
    assert len(result.records) == 160
    assert len(listeners[1].heard) == 160


def test_an_unknown_tracker_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'listener'"):
        pipeline.run("tutorial", [0], tmp_path / "run", trackers=["listner"])
    assert not (tmp_path / "run").exists()


def test_a_missing_package_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(InputError, match=r"sublearn\[trackers\]"):
        trackers.WeightsAndBiases(tmp_path)
