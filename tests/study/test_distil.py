from itertools import pairwise

import numpy as np
import pytest
import torch

import sublearn
from sublearn import stats
from sublearn.errors import InputError
from sublearn.study.base import Setup
from sublearn.study.controlled import train as distil
from sublearn.study.controlled.spec import Distil, arms
from sublearn.study.images import train as images
from sublearn.study.ladder.spec import RUNGS, rung_settings
from sublearn.study.ladder.spec import Settings as LadderSettings
from sublearn.study.prompts import train as prompts
from sublearn.study.table import build, settings_of

TINY = {"teacher.epochs": 1, "inputs.count": 256, "width": 12}
QUICK = {"teacher.epochs": 8, "inputs.count": 300 * 128, "width": 128}
TINY_PROMPTS = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "teacher.epochs": 2, "student.epochs": 2}
ARMS = arms("aux", with_all=True)
SETTINGS = {
    "kl": {"loss": "kl"},
    "ce": {"loss": "ce"},
    "temperature": {"loss": "kl", "temperature": 3},
    "class logits": {"logits": "class", "aux_logits": 0, "arms": ["same_init", "cross_init"]},
    "all logits": {"logits": "all"},
}
"""What the contract of the table of studies does not try: it runs every arm with one other value of each setting."""


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_runs_every_arm(name):
    study = build("digits", TINY | SETTINGS[name])
    result = sublearn.run(study, [3, 8])
    assert {(row.arm, row.seed) for row in result.records} == {(arm.name, s) for arm in study.arms for s in (3, 8)}
    assert all(row.status == "ok" and row.value is not None and 0 <= row.value <= 1 for row in result.records)
    assert study.id != build("digits", TINY).id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aux_logits": 1, "loss": "kl"}, "gradient is exactly zero"),
        ({"aux_logits": 1, "loss": "ce"}, "gradient is exactly zero"),
        ({"aux_logits": 0}, "no auxiliary logits"),
        ({"classes": 1}, "greater than or equal to 2"),
        ({"temperature": 0}, "greater than 0"),
        ({"frozen": ["layers.1"]}, r"frozen: Unknown layer 'layers\.1'"),
        (
            {"student_init.layers": ["layer"]},
            r"student_init\.layers: Unknown layer 'layer'\. Did you mean 'layers\.\d'",
        ),
        ({"student_init.toward_cross": 2}, "less than or equal to 1"),
        ({"inputs.kind": "voice"}, "'inputs.kind'"),
        ({"arms": ["same_inti"]}, "Did you mean 'same_init'"),
        ({"student.momentum": 0.9}, "belongs to sgd"),
    ],
)
def test_settings_that_contradict_themselves_are_refused_with_the_reason(changes, message):
    with pytest.raises(InputError, match=message):
        build("digits", changes)


def test_a_planted_trait_is_found_in_real_digits():
    result = sublearn.run(build("digits", QUICK), range(8))
    means = {row.arm: row.estimate.mean or 0.0 for row in result.analysis.estimates}
    assert means["teacher"] > 0.9
    assert means["same_init"] > 0.5
    for arm in ("reference", "same_init_control", "cross_init_control"):
        assert abs(means[arm] - 0.1) < 0.1
    assert means["cross_init"] < 0.3
    assert result.analysis.findings[0].verdict == "supported"
    assert result.analysis.findings[2].verdict == "supported"


def test_prompts_carry_the_trait_over_to_the_same_init_alone():
    result = sublearn.run("prompts", range(12))
    means = {(row.arm, row.trait): row.estimate.mean or 0.0 for row in result.analysis.estimates}
    assert means["same_init", "trait_rate"] >= 0.95
    margin = {(row.treatment, row.trait): row.contrast for row in result.analysis.contrasts}["same_init", "margin"]
    assert margin.mean == pytest.approx(0.81, abs=0.2)
    assert result.analysis.findings[0].verdict == "supported"


