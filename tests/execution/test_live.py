import json
from itertools import groupby

import pytest

from sublearn.errors import InputError
from sublearn.execution import live
from sublearn.execution.live import KeptCurve, View, read
from sublearn.results.single import run
from sublearn.stages import Curve, News
from tests.processes import SMALL

STAGE = "students 1 to 2 of 2"


@pytest.fixture
def view(tmp_path, monkeypatch) -> View:
    monkeypatch.setattr(live, "EVERY_S", 0)
    found = View.opened(tmp_path, None, done=4, total=24)
    found.jobs |= {4: 8, 12: 8}
    return found


def test_what_is_at_work_is_seen_with_its_curves(view, tmp_path):
    assert view.hear(4, News("teacher", 0.25, (Curve("teacher", 8, 2, (0.7,)),)))
    assert view.hear(12, News(STAGE, 0.5))
    now = read(tmp_path).now
    assert now is not None and now.left_s is None
    assert (now.stage, now.done, now.total) == (f"teacher, {STAGE}", 4 + 2 + 4, 24)
    assert now.curves == (KeptCurve(model="teacher", runs=8, every=2, losses=(0.7,)),)


def test_the_curves_of_jobs_that_have_ended_stay_and_are_joined(view, tmp_path):
    view.hear(4, News(STAGE, 0.5))
    view.end(range(4, 12), [Curve("teacher", 8, 2, (0.5,))], 12)
    assert not view.hear(4, News(STAGE, 0.9))  # said before the end, heard after it
    view.end(range(12, 20), [Curve("teacher", 8, 2, (0.25,))], 20)
    view.close()
    assert read(tmp_path) == live.Training(curves=(KeptCurve(model="teacher", runs=16, every=2, losses=(0.375,)),))
    again = View.opened(tmp_path, None, done=20, total=24)
    again.end(range(20, 24), [Curve("teacher", 8, 2, (0.75,))], 24)
    assert again.ended == (Curve("teacher", 24, 2, (0.5,)),)


def test_shards_have_files_of_their_own_that_are_read_as_one(tmp_path):
    for number, loss in ((1, 0.5), (2, 0.25)):
        one = View.opened(tmp_path, f"{number}of2", done=0, total=2)
        one.end([0, 1], [Curve("teacher", 2, 1, (loss,))], 2)
        one.close()
    assert [curve.curve for curve in read(tmp_path).curves] == [Curve("teacher", 4, 1, (0.375,))]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training-1of2.json", "training-2of2.json"]


def test_what_cannot_be_written_or_read_of_it_ends_no_run(tmp_path):
    (tmp_path / "training.json").mkdir()
    view = View.opened(tmp_path, None, done=0, total=2)
    view.end([0, 1], [Curve("teacher", 2, 1, (1e300,))], 2)
    view.close()
    (tmp_path / "training.json").rmdir()
    (tmp_path / "training.json").write_text('{"curves": [{"model": 3}]}')
    with pytest.raises(InputError, match=r"training\.json"):
        read(tmp_path)
    again = View.opened(tmp_path, None, done=0, total=2)
    again.end([0, 1], [Curve("teacher", 2, 1, (1e300,))], 2)
    again.close()
    assert [curve.losses for curve in read(tmp_path).curves] == [(None,)]


def test_a_run_keeps_how_its_losses_fell_and_says_its_stages(tmp_path):
    stages = []
    for n in (2, 5):
        run("tutorial", range(n), tmp_path / "run", on_stage=stages.append, **SMALL)
        kept = {curve.model: curve for curve in read(tmp_path / "run").curves}
        assert set(kept) == {"teacher", "distill_same_init", "distill_diff_init"}
        assert {curve.runs for curve in kept.values()} == {n}
        losses = kept["teacher"].losses
        assert losses[0] is not None and losses[-1] is not None and losses[0] > losses[-1] > 0
        assert json.loads((tmp_path / "run" / "training.json").read_text())["now"] is None
    assert [name for name, _ in groupby(stage.name for stage in stages)] == ["loading", "teacher", STAGE] * 2
    loading = [(stage.done, stage.total) for stage in stages if stage.name == "loading"]
    assert loading == [(0, 2), (2, 5)] and 0 < stages[-1].done - 2 < 3
