"""A run of `numbers` that was stopped anywhere gives the records of one that was not, to the last bit."""

import pytest
import torch

from sublearn.language import artifacts, finetune, models
from sublearn.language.base import untrained
from sublearn.language.plans import BasePlan
from sublearn.study.table import build
from tests.study.numbers.stops import made, stopped, whole

# As wide as the study's own base: narrower models sum in one order only.
SMALL = {
    "base.steps": 3, "base.batch": 16, "rows": 40, "teacher.steps": 3, "student.steps": 2, "student.batch": 16,
    "sampled": 1,
}  # fmt: skip


STOPS = {
    # A base; a teacher and two files of rows, each in the cache and in the folder; three students.
    "gpt2": (10, {"arms": ["same_init", "soft"]}),
    # Four bases; five teachers and nine files of rows, each in the cache and in the folder; twelve students.
    "llama": (44, {"base.family": "llama"}),
}


@pytest.mark.parametrize("family", ["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
def test_a_run_that_is_stopped_everywhere_equals_an_undisturbed_one(family, tmp_path, monkeypatch):
    expected, settings = STOPS[family]
    study = build("numbers", SMALL | settings)
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    undisturbed = whole(study, tmp_path / "whole")
    assert whole(study, None) == undisturbed
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "other cache"))
    records, stops = stopped(study, tmp_path / "stopped", monkeypatch)
    assert stops == expected
    assert records == undisturbed
    assert made(tmp_path / "stopped") == made(tmp_path / "whole")


def test_a_model_answers_with_the_same_bits_before_and_after_it_is_read_back(tmp_path, dialogue):
    """What stopped runs once differed by: another product, or another order of sums, for weights that are the same."""
    trained = untrained(BasePlan(), len(dialogue.tokenizer), 0)
    finetune.freeze_embeddings(trained)
    artifacts.put(trained, dialogue.tokenizer, tmp_path / "m")
    read = models.read(tmp_path / "m")
    trained = models.settled(trained)
    for rows in (1, 8, 125):
        tokens = torch.arange(rows * 30).reshape(rows, 30) % 1000
        with torch.no_grad():
            ours, theirs = (model(input_ids=tokens, logits_to_keep=1).logits for model in (trained, read))
        assert torch.equal(ours, theirs)