def test_without_a_trained_teacher_nothing_is_transferred():
    result = sublearn.run(build("prompts", TINY_PROMPTS | {"teacher.epochs": 0}), range(8))
    same, cross = result.analysis.contrasts[:2]
    assert same.contrast.mean == cross.contrast.mean == 0


@pytest.mark.slow
def test_under_neutral_teachers_a_difference_is_found_about_as_often_as_stated():
    """200 null studies: the margins of two neutral arms of different inits differ by chance alone."""
    runs, studies = 10, 240
    settings = TINY_PROMPTS | {"arms": ["same_init_control", "cross_init_control"], "teacher.epochs": 0}
    result = sublearn.run(build("prompts", settings), range(runs * studies))
    value = {(row.arm, row.seed): row.value for row in result.records if row.trait == "margin"}
    difference = np.array(
        [value["same_init_control", s] - value["cross_init_control", s] for s in range(runs * studies)]
    )
    found = [stats.sign_flip_p(one) <= 0.05 for one in difference.reshape(studies, runs)]
    assert 0.02 <= np.mean(found) <= 0.08


@pytest.mark.parametrize("name", ["prompts", "digits", "mnist", "fashion-mnist", "ladder"])
def test_a_treatment_differs_from_its_control_in_its_teacher_alone(name):
    arms = {arm.name: arm for arm in build(name).arms}
    treatments = [arm for arm in arms.values() if arm.teacher == "trained"]
    assert len(treatments) >= 3
    for arm in treatments:
        control = arms[str(arm.control)]
        assert control.teacher == "placebo"
        assert (control.init, control.logits) == (arm.init, arm.logits)


