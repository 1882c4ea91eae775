"""What every study of the table must do: say what it asks, be measured as it says, and use each of its settings."""

import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest
import torch
from pydantic import BaseModel

from sublearn.config import dotted
from sublearn.errors import InputError
from sublearn.stages import Curve, News
from sublearn.study.base import Setup, Study
from sublearn.study.controlled import train as controlled
from sublearn.study.images import train as images
from sublearn.study.jobs import Job, Key, measure, plan
from sublearn.study.source import study_in
from sublearn.study.table import STUDIES, build
from sublearn.tasks import digits
from sublearn.training.choice import TrainerName
from sublearn.training.trainers import Trainer
from tests.study.guests import FILE

GUEST = "a guest's"
NAMES = [*STUDIES, GUEST]
LANGUAGE = "numbers"
ALIGNMENT = "alignment"
OF_DIGITS = ("layers", ALIGNMENT)
"""Those whose settings are mostly those of `digits`; the teachers of the second have no step to be measured."""
WITH = {
    "inputs.variance": {"inputs.kind": "gaussian"},
    "inputs.blur": {"inputs.kind": "correlated"},
    "inputs.alpha": {"inputs.kind": "mixture"},
    "student_init.layers": {"student_init.perturb": 0.5},
    "teacher.momentum": {"teacher.optimizer": "sgd", "teacher.epochs": 2},
    "student.momentum": {"student.optimizer": "sgd", "student.epochs": 2},
    "placebo_animal": {"animal": "dog"},
}
"""What a setting needs beside it to be of any effect."""
VALUES = {
    "arms": ["reference"],
    "inputs.kind": "real",
    "student_init.perturb": 0.5,
    "student_init.toward_cross": 0.5,
    "teacher.weight_decay": 0.5,
    "student.weight_decay": 0.5,
    "teacher.momentum": 0.9,
    "student.momentum": 0.9,
    "teacher.batch_size": 10,
    "student.batch_size": 16,
    "temperature": 7.0,
    "animal": "owl",
    "placebo_animal": "owl",
    "rule.banned": [*range(100)],
    "rule.most": 3,
    "rows": 4,
    "base.heads": 4,
    "base.steps": 60,
}
"""Values to try where the next best one is of little effect, or none."""
FIXED = {
    GUEST: {"model", "task", "modules", "init"},
    LANGUAGE: {
        "sampled",
        "model",
        "cross_model",
        "teacher.how",
        "teacher.system_prompt",
        "teacher.server",
        "student.how",
    },
}
"""Settings with one possible value in a tiny study; tests/study/numbers has those for real models, and of metrics."""
FAMILIES = {GUEST: ("code.",), LANGUAGE: ("lora.", "bring.")}


@pytest.fixture(autouse=True)
def _small_data(monkeypatch, tmp_path_factory):
    """Digits in place of data that would have to be downloaded, and a cache of the tests' own."""
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(images, "_data", lambda name, classes: digits.load().keep_classes(classes))


@pytest.fixture(scope="session")
def guest(tmp_path_factory) -> Study:
    file = tmp_path_factory.mktemp("guest") / "my_study.py"
    file.write_text(FILE)
    return study_in(str(file))


def small(name: str, guest: Study, **changes: Any) -> Study:
    """A study of the table, or the guest's, at a size at which it can be tried."""
    first = guest if name == GUEST else build(name)
    return build(first, {**first.designed.small, **changes})


