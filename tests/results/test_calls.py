"""The calls of the shelf: run, sweep and trace, in memory and in folders."""

import pydoc

import pytest

import sublearn
from sublearn.errors import InputError
from sublearn.results.sweep import StudiesFailed
from sublearn.study.tutorial import train as tutorial
from tests.processes import SMALL

GRID = {"student.lr": [1e-3, 1e-2]}


def test_help_of_the_package_is_short_and_names_the_shelf():
    text = pydoc.plain(pydoc.render_doc(sublearn))
    assert text.count("\n") < 120
    for name in sublearn._SHELF:
        assert name in text and name in dir(sublearn)


def test_a_run_in_memory_and_one_in_a_folder_give_the_same(tmp_path):
    alone = sublearn.run("tutorial", range(3), **SMALL)
    there = sublearn.run("tutorial", range(3), tmp_path / "run", **SMALL)
    assert alone == there == sublearn.load(tmp_path / "run")
    assert alone.path is None and there.path == tmp_path / "run"
    assert alone.findings == alone.analysis.findings and alone.findings[0].verdict
    assert alone.subset([1]).analysis.seeds == (1,)


def test_the_trainer_that_was_used_is_kept_and_said(tmp_path):
    found = {
        wanted: sublearn.run("tutorial", [0, 1], tmp_path / wanted, trainer=wanted, **SMALL)
        for wanted in ("auto", "cohort", "vmap", "single")
    }
    used = {wanted: one.made.runtime["trainer"] for wanted, one in found.items()}
    assert used == {"auto": "cohort", "cohort": "cohort", "vmap": "vmap", "single": "single"}
    assert found["auto"].summary().rstrip().endswith("Trainer: cohort (every layer has a rule).")
    assert sublearn.load(tmp_path / "vmap").summary().rstrip().endswith("Trainer: vmap (asked for).")


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"jobs": 0}, "--jobs 0"),
        ({"jobs": True}, "--jobs True"),
        ({"jobs": "2"}, "--jobs '2'"),
        ({"device": "tpu"}, "Unknown device 'tpu'"),
        ({"engine": "steam"}, "Unknown engine 'steam'"),
        ({"trainer": "cohrt"}, "Did you mean 'cohort'"),
        ({"precision": "hihg"}, "Did you mean 'high'"),
        ({"shard": (3, 2)}, "--shard 3/2 is out of range"),
        ({"trackers": ["tensorbord"]}, "Did you mean 'tensorboard'"),
        ({"hiden": 3}, "Did you mean 'hidden'"),
        ({"job": 2}, "Unknown setting 'job'"),
    ],
)
def test_keywords_that_cannot_be_used_are_refused_before_anything_is_written(keywords, says, tmp_path):
    calls = (
        lambda: sublearn.run("tutorial", [0], tmp_path / "out", **keywords),
        lambda: sublearn.sweep("tutorial", GRID, [0], tmp_path / "out", **keywords),
        lambda: sublearn.trace("prompts", [0], tmp_path / "out", **keywords),
    )
    for call in calls:
        with pytest.raises(InputError, match=says.replace("(", r"\(")):
            call()
    assert not list(tmp_path.iterdir())


def test_a_sweep_in_memory_and_one_in_a_folder_give_the_same(tmp_path):
    alone = sublearn.sweep("tutorial", GRID, range(3), **SMALL)
    there = sublearn.sweep(sublearn.build("tutorial", SMALL), GRID, range(3), tmp_path / "sweep", jobs=1)
    assert alone == there == sublearn.load(tmp_path / "sweep")
    assert [point.settings for point in there.points] == [{"student.lr": 1e-3}, {"student.lr": 1e-2}]
    assert alone.path is None and len(alone.findings) == 2
    frame = sublearn.to_frame(tmp_path / "sweep")
    assert frame.groupby("student.lr").size().tolist() == [24, 24]


def test_a_study_that_fails_in_memory_leaves_the_others(monkeypatch):
    real = tutorial.measure
    monkeypatch.setattr(
        tutorial, "measure", lambda study, own, *rest: 1 / 0 if own.student.lr == 1e-2 else real(study, own, *rest)
    )
    with pytest.raises(StudiesFailed, match=r"^1 of 2 studies failed: student\.lr = 0\.01") as caught:
        sublearn.sweep("tutorial", GRID, range(3), **SMALL)
    first, second = caught.value.sweep.points
    assert first.failure is None and len(first.result.records) == 24
    assert "ZeroDivisionError" in (second.failure or "") and not second.result.records


def test_an_edited_sweep_leads_nowhere_else(tmp_path):
    sublearn.sweep("tutorial", GRID, [0], tmp_path / "sweep", **SMALL)
    sublearn.run("tutorial", [0], tmp_path / "other", **SMALL)
    text = (tmp_path / "sweep" / "sweep.json").read_text()
    for name in ("../other", "/etc", ".", "a\\\\b"):
        own = sublearn.load(tmp_path / "other").study.id
        broken = text.replace('"studies": [', f'"studies": ["{name}", ').replace('"../other"', f'"../{own}"')
        (tmp_path / "sweep" / "sweep.json").write_text(broken)
        with pytest.raises(InputError, match=r"sweep\.json is damaged: 'studies"):
            sublearn.load(tmp_path / "sweep")


def test_a_trace_is_kept_where_it_is_asked_for(tmp_path):
    settings = SMALL | {"teacher.epochs": 3, "student.epochs": 1}
    found = sublearn.trace("prompts", [0, 1], tmp_path / "trace", steps=(0, 1), **settings)
    assert found == sublearn.load(tmp_path / "trace")
    assert {point.seed for point in found.points} == {0, 1}
    assert (tmp_path / "trace" / "trace.html").exists()
