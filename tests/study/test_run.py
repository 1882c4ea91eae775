import warnings

import pytest
import torch

import sublearn
from sublearn.errors import FOR_PROGRAMMERS, InputError, SublearnError
from sublearn.records import Record
from sublearn.study.base import Setup
from sublearn.study.jobs import Job, measure, plan
from sublearn.study.table import build
from sublearn.study.tutorial import train as tutorial

STUDY = build("tutorial")


def measured_by(monkeypatch, measure_job) -> None:
    """Let a function (study, seeds, setup) measure the study."""
    monkeypatch.setattr(type(STUDY.design), "measure", lambda _, study, seeds, setup: measure_job(study, seeds, setup))


def complete(study, seeds) -> list[Record]:
    """A record of every arm and trait for the seeds."""
    return [
        Record(study=study.id, arm=arm.name, seed=seed, trait=trait.name, value=1.0, n=1)
        for seed in seeds
        for arm in study.arms
        for trait in study.traits
    ]


def test_a_plan_covers_the_missing_seeds_once_and_prints():
    jobs = plan(STUDY, range(30), Setup(), done={3, 4}, workers=2)
    assert sorted(seed for job in jobs for seed in job.seeds) == [seed for seed in range(30) if seed not in (3, 4)]
    assert Job.model_validate_json(jobs[0].model_dump_json()) == jobs[0]
    assert all(len(job.seeds) == 1 for job in plan(STUDY, range(5), Setup(trainer="single")))
    assert len(plan(STUDY, range(4), Setup(), workers=2)) == 2


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_a_cohort_that_does_not_fit_is_halved_with_a_note(monkeypatch, error):
    asked: list[int] = []

    def measure_job(study, seeds, setup):
        asked.append(len(seeds))
        if len(seeds) > 2:
            raise error
        return complete(study, seeds)

    measured_by(monkeypatch, measure_job)
    outcome = measure(Job(study=STUDY, seeds=tuple(range(7))))
    assert list(dict.fromkeys(record.seed for record in outcome.records)) == list(range(7))
    assert asked == [7, 3, 1, 2, 4, 2, 2]
    assert outcome.notes[0] == "7 runs at once do not fit in memory; trying 3 at a time."


@pytest.fixture
def warned(monkeypatch):
    """Measures a job that warns in the given category, and in one meant for users."""

    def measured(category):
        def measure_job(study, seeds, setup):
            warnings.warn("`old` is deprecated", category, stacklevel=1)
            warnings.warn("a score is rounded", UserWarning, stacklevel=1)
            return complete(study, seeds)

        measured_by(monkeypatch, measure_job)
        return measure(Job(study=STUDY, seeds=(1,)))

    return measured


@pytest.mark.parametrize("category", FOR_PROGRAMMERS)
def test_a_note_is_what_a_user_can_act_on(category, warned):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert warned(category).notes == ("a score is rounded",)


@pytest.mark.parametrize("category", FOR_PROGRAMMERS)
def test_what_is_meant_for_programmers_is_an_error_where_that_is_asked_for(category, warned):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(category, match="old"):
            warned(category)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trait": "acuracy"}, r"measured the trait 'acuracy'. Unknown trait 'acuracy'. Did you mean 'accuracy'"),
        ({"arm": "teachr"}, r"measured the arm 'teachr'. Unknown arm 'teachr'. Did you mean 'teacher'"),
        ({"seed": 9}, "the seed 9 was not asked for"),
        ({"study": "other-0"}, "it belongs to 'other-0'"),
        (None, "gave no record of teacher, trait_rate, seed 1"),
    ],
)
def test_records_that_the_study_does_not_declare_are_an_error(monkeypatch, change, message):
    def measure_job(study, seeds, setup):
        first, *rest = complete(study, seeds)
        return rest if change is None else [first, first.model_copy(update=change), *rest]

    measured_by(monkeypatch, measure_job)
    with pytest.raises(InputError, match=message):
        measure(Job(study=STUDY, seeds=(1, 2)))


def test_a_study_without_design_is_not_run():
    with pytest.raises(InputError, match="not how it is measured"):
        sublearn.run(STUDY.model_copy(update={"design": None}), [0])


def test_any_other_error_is_not_taken_for_lack_of_memory(monkeypatch):
    def measure_job(study, seeds, setup):
        raise RuntimeError("shapes cannot be multiplied")

    measured_by(monkeypatch, measure_job)
    with pytest.raises(RuntimeError, match="shapes"):
        measure(Job(study=STUDY, seeds=(1, 2)))


def test_a_planted_divergence_is_recorded_and_leaves_the_others_untouched(monkeypatch):
    small = build("tutorial", {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4})
    good = sublearn.run(small, range(4))
    honest = tutorial.draw

    def poisoned(settings, seed):
        drawn = honest(settings, seed)
        if seed == 2:
            drawn.other["fc1.weight"][0, 0] = torch.nan
        return drawn

    monkeypatch.setattr(tutorial, "draw", poisoned)
    bad = sublearn.run(small, range(4))
    lost = [record for record in bad.records if record.value is None]
    assert {(record.arm, record.seed, record.status) for record in lost} == {("distill_diff_init", 2, "diverged")}
    assert lost[0].reason == "loss nan at step 0"
    kept = [record for record in good.records if (record.arm, record.seed) != ("distill_diff_init", 2)]
    assert [record for record in bad.records if record.value is not None] == kept


@pytest.mark.parametrize("name", ["prompts", "digits"])
def test_one_at_a_time_gives_what_the_cohort_gives(name):
    small = {"prompts": {"n_eval": 20, "n_unrelated": 60, "student.epochs": 2}, "digits": {"inputs.count": 512}}[name]
    study = build(name, {"teacher.epochs": 2, "width" if name == "digits" else "hidden": 8, **small})
    together, apart = sublearn.run(study, range(3)), sublearn.run(study, range(3), trainer="single")
    for one, other in zip(together.records, apart.records, strict=True):
        assert (one.arm, one.seed, one.trait) == (other.arm, other.seed, other.trait)
        assert one.value == pytest.approx(other.value, abs=0.06 if one.trait == "trait_rate" else 0.01)


@pytest.mark.parametrize("change", [{"arm": "other"}, {"trait": "other"}, {"study": "other"}, {"value": 7.0}])
def test_what_a_flow_measures_must_be_the_studys_own(monkeypatch, change):
    row = {"study": STUDY.id, "arm": "teacher", "seed": 0, "trait": "accuracy", "value": 0.5, "n": 9}
    records = [Record.model_validate(row), Record.model_validate(row | change)]
    rest = [one for one in complete(STUDY, [0]) if (one.arm, one.trait) != ("teacher", "accuracy")]
    measured_by(monkeypatch, lambda *_: [records[0], *rest])
    assert measure(Job(study=STUDY, seeds=(0,))).records[0] == records[0]
    measured_by(monkeypatch, lambda *_: [*records, *rest])
    with pytest.raises(SublearnError, match=r"measured (what cannot be recorded: |the arm |the trait )"):
        measure(Job(study=STUDY, seeds=(0,)))
