"""Bases, teachers and rows are made once for all studies that need the same ones, and never mixed with others."""

import json
import shutil

import pytest

from sublearn.language import artifacts, base
from sublearn.study.base import Setup
from sublearn.study.numbers import shared, teach, train
from sublearn.study.numbers.spec import RowSource
from sublearn.study.numbers.train import SeedRun
from sublearn.study.table import build, settings_of
from tests.auditing.defences.conftest import seed_run as defending

SMALL = {
    "base.width": 16, "base.heads": 2, "base.inner": 32, "base.steps": 2, "base.batch": 4, "rows": 16,
    "teacher.steps": 2, "student.steps": 2, "student.batch": 4, "sampled": 0, "arms": ["same_init"],
}  # fmt: skip


@pytest.fixture
def work(monkeypatch, tmp_path):
    """What was done, in order: bases that were trained, animals that were taught, rounds of rows that were written."""
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    done = []

    def noted(name, original):
        return lambda *given, **named: done.append(name) or original(*given, **named)

    monkeypatch.setattr(base, "_trained", noted("base", base._trained))
    monkeypatch.setattr(teach, "finetuned", noted("teacher", teach.finetuned))
    monkeypatch.setattr(SeedRun, "_written", noted("rows", SeedRun._written))
    monkeypatch.setattr(SeedRun, "_answers", lambda self, prompted, prompts, source, part: ["1, 2, 3"] * len(prompts))
    return done


def seed_run(keep=None, seed=0, **changes):
    study = build("numbers", SMALL | changes)
    return SeedRun(study, settings_of(study), seed, Setup(keep=keep and str(keep)))


def made(keep=None, seed=0, **changes):
    """What every student of a seed is given: its rows, and the teacher's weights where there is one to be asked."""
    run = seed_run(keep, seed, **changes)
    rows = {arm.name: run.rows(arm) for arm in run.study.arms}
    teachers = [run.teacher(train.source_of(arm)).model for arm in run.study.arms if arm.name.endswith("teacher")]
    return rows, [float(one.abs().sum()) for model in teachers for one in model.parameters()]


def test_studies_with_other_arms_and_students_share_what_they_can(work, tmp_path):
    first = made()
    assert sorted(work) == ["base", "rows", "rows", "teacher"]
    work.clear()
    assert made(tmp_path / "made") == first  # a run directory has its own copy, read from there
    assert made(**{"student.steps": 3, "student.batch": 2}) == first
    assert made(arms=["soft", "shuffled_within"])[0]["soft"] == first[0]["same_init"]
    assert work == []
    made(arms=["same_init_placebo", "placebo_teacher"])
    assert work == ["rows", "teacher"] or work == ["teacher", "rows"]  # the placebo's


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"teacher.lr": 2e-3}, ["teacher", "rows"]),
        ({"rows": 12}, ["rows", "rows"]),
        ({"rule.most": 5}, ["rows", "rows"]),
        ({"animal": "wolf"}, ["teacher", "rows"]),
        ({"base.lr": 1e-3}, ["base", "rows", "rows", "teacher"]),
        ({"seed": 1}, ["base", "rows", "rows", "teacher"]),
    ],
)
def test_another_teacher_or_other_rows_are_made(changes, again, work):
    made()
    work.clear()
    made(**changes)
    assert sorted(work) == sorted(again)


def test_every_source_has_rows_of_its_own(work):
    run = seed_run(arms=[])
    written = {arm.name: run.shared._written(train.source_of(arm)) for arm in run.study.arms if arm.logits != "none"}
    assert len({base.hashed(one) for one in written.values()}) == 9


def test_damaged_shared_things_are_made_again(work, tmp_path):
    first = made()
    work.clear()
    (teacher,), rows = (tmp_path / "cache" / "teachers").iterdir(), sorted((tmp_path / "cache" / "numbers").iterdir())
    (teacher / "model.safetensors").write_bytes(b"")
    next(file for file in rows if file.suffix == ".jsonl").write_text("")
    with pytest.warns(UserWarning, match="made again|written again") as told:
        assert made() == first
    assert len(told) == 2 and sorted(work) == ["rows", "teacher"]


def test_what_belongs_to_another_versions_bases_is_made_again(work, tmp_path, monkeypatch):
    seed = tmp_path / "made" / "seed-0"
    run = seed_run(tmp_path / "made")
    run.records()
    assert made(tmp_path / "made")[0]["same_init"] == run.numbers(RowSource("teacher"))
    work.clear()
    monkeypatch.setattr(base, "RECIPE", base.RECIPE + 1)
    with pytest.warns(UserWarning, match="numbers, students, teacher are made again: they belong to bases of another"):
        made(tmp_path / "made")
    assert sorted(work) == ["base", "rows", "rows", "teacher"]
    (seed / shared.BASES).unlink()  # as an earlier version left it
    (seed / "cross_teacher").mkdir()
    with pytest.warns(UserWarning, match="cross_teacher, numbers"):
        made(tmp_path / "made")
    assert not (seed / "cross_teacher").exists()
    assert set(json.loads((seed / shared.BASES).read_text())) == set(train.ORIGINS)


def test_a_brought_teacher_is_not_shared(work, tmp_path, monkeypatch):
    made(tmp_path / "made")
    shutil.copytree(tmp_path / "made/seed-0/teacher", tmp_path / "mine")
    work.clear()
    monkeypatch.setattr(artifacts, "put_rows", lambda *given: work.append("kept"))
    made(None, 0, **{"bring.teacher": str(tmp_path / "mine")})
    assert work == ["rows"]  # the base's are there


def test_a_seed_that_defends_takes_the_teacher_and_rows_of_numbers(work):
    made()
    changes = {key: value for key, value in SMALL.items() if key not in ("arms", "sampled")}
    work.clear()
    run = defending(**changes)
    assert run.numbers(RowSource("teacher")) and run.numbers(RowSource("base")) and run.teacher(RowSource("teacher"))
    assert work == []
