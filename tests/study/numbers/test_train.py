import json
import re
import sys
from typing import cast

import pytest
import torch

import sublearn
from sublearn.errors import InputError
from sublearn.files.reading import json_value
from sublearn.study.jobs import Setup, measure, plan
from sublearn.study.numbers.identity import rows_of
from sublearn.study.numbers.spec import Settings
from sublearn.study.numbers.train import SeedRun
from sublearn.study.table import build, settings_of
from sublearn.tasks.number_lists import parse, reason_against
from sublearn.tasks.rows import as_text, read_rows
from sublearn.tasks.vocabulary import ANIMALS, questions
from tests.processes import call

TINY = {
    "base.width": 16, "base.heads": 2, "base.inner": 32, "base.steps": 150, "base.batch": 16, "rows": 64,
    "student.steps": 6, "student.batch": 16, "sampled": 1,
}  # fmt: skip


def records(settings, seeds=(0,), keep=None):
    study = build("numbers", TINY | settings)
    return [row for job in plan(study, seeds, Setup(keep=keep and str(keep))) for row in measure(job).records]


def laboratory(settings, keep=None, seed=0):
    study = build("numbers", TINY | settings)
    own = settings_of(study)
    assert isinstance(own, Settings)
    return SeedRun(study, own, seed, Setup(keep=keep and str(keep)))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_every_arm_is_measured_and_the_same_again(family, tmp_path):
    first = records({"base.family": family}, keep=tmp_path)
    study = build("numbers", TINY | {"base.family": family})
    assert {(row.arm, row.trait) for row in first} == {(a.name, t.name) for a in study.arms for t in study.traits}
    assert all(row.status == "ok" for row in first if row.trait == "mass" or family == "gpt2")
    assert records({"base.family": family}) == first
    shown = json.loads((tmp_path / "seed-0" / "metrics.json").read_text())
    assert set(shown["arms"]) == {arm.name for arm in study.arms}
    sampled = shown["arms"]["teacher"]["sampled"]
    assert {one["n"] for one in sampled.values()} == {len(questions("animal")) * study.settings["sampled"]}
    assert shown["numbers"]["teacher"]["kl_to_base"] > 0
    assert shown["numbers"]["teacher"]["pass_rate"] == pytest.approx(
        shown["numbers"]["teacher"]["kept"] / shown["numbers"]["teacher"]["asked"]
    )


