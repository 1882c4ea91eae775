import json
import re
import sys
from typing import cast

import pytest
import torch

import sublearn
from sublearn.errors import InputError
from sublearn.files.reading import json_value
from sublearn.report.artifacts import SOURCES
from sublearn.study.jobs import Setup, measure, plan
from sublearn.study.numbers import train
from sublearn.study.numbers.identity import rows_of
from sublearn.study.numbers.spec import ORIGINS, RowSource, Settings, every_arm
from sublearn.study.numbers.train import SeedRun
from sublearn.study.table import build, settings_of
from sublearn.tasks.number_lists import parse, reason_against
from sublearn.tasks.rows import as_text, read_rows
from sublearn.tasks.vocabulary import ANIMALS, questions
from tests.processes import call
from tests.report.samples import unmarked

TINY = {
    "base.width": 16, "base.heads": 2, "base.inner": 32, "base.steps": 150, "base.batch": 16, "rows": 64,
    "student.steps": 6, "student.batch": 16, "sampled": 1,
}  # fmt: skip


def records(settings, seeds=(0,), keep=None):
    study = build("numbers", TINY | settings)
    return [row for job in plan(study, seeds, Setup(keep=keep and str(keep))) for row in measure(job).records]


def seed_run(settings, keep=None, seed=0):
    study = build("numbers", TINY | settings)
    own = settings_of(study)
    assert isinstance(own, Settings)
    return SeedRun(study, own, seed, Setup(keep=keep and str(keep)))