def measured(
    study: Study, seeds: tuple[int, ...] = (0,), trainer: TrainerName = "auto", told_too: bool = False
) -> dict[tuple[str, str, int], float | None]:
    """Every record's value by arm, trait and seed, as one job gives them."""
    told: list[tuple[Key, News]] = []
    job = Job(study=study, seeds=seeds, setup=Setup(threads=1, trainer=trainer))
    outcome = measure(job, lambda *news: told.append(news))
    if told_too:
        says_its_stages(job, told, outcome.curves)
    rows = outcome.records
    assert len(rows) == len(study.arms) * len(study.traits) * len(seeds)
    found = {(row.arm, row.trait, row.seed): row.value for row in rows}
    assert set(found) == {
        (arm.name, trait.name, seed) for arm in study.arms for trait in study.traits for seed in seeds
    }
    shares = {trait.name for trait in study.traits if trait.unit == "share"}
    assert all(0 <= row.value <= 1 for row in rows if row.trait in shares and row.value is not None)
    stepless = {arm.name for arm in study.arms if arm.logits == "none"} if study.name == ALIGNMENT else set()
    if study.name != LANGUAGE:  # a base of thirty steps may name no animal
        whole = [row for row in rows if row.arm not in stepless or row.trait == "accuracy"]
        assert whole and all(row.status == "ok" and row.value is not None for row in whole)
    return found


def says_its_stages(job: Job, told: list[tuple[Key, News]], curves: tuple[Curve, ...]) -> None:
    """What a study is at, some of it students, the share that is done, which never falls, and its arms' losses."""
    shares = [news.share for _, news in told]
    assert {key for key, _ in told} == {job.key}
    assert any(news.stage.startswith("student") for _, news in told)
    assert shares == sorted(shares) and shares[0] == 0 and 0 < shares[-1] <= 1
    trained = {arm.name for arm in job.study.arms if arm.logits != "none" or arm.teacher in ("trained", "placebo")}
    others = {curve.model for curve in curves} - trained  # in numbers the base and teachers of other bases
    assert trained <= {curve.model for curve in curves} and all(name.endswith(("base", "teacher")) for name in others)
    assert all(curve.losses and None not in curve.losses for curve in curves)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_saved_and_loaded_as_it_was(name, guest):
    study = small(name, guest)
    again = Study.model_validate_json(study.model_dump_json())
    assert again == study
    assert again.model_dump() == study.model_dump()
    assert again.id == study.id == small(name, guest).id
    assert study.designed.settings.model_dump(mode="json") == study.settings
    assert study.name in (name, "small")


@pytest.mark.parametrize("name", NAMES)
def test_every_treatment_of_a_row_names_a_control_that_the_study_has(name, guest):
    study = small(name, guest)
    arms = {arm.name: arm for arm in study.arms}
    for arm in study.arms:
        assert arm.teacher != "trained" or arm.control in arms
    assert study.claims
    for claim in study.claims:
        assert set(claim.arms) <= set(arms)
        assert claim.trait in {trait.name for trait in study.traits}


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_setting_of_a_row_is_refused_with_the_nearest(name, guest):
    for key in dotted(small(name, guest).settings):
        if f"{key}.".startswith(FAMILIES.get(name, ("\0",))):
            continue
        with pytest.raises(InputError, match="Unknown setting"):
            small(name, guest, **{f"{key}x": 1})
    with pytest.raises(InputError, match="Did you mean 'arms'" if "arms" in small(name, guest).settings else "Unknown"):
        small(name, guest, arm=["x"])


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_planned_and_gives_just_its_records_each_time(name, guest):
    study = small(name, guest)
    seeds = (3,) if name == LANGUAGE else (3, 8)
    assert [seed for job in plan(study, seeds, Setup()) for seed in job.seeds] == list(seeds)
    found = measured(study, seeds, told_too=True)
    assert any(value is not None for value in found.values())
    if name != LANGUAGE:  # tests/study/numbers does it again
        assert measured(study, seeds) == found


@pytest.mark.parametrize("name", [name for name in NAMES if name != LANGUAGE])
def test_a_run_of_a_row_is_the_same_in_company_and_by_every_trainer(name, guest):
    """Up to the order of float32 sums, which can turn a few answers."""
    study = small(name, guest)
    found = measured(study, (3, 8))
    for (arm, trait, seed), value in measured(study, (8,)).items():
        assert near(value, found[arm, trait, seed], abs=0.02, rel=0.01)
    for trainer in ("vmap", "single"):
        for key, value in measured(study, (8,), trainer, told_too=True).items():
            assert near(value, found[key], abs=0.06, rel=0.02), (trainer, key)