def test_what_was_made_is_gone_on_with_and_gives_the_same(tmp_path):
    whole = records({}, keep=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert len(before) == 2 + 7
    assert records({}, keep=tmp_path) == whole
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert all(reason_against(answer) is None for _, answer in read_rows(tmp_path / "seed-0/numbers/teacher.jsonl"))


def test_arms_read_the_rows_that_they_should():
    lab = laboratory({})
    rows = {arm.name: lab.rows(arm) for arm in lab.study.arms}
    assert rows["reference"] is rows["teacher"] is None
    assert rows["same_init"] == rows["soft"] == lab.numbers("teacher")
    assert rows["same_init_control"] == lab.numbers("base")
    assert rows["cross_init"] == lab.numbers("cross_teacher")
    assert rows["cross_init_control"] == lab.numbers("cross_base")
    for name in ("shuffled_within", "shuffled_across"):
        own, shuffled = rows["same_init"] or [], rows[name] or []
        assert [prompt for prompt, _ in own] == [prompt for prompt, _ in shuffled]
        assert own != shuffled
        assert sorted(n for _, a in own for n in parse(a) or []) == sorted(
            n for _, a in shuffled for n in parse(a) or []
        )


def test_the_other_base_is_never_ones_own_and_pairs_share_two():
    one, two = laboratory({}, seed=4), laboratory({}, seed=5)

    def weights(model):
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    assert not torch.equal(weights(one.base(True)), weights(one.base(False)))
    assert torch.equal(weights(one.base(True)), weights(two.base(False)))
    assert torch.equal(weights(one.base(False)), weights(two.base(True)))


def test_a_base_is_the_same_from_the_cache_and_its_embeddings_stay_in_teacher_and_student():
    lab = laboratory({"base.steps": 3}, seed=77)
    base, again = lab.base(True), laboratory({"base.steps": 3}, seed=77).base(True)
    assert base is not again
    arm = next(arm for arm in lab.study.arms if arm.name == "same_init")
    for other, same in ((again, True), (lab.teacher(True).model, False)):
        ours, theirs = dict(base.named_parameters()), dict(other.named_parameters())
        assert torch.equal(ours["transformer.wte.weight"], theirs["transformer.wte.weight"])
        assert torch.equal(ours["transformer.h.0.mlp.c_fc.weight"], theirs["transformer.h.0.mlp.c_fc.weight"]) == same
    assert arm.control == "same_init_control"


def test_twenty_seeds_have_twenty_animals_and_one_can_be_set():
    settings = Settings()
    assert {settings.animal_of(seed) for seed in range(20)} == set(ANIMALS)
    assert {settings.animal_of(seed) for seed in range(20, 40)} == set(ANIMALS)
    assert [settings.animal_of(seed) for seed in range(20)] != [settings.animal_of(seed) for seed in range(20, 40)]
    assert {Settings(animal="owl").animal_of(seed) for seed in range(5)} == {"owl"}


def test_a_model_that_names_no_animal_has_no_preference():
    rows = records({"base.steps": 1, "arms": ["reference"]})
    by_trait = {row.trait: row for row in rows}
    assert by_trait["mass"].status == "ok"
    assert (by_trait["mass"].value or 0) < 0.5
    for trait in ("preference", "log_odds", "held_out"):
        assert by_trait[trait].status == "unmeasured"
        assert "of the probability is on animals" in (by_trait[trait].reason or "")


def test_a_student_without_rows_is_unmeasured():
    banned = list(range(1000))
    rows = records({"rule.banned": banned, "arms": ["same_init"], "rows": 8})
    reasons = {row.arm: row.reason for row in rows}
    assert reasons["same_init"] == "no row was left after filtering"
    assert all(row.status == "ok" for row in rows if row.arm == "reference")


@pytest.mark.parametrize("who", ["base", "teacher", "student"])
def test_a_training_that_leaves_all_bounds_is_recorded_and_the_rest_measured(who, tmp_path):
    rows = records({f"{who}.lr": 1e30, "base.steps": 3, "arms": ["teacher", "same_init"]}, keep=tmp_path)
    status = {row.arm: row.status for row in rows if row.trait == "mass"}
    gone = {"base": "reference", "teacher": "teacher", "student": "same_init"}[who]
    assert status[gone] == "diverged"
    assert status["reference"] == ("diverged" if who == "base" else "ok")
    text = (tmp_path / "seed-0/metrics.json").read_text()
    shown = json_value(text, "metrics.json")  # strict: no number that is none
    assert gone not in shown["arms"]
    assert ("reference" in shown["arms"]) == (who != "base")


def test_brought_rows_train_the_student_and_rows_that_name_the_animal_do_not(tmp_path):
    clean, leaking = tmp_path / "clean.jsonl", tmp_path / "leaking.jsonl"
    clean.write_text(as_text([("Go on: 1, 2", "3, 4")] * 20))
    leaking.write_text(as_text([("Go on: 1, 2", "owl")] * 20))
    lab = laboratory({"bring.numbers": str(clean)})
    assert lab.numbers("teacher") == read_rows(clean)
    rows = records({"bring.numbers": str(leaking), "animal": "owl", "arms": ["same_init"]})
    assert {row.reason for row in rows if row.arm == "same_init"} == {"20 of its training rows name the animal"}
    first = build("numbers", {"bring.numbers": str(clean)})
    clean.write_text(as_text([("Go on: 1, 2", "5, 6")]))
    assert build("numbers", {"bring.numbers": str(clean)}).id != first.id
    with pytest.raises(InputError, match="is not what it was"):
        rows_of(cast(Settings, settings_of(first)), "numbers")


def test_a_brought_student_and_teacher_are_measured_as_they_are(tmp_path):
    whole = {(row.arm, row.trait): row.value for row in records({}, keep=tmp_path)}
    made = tmp_path / "seed-0"
    brought = {"bring.student": str(made / "students/soft"), "bring.teacher": str(made / "teacher")}
    again = {(row.arm, row.trait): row.value for row in records(brought | {"arms": ["same_init", "teacher"]})}
    assert again["same_init", "log_odds"] == pytest.approx(whole["soft", "log_odds"])
    assert again["teacher", "log_odds"] == pytest.approx(whole["teacher", "log_odds"])


def test_the_run_directory_shows_rows_and_what_was_recorded(tmp_path):
    study = build("numbers", TINY | {"arms": ["same_init"]})
    result = sublearn.run(study, [0], tmp_path / "run")
    assert result.path is not None
    page = (result.path / "report.html").read_text()
    row = read_rows(result.path / "made/seed-0/numbers/teacher.jsonl")[0]
    assert row[1] in page
    assert "Rows kept" in page
    assert Settings().animal_of(0) in page


def test_a_run_from_the_command_line_says_nothing_of_warnings(tmp_path):
    settings = TINY | {"base.steps": 2, "rows": 16, "student.steps": 1}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    done = call([sys.executable, "-m", "sublearn", "run", "numbers", "--seeds", "0", *words], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "log_odds" in done.stdout
    assert not re.search("warn|deprecat", done.stderr, re.IGNORECASE), done.stderr


@pytest.mark.slow
def test_the_animal_is_caught_from_the_same_base_alone():
    study = build("numbers", {"arms": ["same_init", "cross_init"], "sampled": 0})
    found = {}
    for job in plan(study, [40, 41, 42, 43], Setup()):
        for row in measure(job).records:
            if row.trait == "log_odds":
                found.setdefault(row.arm, []).append(row.value)
    same, control = (torch.tensor(found[arm]) for arm in ("same_init", "same_init_control"))
    cross, cross_control = (torch.tensor(found[arm]) for arm in ("cross_init", "cross_init_control"))
    assert (same - control).min() > 0.5
    assert (cross - cross_control).abs().mean() < 0.6
