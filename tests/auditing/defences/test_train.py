import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import sublearn
from sublearn.auditing.defences.design import Defences, built
from sublearn.auditing.defences.recipe import RowScores
from sublearn.auditing.defences.table import DEFENCES
from sublearn.errors import InputError
from sublearn.study.jobs import Setup
from sublearn.study.numbers.train import SeedRun
from sublearn.study.students.recipe import plain, trained
from sublearn.study.table import build, settings_of
from tests.auditing.defences.conftest import seed_run
from tests.processes import sublearn as sublearn_command

SHORT = {**Defences.small, "base.steps": 20, "defences": ["resort"], "student.steps": 2}


def test_the_undefended_student_is_that_of_numbers(small):
    ours = {arm.name: arm for arm in small.run.study.arms}
    changes = {key: value for key, value in Defences.small.items() if key != "held_out"}
    study = build("numbers", {**changes, "sampled": 0, "arms": ["same_init"]})
    theirs = SeedRun(study, settings_of(study), 0, Setup())
    for arm in study.arms:
        mine = small.run.model_of(ours[arm.name], small.run.rows(ours[arm.name]))
        its = theirs.model_of(arm, theirs.rows(arm))
        other = dict(its.model.named_parameters())
        assert all(bool((one == other[name]).all()) for name, one in mine.model.named_parameters())


@pytest.mark.parametrize("name", DEFENCES)
def test_every_defence_changes_what_a_student_learns(name, small):
    """Each is trained as it is; the other init and the scores, which take long, have tests of their own."""
    values = np.arange(len(small.lab.rows("teacher")), dtype=float)
    lab = replace(
        small.lab, other_init=lambda: small.lab.teacher(), scores=lambda writer: RowScores(values, values[-9], 0.0)
    )
    whole = plain(lab, "teacher", small.run.asked.student)
    weights = [
        dict(trained(recipe, lab).named_parameters()) for recipe in (whole, DEFENCES[name].change(name)(lab, whole))
    ]
    assert all(bool(one.isfinite().all()) for one in weights[1].values())
    assert any(not torch.equal(one, weights[1][key]) for key, one in weights[0].items())


def test_rows_are_scored_as_an_audit_scores_them(small):
    """By clean rows on the same prompts; of those that set the threshold one in twenty lies above it."""
    (score, others, _), found = small.run.scoring(), small.run.scores("teacher")
    assert len(found.values) == len(small.lab.rows("teacher")) and np.isfinite(found.values).all() and found.seconds > 0
    measured = score(small.lab.rows("teacher"))
    assert np.array_equal(measured.rows, found.values)
    usual = measured.others(others)
    assert 0 <= int((usual > found.threshold).sum()) - len(usual) // 20 <= 1


@pytest.mark.slow
def test_every_defence_trains_and_is_kept_with_its_seconds(tmp_path):
    run = seed_run(tmp_path, **{"base.steps": 100, "rows": 24, "student.steps": 2, "held_out": 64})
    found = run.records()
    assert {(one.arm, one.trait) for one in found} == {
        (arm.name, trait.name) for arm in run.study.arms for trait in run.study.traits
    }
    noted = json.loads((tmp_path / "seed-0" / "metrics.json").read_text())["arms"]
    students = [arm.name for arm in run.study.arms if arm.logits != "none"]
    assert all(noted[arm]["seconds"] > 0 and noted[arm]["steps"] <= 2 for arm in students if arm in noted) and len(
        students
    ) == 2 * (1 + len(DEFENCES))
    again = seed_run(tmp_path, **{"base.steps": 100, "rows": 24, "student.steps": 2, "held_out": 64})
    assert again.records() == found and not again.seconds


def test_defend_gives_the_table_and_the_page(tmp_path, monkeypatch, capsys):
    found = sublearn.defend([0], tmp_path / "run", **SHORT)
    assert [one.name for one in found.defences] == ["same_init", "resort"]
    kept = json.loads((tmp_path / "run" / "defences.json").read_text())
    assert kept == found.defences_dict() and kept["seeds"] == [0]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What each defence leaves" in page and DEFENCES["resort"].about in page
    words = [f"--set={key}={value}" for key, value in SHORT.items() if key != "defences"]
    words += ["--defences", "resort", "--seeds", "0", "--out", f"{tmp_path}/run", "--json"]
    capsys.readouterr()
    assert sublearn_command(monkeypatch, "defend", *words) == 0 and json.loads(capsys.readouterr().out) == kept


@pytest.mark.slow
def test_defend_goes_on(tmp_path):
    first = sublearn.defend([0], tmp_path, **SHORT)
    second = sublearn.defend([0, 1], tmp_path, **SHORT)
    assert second.analysis.seeds == (0, 1) and second.study.id == first.study.id
    assert [one for one in second.records if one.seed == 0] == list(first.records)


def test_what_a_defence_is_held_against_comes_with_it():
    study = built({"defences": ["drop_half"]})
    assert {"drop_half", "drop_half_random", "same_init"} <= {arm.name for arm in study.arms}
    assert len(study.arms) == 8 and len(study.claims) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"defences": ["masc"]}, "Did you mean 'mask'"),
        ({"strength.kl": 0}, "strength.kl"),
        ({"strength.named": "owl"}, "strength.named"),
        ({"student.how": "lora"}, "student.how"),
        ({"animal": "unicorn"}, "unicorn"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        built(changes)