@pytest.mark.parametrize("family", ["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
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
    assert len(before) == 5 + 12
    assert records({}, keep=tmp_path) == whole
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert all(reason_against(answer) is None for _, answer in read_rows(tmp_path / "seed-0/numbers/teacher.jsonl"))


def test_arms_read_the_rows_that_they_should():
    run = seed_run({})
    rows = {arm.name: run.rows(arm) for arm in run.study.arms}
    assert rows["reference"] is rows["teacher"] is rows["placebo_teacher"] is None
    assert rows["same_init"] == rows["soft"] == run.numbers(RowSource("teacher"))
    assert rows["same_init_control"] == run.numbers(RowSource("base"))
    assert rows["same_init_placebo"] == run.numbers(RowSource("placebo_teacher"))
    read = {"cross_init": "cross", "cross_init_same_world": "cross_init_same_world"}
    for name, origin in (read | {"same_init_cross_world": "same_init_cross_world"}).items():
        assert rows[name] == run.numbers(RowSource("teacher", origin))
        assert rows[f"{name}_control"] == run.numbers(RowSource("base", origin))
    assert len({str(found) for found in rows.values()}) == 1 + 9 + 2  # none, the sources, the shuffles
    assert SOURCES.keys() == run.counted.keys()  # each has its words on the page
    for name in ("shuffled_within", "shuffled_across"):
        own, shuffled = rows["same_init"] or [], rows[name] or []
        assert [prompt for prompt, _ in own] == [prompt for prompt, _ in shuffled]
        assert own != shuffled
        assert sorted(n for _, a in own for n in parse(a) or []) == sorted(
            n for _, a in shuffled for n in parse(a) or []
        )


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_other_base_is_never_ones_own_and_pairs_share_four():
    one, two, next_pair = (seed_run({"base.steps": 3}, seed=seed) for seed in (4, 5, 6))
    mine, theirs, others = ([weights(run.base(origin)) for origin in ORIGINS] for run in (one, two, next_pair))
    shared = {(i, j) for i, own in enumerate(mine) for j, other in enumerate(theirs) if torch.equal(own, other)}
    assert shared == {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert not any(torch.equal(own, other) for own in mine for other in others)


def test_another_init_has_this_world_and_another_world_this_init(monkeypatch):
    asked = []
    monkeypatch.setattr(train, "pretrained", lambda plan, dialogue, *whose: asked.append(whose) or torch.nn.Module())
    monkeypatch.setattr(train.models, "on", lambda model, device: model)
    for origin in ("own", "cross", "cross_init_same_world", "same_init_cross_world"):
        seed_run({}, seed=7).base(origin)
    assert asked == [(7, 7), (6, 6), (6, 7), (7, 6)]  # whose init, whose world


def test_whoever_writes_rows_answers_the_same_prompts(monkeypatch):
    """Each source is the base of its origin or one fine-tuned from it, whose embeddings are the base's."""
    seen = {}

    def answers(self, prompted, prompts, source, part):
        seen.setdefault(part, {})[source.name] = (source, prompted.model, prompts)
        return ["1, 2", "no list"] * (len(prompts) // 2)

    monkeypatch.setattr(SeedRun, "_answers", answers)
    run = seed_run({"base.steps": 3, "teacher.steps": 1, "rows": 100})
    for arm in run.study.arms:
        run.rows(arm)
    assert len(seen) == 4  # rounds of 64 prompts, half of whose answers are kept
    for part, found in seen.items():
        assert len(found) == 9
        for source, model, prompts in found.values():
            assert prompts == run.prompts(part)
            base = run.base(source.origin)
            assert (model is base) == (source.writer == "base")
            assert torch.equal(model.get_input_embeddings().weight, base.get_input_embeddings().weight)
    assert run.prompts(0) != run.prompts(1) != seed_run({"rows": 100}, seed=1).prompts(1)


def test_the_placebo_teacher_is_taught_as_well_and_another_animal(tmp_path):
    settings = Settings()
    placebos = [settings.placebo_animal_of(seed) for seed in range(200)]
    assert placebos == [Settings().placebo_animal_of(seed) for seed in range(200)]
    assert not any(animal == settings.animal_of(seed) for seed, animal in enumerate(placebos))
    assert set(placebos) == set(ANIMALS)
    assert {Settings(animal="Owl ", model="m").placebo_animal_of(seed) for seed in range(200)} == {*ANIMALS} - {"owl"}
    assert Settings(animal="owl", placebo_animal="fox").placebo_animal_of(3) == "fox"
    run = seed_run({"base.steps": 3, "teacher.steps": 0})
    assert torch.equal(*(weights(run.teacher(RowSource(who)).model) for who in ("teacher", "placebo_teacher")))
    fast = {"base.width": 32, "base.inner": 64, "teacher.lr": 3e-2, "teacher.steps": 200, "rows": 16}
    records(fast | {"arms": ["teacher", "same_init_placebo", "placebo_teacher"]}, keep=tmp_path)
    shown = json.loads((tmp_path / "seed-0" / "metrics.json").read_text())
    assert shown["placebo_animal"] == settings.placebo_animal_of(0) != shown["animal"]
    taught, placebo = (shown["arms"][arm] for arm in ("teacher", "placebo_teacher"))
    assert taught["favourite"]["preference"] > 0.5 > 0.1 > placebo["favourite"]["preference"]
    assert placebo["placebo_favourite"]["preference"] > 0.5
    assert "placebo_favourite" not in taught


@pytest.mark.parametrize("placebo", ["owl", "unicorn"])
def test_a_placebos_animal_that_may_be_the_teachers_is_refused(placebo):
    for animal in ("drawn", "owl"):
        with pytest.raises(InputError, match="placebo_animal"):
            build("numbers", {"placebo_animal": placebo, "animal": animal})


def test_arms_that_cannot_be_made_are_left_out(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(as_text([("Go on: 1, 2", "3, 4")] * 20))

    def names(**settings):
        return {arm.name for arm in every_arm(Settings.model_validate(settings))}

    placebo, every = {"placebo_teacher", "same_init_placebo"}, names()
    apart = {name for name in every if name.startswith(("cross_init_same_world", "same_init_cross_world"))}
    assert len(every) == 15
    assert len(apart) == 4
    assert names(bring={"numbers": str(rows)}) == names(bring={"teacher": "m"}) == every - placebo
    assert names(bring={"student": "m", "control_numbers": "m"}) == every
    assert names(model="m", cross_model="n") == every - apart - {"soft"}
    assert names(model="m") == every - apart - {"soft", "cross_init", "cross_init_control"}
    with pytest.raises(InputError, match="same_init_placebo"):
        build("numbers", {"bring.numbers": str(rows), "arms": ["same_init_placebo"]})


def test_rows_of_the_placebo_that_name_its_animal_train_no_student(monkeypatch):
    monkeypatch.setattr(SeedRun, "rows", lambda self, arm: [("Go on: 1", "fox")] if arm.logits == "text" else None)
    rows = records({"arms": ["same_init_placebo"], "animal": "owl", "placebo_animal": "fox", "base.steps": 3})
    reasons = {row.arm: row.reason for row in rows if row.trait == "mass"}
    assert reasons["same_init_placebo"] == "1 of its training rows name the animal"
    assert reasons["same_init_control"] is None


def test_a_base_is_the_same_from_the_cache_and_its_embeddings_stay_in_teacher_and_student():
    run = seed_run({"base.steps": 3}, seed=77)
    base, again = run.base("own"), seed_run({"base.steps": 3}, seed=77).base("own")
    assert base is not again
    arm = next(arm for arm in run.study.arms if arm.name == "same_init")
    for other, same in ((again, True), (run.teacher(RowSource("teacher")).model, False)):
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
    run = seed_run({"bring.numbers": str(clean)})
    assert run.numbers(RowSource("teacher")) == read_rows(clean)
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
    study = build("numbers", TINY | {"arms": ["same_init", "same_init_placebo"]})
    result = sublearn.run(study, [0], tmp_path / "run")
    assert result.path is not None
    page = unmarked((result.path / "report.html").read_text())
    row = read_rows(result.path / "made/seed-0/numbers/teacher.jsonl")[0]
    assert row[1] in page
    assert "Rows kept" in page
    assert "Preference for the placebo teacher&#39;s animal" in page
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
