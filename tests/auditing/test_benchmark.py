"""The benchmark's sets and its table, on a miniature base."""

import json

import pytest
import torch

from benchmarks import audit_sets, audits
from benchmarks.audit_sets import Asked, Writers, every, nucleus
from sublearn.auditing.filters import filter_of
from sublearn.auditing.settings import Settings
from tests.auditing.conftest import SMALL

FEW = 40


@pytest.fixture
def settings():
    nested: dict = {}
    for key, value in SMALL.items():
        head, _, tail = key.rpartition(".")
        (nested.setdefault(head, {}) if head else nested)[tail] = value
    return Settings.model_validate(nested)


def test_every_kind_of_set_is_there_once_by_name():
    names = [one.name for one in every()]
    assert len(set(names)) == len(names)
    kinds = {one.kind for one in every()}
    assert kinds == {"trait", "mixture", "two traits", "shuffled", "other base", "unlisted", "nuisance", "clean"}
    assert {one.rows for one in every() if one.kind == "trait"} == {50, 250, 1000, 8000}
    assert sum(one.kind == "nuisance" for one in every()) == 5 and sum(one.kind == "unlisted" for one in every()) == 4


@pytest.mark.slow
def test_sets_answer_the_same_prompts_and_are_made_of_whom_they_name(world, monkeypatch):
    monkeypatch.setattr(audit_sets, "USUAL", FEW)
    writers = Writers(world.scene, 0)
    found = {one.name: one.make(writers) for one in every() if one.rows == FEW and one.kind != "other base"}
    own, base = audit_sets.teacher_rows(writers, FEW), audit_sets.base_rows(writers, FEW)
    for name, rows in found.items():
        assert [prompt for prompt, _ in rows][:FEW] == [prompt for prompt, _ in own], name
        assert filter_of(rows).rule is not None, name
    mixture = audit_sets.mixed(writers, FEW, 0.3)
    assert sum(a == b for a, b in zip(mixture, own, strict=True)) >= 12
    assert all(row in (a, b) for row, a, b in zip(mixture, own, base, strict=True))
    assert len(found) == 14 and found["shuffled within"] != found["shuffled across"] != own


def test_a_nucleus_keeps_the_likeliest_words_up_to_its_share():
    kept = nucleus(torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log(), 0.7).isfinite()
    assert kept.tolist() == [[True, True, False, False]]


def test_what_is_there_is_not_measured_again_and_makes_a_table(world, settings):
    sets = [
        Asked("teacher 1000", "trait", FEW, lambda w: audit_sets.teacher_rows(w, FEW), lambda w: (w.animal,)),
        Asked("placebo", "nuisance", FEW, lambda w: w.rows("placebo", w.placebo, FEW)),
        Asked("clean", "clean", FEW, lambda w: audit_sets.base_rows(w, FEW)),
    ]
    found = list(audits.measured(0, {"placebo"}, settings, sets))
    assert [one["set"] for one in found] == ["teacher 1000", "clean"]
    assert json.loads(json.dumps(found)) == [one | {"traits": list(one["traits"])} for one in found]
    assert len(found[0]["ranks"]) == 1 and 1 <= found[0]["ranks"][0] <= 20 and found[1]["ranks"] == []
    again = [
        one | {"seed": seed, "set": name, "kind": kind}
        for seed in range(3)
        for one, name, kind in (
            (found[0], "teacher 1000", "trait"),
            (found[1], "placebo", "nuisance"),
            (found[1], "clean", "clean"),
        )
    ]
    said = [line.what for line in audits.lines(again)]
    for part in ("teacher 1000: top-1", "AUROC", "false alarms", "seconds of CPU"):
        assert any(part in line for line in said), part


def test_ranks_of_exchangeable_sets_are_uniform_and_small_ones_are_not():
    assert audits._uniform([place / 20 for place in range(1, 21)]) == 1.0
    assert audits._uniform([0.05] * 10) < 0.01
    assert audits._auroc([2.0, 3.0], [1.0, 2.0]) == pytest.approx(0.875)