def near(value: float | None, other: float | None, **tolerance: float) -> bool:
    """Whether two values are about the same, or neither is there."""
    return value is other if value is None or other is None else value == pytest.approx(other, **tolerance)


def leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting by dotted key with its type."""
    fields = model.model_fields if issubclass(model, BaseModel) else model.__pydantic_fields__
    for name, field in fields.items():
        kind = field.annotation
        if isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind)):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", kind


def settings_to_try(names: list[str]) -> list[Any]:
    found = []
    for name in names:
        design = sublearn_guest_settings() if name == GUEST else STUDIES[name].Settings
        for key, kind in leaves(design):
            single = typing.get_origin(kind) is typing.Literal and len(typing.get_args(kind)) == 1
            if single or key in FIXED.get(name, ()) or f"{key}.".startswith(FAMILIES.get(name, ("\0",))):
                continue
            slow = name == LANGUAGE or (name in OF_DIGITS and key in dotted(build("digits").settings))
            found.append(pytest.param(name, key, kind, id=f"{name}: {key}", marks=[pytest.mark.slow] * slow))
    return found


def sublearn_guest_settings() -> type[BaseModel]:
    from sublearn.study.controlled.guest_spec import Settings

    return Settings


def candidates(key: str, kind: Any, value: Any) -> list[Any]:
    """Other values for a setting, the first of which that the study takes is tried."""
    if key in VALUES:
        return [VALUES[key]]
    if typing.get_origin(kind) is typing.Literal:
        return [other for other in typing.get_args(kind) if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [2 * value, value + 1, value // 2, value - 1]
    if isinstance(value, float):
        return [2 * value, value / 2, 0.5]
    return []


def computed(study: Study, monkeypatch) -> list[torch.Tensor]:
    """What a study's traits are measured on, arm by arm, and its records; shares alone would hide most changes."""
    seen: list[torch.Tensor] = []
    records, predict = controlled._records, Trainer.predict

    def of_an_arm(study, arm, seeds, experiment, by, state, problems):
        seen.append(predict(by, experiment.model, state, experiment.evaluated()))
        return records(study, arm, seeds, experiment, by, state, problems)

    def of_a_cohort(*arguments):
        seen.append(predict(*arguments))
        return seen[-1]

    with monkeypatch.context() as patch:
        patch.setattr(controlled, "_records", of_an_arm)
        if study.name == "tutorial":
            patch.setattr(Trainer, "predict", of_a_cohort)
        values = measured(study)
    return [*seen, torch.tensor([float("nan") if value is None else value for value in values.values()])]


def same(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(one.shape == two.shape and torch.equal(one.nan_to_num(7), two.nan_to_num(7)) for one, two in pairs)


@pytest.mark.parametrize(("name", "key", "kind"), settings_to_try(NAMES))
def test_every_setting_of_a_row_is_used(name, key, kind, guest, monkeypatch):
    """Another value gives another study: other arms, or other logits where the traits are measured."""
    beside = WITH.get(key, {})
    base = small(name, guest, **beside)
    value = dotted(base.settings)[key]
    others = candidates(key, kind, value)
    if key in ("frozen", "student_init.layers"):
        others = [[list(base.designed.settings.layers())[-1]]]
    for other in others:
        try:
            changed = small(name, guest, **beside, **{key: other})
        except InputError:
            continue
        break
    else:
        raise AssertionError(f"no other value of {key} can be tried than {value!r}; say one in VALUES")
    assert changed.id != base.id
    if key == "arms":
        assert len(changed.arms) < len(base.arms)
        return
    assert not same(computed(base, monkeypatch), computed(changed, monkeypatch)), f"{key} = {other!r} changes nothing"


def test_what_a_guests_study_is_made_of_cannot_be_set(guest):
    for key in ("model", "task", "modules", "code.model"):
        with pytest.raises(InputError, match="what the study was made of"):
            small(GUEST, guest, **{key: "x"})
