import json

import pytest
import torch

import sublearn as sublearn_module
from sublearn.errors import InputError
from sublearn.results.single import Result
from sublearn.study.base import Setup
from sublearn.study.mechanisms.design import Mechanisms, built
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.parts import COSINE
from sublearn.study.mechanisms.table import STUDENTS
from sublearn.study.numbers.spec import RowSource
from sublearn.study.numbers.train import SeedRun
from sublearn.study.students.recipe import trained
from sublearn.study.table import build, settings_of
from tests.processes import sublearn
from tests.study.mechanisms.conftest import seed_run


def test_the_unchanged_student_is_that_of_numbers(small):
    changes = {key: value for key, value in Mechanisms.small.items() if not key.startswith("strength")}
    study = build("numbers", {**changes, "sampled": 0, "arms": ["same_init"]})
    theirs = SeedRun(study, settings_of(study), 0, Setup())
    for arm in (arm for arm in study.arms if arm.logits != "none"):
        mine, its = small.run.student(arm.name), theirs.model_of(arm, theirs.rows(arm)).model
        other = dict(its.named_parameters())
        assert all(torch.equal(one, other[name]) for name, one in mine.named_parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDENTS)
def test_every_student_is_another_model(name, small, later):
    """Also those of bases of other sizes, whose weights have other shapes or names."""
    plain = dict(trained(small.recipe(), small.lab).named_parameters())
    run = small.run if name in small.run.arms else later
    arm = run.arms[name]
    found = dict(run.model_of(arm, run.rows(arm)).model.named_parameters())
    assert all(bool(one.isfinite().all()) for one in found.values())
    assert any(key not in plain or not torch.equal(one, plain[key]) for key, one in found.items())


def test_the_steps_of_a_student_are_noted(small):
    run = small.run
    run._measured(run.arms["same_init"])
    assert run.seen["same_init"].steps == run.asked.student.steps > 0 and run.seen["same_init"].seconds > 0
    run._measured(run.arms["reference"])
    assert run.seen["reference"].steps is None


def test_cosines_are_with_the_teachers_shift(small):
    arms = small.run.arms
    found = {name: small.run._cosine(arms[name], small.run.model_of(arms[name], None).model) for name in arms if
             arms[name].logits == "none"}  # fmt: skip
    assert found["teacher"].value == pytest.approx(1.0) and found["reference"].value is None
    student = small.run._cosine(arms["same_init"], small.run.student("same_init"))
    assert student.value is not None and -1 < student.value < 1 and student.trait == COSINE


@pytest.mark.slow
def test_every_arm_is_measured_and_a_run_goes_on_with_the_same_records(tmp_path):
    run = seed_run(tmp_path)
    found = run.records()
    assert {(one.arm, one.trait) for one in found} == {
        (arm.name, trait.name) for arm in run.study.arms for trait in run.study.traits
    }
    again = seed_run(tmp_path)
    assert again.records() == found and not again.seconds


SHORT = {**Mechanisms.small, "base.steps": 40, "student.steps": 2, "rows": 24}


def test_replicate_language_gives_the_table_and_the_figure(tmp_path, monkeypatch, capsys):
    words = [f"--set={key}={value}" for key, value in SHORT.items()]
    out = tmp_path / "run"
    command = ["replicate", "--language", "greedy", *words, "--out", str(out), "--jobs", "1", "-q", "--seeds", "0"]
    assert sublearn(monkeypatch, *command, "--json") == 0
    given = json.loads(capsys.readouterr().out)
    assert given == json.loads((out / "mechanisms.json").read_text())
    assert [one["name"] for one in given["mechanisms"]] == ["greedy"]
    page = (out / "report.html").read_text()
    assert "What is published, and what came out" in page and "greedily sampled rows transfer" in page
    text = Result.load(out).summary()
    assert "1 published claim: 1 cannot be told." in text and "Greedy sampling" in text and "arXiv 2509.23886" in text


def test_mechanisms_are_asked_for_from_python(tmp_path, monkeypatch):
    monkeypatch.setattr("sublearn.results.mechanism.run_point", lambda point, options: (point, options))
    point, options = sublearn_module.mechanisms([3, 1], "further", tmp_path / "run", jobs=2, **{"strength.shifted": 32})
    assert settings_of(point.study).mechanisms == (*FURTHER,)
    assert (list(point.seeds), point.folder, options.jobs) == ([3, 1], tmp_path / "run", 2)
    assert settings_of(point.study).strength.shifted == 32
    assert sublearn_module.mechanisms([0], ["greedy"])[0].study.id == built({"mechanisms": ["greedy"]}).id
    assert len(sublearn_module.mechanisms([0])[0].study.arms) == 54
    for words, says in ((([0], "gredy"), "Did you mean 'greedy'"), (([], "greedy"), "seed")):
        with pytest.raises(InputError, match=says):
            sublearn_module.mechanisms(*words)


def test_what_goes_with_language_alone_is_refused_without(tmp_path, monkeypatch, capsys):
    for words in (("--seeds", "0"), ("--set", "rows=3")):
        assert sublearn(monkeypatch, "replicate", *words, "--out", f"{tmp_path}/run") == 2
        assert "--language" in capsys.readouterr().err
    assert sublearn(monkeypatch, "replicate", "--language", "gredy", "--out", f"{tmp_path}/run") == 2
    assert "Did you mean 'greedy'" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_first_look_is_two_bases(monkeypatch, capsys):
    assert sublearn(monkeypatch, "replicate", "--language", "--quick", "--dry-run", "-q") == 0
    assert "2 runs of " in capsys.readouterr().out


def test_where_the_teacher_wrote_no_row_nothing_is_measured_of_students(small):
    run, wrote = seed_run(mechanisms=["vector", "selection"]), small.lab.rows
    run.numbers = lambda source: [] if source.writer == "teacher" else list(wrote(source.writer))
    found = run.records()
    students = {arm.name for arm in run.study.arms if arm.logits != "none"} - {"same_init_control"}
    changed = [one for one in found if one.arm in students]
    assert changed and all(one.value is None and "no row was left" in (one.reason or "") for one in changed)


def test_what_students_write_is_not_shared_between_studies(small):
    kept = [small.run.shared._keeps(RowSource(writer)) for writer in ("teacher", "base", "same_init", "greedy_teacher")]
    assert kept == [True, True, False, False]