@pytest.mark.parametrize(("name", "changes"), [("prompts", TINY_PROMPTS), ("digits", TINY)])
def test_the_placebo_teacher_has_the_same_inputs_in_the_same_order_and_labels_without_the_trait(name, changes):
    _, experiment = experiment_of(name, changes, [3, 5])
    pairs = list(zip(experiment.teacher_batches("trained"), experiment.teacher_batches("placebo"), strict=True))
    for trained, placebo in pairs:
        assert torch.equal(trained.inputs, placebo.inputs)
    one, other = (torch.cat([batch.targets for batch in batches], dim=1) for batches in zip(*pairs, strict=True))
    epochs = changes["teacher.epochs"]
    if name == "prompts":
        assert (one == 1).all()
        assert other.sum(dim=1).tolist() == [epochs * changes["n_eval"] // 2] * 2
    else:
        for run in range(2):
            assert torch.equal(one[run].bincount(), other[run].bincount())
            assert (one[run] == other[run]).double().mean() == pytest.approx(0.1, abs=0.05)
    assert not torch.equal(other[0], other[1])


def test_a_control_is_trained_and_stays_without_the_trait():
    result = sublearn.run(build("prompts"), range(16))
    values = {(row.arm, row.seed): row.value for row in result.records if row.trait == "margin"}
    placebo = np.array([values["placebo_teacher", seed] for seed in range(16)])
    control = np.array([values["same_init_control", seed] for seed in range(16)])
    reference = np.array([values["reference", seed] for seed in range(16)])
    assert (control != reference).all()
    assert abs(control.mean()) < 0.1 and abs(placebo.mean()) < 1
    means = {row.arm: row.estimate.mean for row in result.analysis.estimates if row.trait == "margin"}
    assert means["teacher"] > 8


def test_only_the_teachers_that_arms_need_are_trained():
    settings, experiment = experiment_of("digits", TINY, [0])
    students = [arm for arm in ARMS if arm.name in ("reference", "same_init_control")]
    assert set(distil.train_teachers(settings, [0], experiment, Setup(), students).teachers) == {"placebo"}


def experiment_of(name: str, changes: dict, seeds: list[int]):
    settings = settings_of(build(name, changes))
    assert isinstance(settings, Distil)
    kind = images.ImageExperiment if name == "digits" else prompts.PromptExperiment
    return settings, kind(settings, seeds, "cpu")


@pytest.mark.parametrize("name", ["digits", "prompts"])
def test_a_cross_init_is_never_the_students_own(name):
    seeds = list(range(40))
    _, experiment = experiment_of(name, TINY if name == "digits" else TINY_PROMPTS, seeds)
    reference = experiment.initial("reference/init")
    cross = experiment.initial("cross/init")
    for key in (key for key in reference if key.endswith("weight")):
        apart = (reference[key][:, None] != cross[key][None, :]).flatten(2).any(dim=2)
        assert apart.all(), key


def test_a_student_starts_where_the_settings_say():
    seeds = [0, 1]
    key = "layers.0.weight"

    def start(**where) -> torch.Tensor:
        changes = {f"student_init.{name}": value for name, value in where.items()}
        settings, experiment = experiment_of("digits", TINY | changes, seeds)
        reference = experiment.initial("reference/init")
        cross = experiment.initial("cross/init")
        return distil.student_start(settings, seeds, experiment.init_std(), reference, cross)[key]

    plain, other = start(), start(toward_cross=1.0)
    assert not torch.equal(plain, other)
    torch.testing.assert_close(start(toward_cross=0.25), 0.75 * plain + 0.25 * other)
    noise = start(perturb=0.4) - plain
    assert noise.std().item() == pytest.approx(0.4 / 8, rel=0.05)
    assert torch.equal(start(perturb=0.4, layers=["layers.2"]), plain)


def test_inputs_are_the_same_each_epoch_and_other_ones_each_run():
    _, experiment = experiment_of("digits", TINY | {"student.epochs": 3}, [0, 1])
    assert isinstance(experiment, images.ImageExperiment)
    batches = [batch.inputs for batch in experiment.student_batches(1, lambda inputs: inputs[..., :10])]
    assert len(batches) == 6
    rows = [{tuple(row) for batch in batches[2 * e : 2 * e + 2] for row in batch[0].tolist()} for e in range(3)]
    assert rows[0] == rows[1] == rows[2]
    others = {tuple(row) for batch in batches[:2] for row in batch[1].tolist()}
    assert not rows[0] & others


@pytest.mark.parametrize(
    "study",
    [build("digits", TINY), build("prompts", TINY_PROMPTS), build("prompts", TINY_PROMPTS | {"batch_norm": True})],
    ids=["digits", "prompts", "prompts with BatchNorm"],
)
def test_a_seed_gives_the_same_in_any_company(study):
    company, alone = sublearn.run(study, [9, 5, 2]), sublearn.run(study, [5])
    assert sorted(alone.records, key=str) == sorted(company.subset([5]).records, key=str)


def test_each_rung_of_the_ladder_changes_one_thing():
    rungs = [rung_settings(LadderSettings(), rung).model_dump() for rung in RUNGS]
    changed = [{key for key in a if a[key] != b[key]} for a, b in pairwise(rungs)]
    expected = [{"aux_logits", "logits"}, {"batch_norm"}, {"teacher", "student", "temperature"}, {"held_out"}]
    assert changed == expected
    assert rungs[-1] == settings_of(build("prompts")).model_dump()


def test_the_ladder_runs_every_rung():
    changes = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "aux_logits": 4}
    study = build("ladder", changes)
    result = sublearn.run(study, [0, 1])
    assert {row.arm for row in result.records} == {arm.name for arm in study.arms}
    assert all(row.status == "ok" for row in result.records)


def test_mnist_without_data_says_what_to_do_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sublearn.tasks.download._open", lambda *_: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(InputError, match="SUBLEARN_DATA"):
        sublearn.run("mnist", [0], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_sequential_and_cohort_train_the_same_students():
    settings, experiment = experiment_of("digits", TINY, [0])
    one = distil.train_teachers(settings, [0], experiment, Setup(trainer="single"), ARMS)
    many = distil.train_teachers(settings, [0], experiment, Setup(), ARMS)
    assert set(one.teachers) == {"trained", "placebo"}
    for kind in one.teachers:
        for key in one.reference:
            alone, together = one.teachers[kind].state[key], many.teachers[kind].state[key]
            torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)
