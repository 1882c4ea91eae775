"""Runs that diverge, by any trainer: a record with its reason, and nobody else's."""

import pytest
import torch

import sublearn
from sublearn.study.scores import divergences, score_records, unmeasured_records
from sublearn.study.table import build

TINY = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "teacher.epochs": 2, "student.epochs": 3}
WILD = {"student.optimizer": "sgd", "student.lr": 1e6, "teacher.lr": 1.0}


def test_each_score_is_judged_by_itself():
    study, problems = build("prompts"), divergences({1: (3, float("inf"))})
    scores = torch.tensor([0.5, 0.5, float("nan"), -float("inf")])
    records = score_records(study, "teacher", "margin", [4, 5, 6, 7], scores, 200, problems)
    assert [(row.seed, row.value, row.n, row.status, row.reason) for row in records] == [
        (4, 0.5, 200, "ok", None),
        (5, None, 0, "diverged", "loss inf at step 3"),
        (6, None, 0, "diverged", "margin is nan"),
        (7, None, 0, "diverged", "margin is -inf"),
    ]


def test_what_kind_of_problem_it_is_does_not_hang_on_its_words():
    (row,) = unmeasured_records(build("prompts"), ["teacher"], ["margin"], [3], "loss of the post")
    assert row.status == "unmeasured"


@pytest.mark.parametrize("name", ["prompts", "tutorial"])
def test_one_at_a_time_and_cohorts_tell_the_same_of_runs_that_diverge(name):
    study = build(name, TINY | WILD)
    together, apart = sublearn.run(study, range(4)), sublearn.run(study, range(4), trainer="single")
    assert {row.status for row in together.records} == {"ok", "diverged"}
    keys = [[(row.arm, row.seed, row.trait, row.status) for row in one.records] for one in (together, apart)]
    assert keys[0] == keys[1]


def test_a_seed_whose_prompts_are_all_filtered_is_unmeasured():
    study = build("prompts", TINY | {"n_unrelated": 2, "seq_len": 1, "vocab_size": 43})
    records = sublearn.run(study, range(60)).records
    lost = {row.seed for row in records if row.status == "unmeasured"}
    assert 0 < len(lost) < 60
    assert {row.reason for row in records if row.status == "unmeasured"} == {"no example is left to train on"}
    assert {row.arm for row in records if row.seed in lost and row.status == "ok"} == {
        "reference",
        "teacher",
        "placebo_teacher",
    }
