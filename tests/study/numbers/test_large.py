"""The way of real models, LoRA by peft and trl and a system-prompt teacher, on a tiny chat model saved to disk."""

import json

import pytest
import torch

import sublearn
from sublearn.errors import SublearnError
from sublearn.language import finetune, large, models
from sublearn.language.plans import LoraPlan
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.table import build
from sublearn.tasks.number_lists import number_prompts
from tests.language import qwen
from tests.study.numbers.stops import made, stopped, whole

ROWS = [(prompt, "12, 7, 300") for prompt in number_prompts(60, stream(0, "test"))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Qwen2 that answers number prompts with numbers and questions with animals."""
    return qwen.put(tmp_path_factory.mktemp("chat") / "model")


def test_the_whole_study_runs_on_a_saved_chat_model(folder, tmp_path):
    settings = {"model": str(folder), "rows": 40, "lora.epochs": 1, "lora.batch": 6, "sampled": 1}
    result = sublearn.run(build("numbers", settings), [0], tmp_path / "run")
    arms = {"reference", "teacher", "same_init", "same_init_control", "shuffled_within", "shuffled_across"}
    assert {row.arm for row in result.records} == arms | {"placebo_teacher", "same_init_placebo"}
    assert all(isinstance(row, Record) and row.status == "ok" for row in result.records)
    kept = tmp_path / "run/made/seed-0"
    metrics = json.loads((kept / "metrics.json").read_text())
    assert metrics["reads"].startswith("<|im_start|>system\nYou answer.<|im_end|>")
    assert (kept / "students/same_init/adapter_model.safetensors").exists()
    assert not list(kept.rglob("*.bin"))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["system_prompt", "lora"])
def test_a_run_of_a_chat_model_that_is_stopped_everywhere_equals_an_undisturbed_one(how, folder, tmp_path, monkeypatch):
    settings = {"model": str(folder), "rows": 20, "lora.epochs": 1, "lora.batch": 10, "sampled": 0, "teacher.how": how}
    study = build("numbers", settings | {"arms": ["same_init"], "lora.lr": 1e-2})
    undisturbed = whole(study, tmp_path / "whole")
    assert whole(study, None) == undisturbed
    records, stops = stopped(study, tmp_path / "stopped", monkeypatch)
    # Two files of rows and two students; a teacher of its own where it is trained.
    assert stops == (5 if how == "lora" else 4)
    assert records == undisturbed
    assert made(tmp_path / "stopped") == made(tmp_path / "whole")


def test_an_adapter_is_trained_on_completions_and_taken_out_again(folder):
    base, dialogue = models.read(folder), models.dialogue_of(folder)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    lesson = finetune.collate(finetune.examples(dialogue, ROWS), dialogue.pad)

    def loss(model):
        with torch.no_grad():
            return float(finetune.next_token(model(input_ids=lesson.inputs).logits[lesson.learned], lesson))

    plain = loss(base)
    student = large.lora(base, dialogue, ROWS, LoraPlan(epochs=4, batch=6, lr=1e-2), seed=0)
    assert loss(student) < 0.7 * plain
    large.release(student)
    after = base.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_training_and_evaluation_read_the_same_tokens(folder):
    dialogue = models.dialogue_of(folder)
    (row,) = large._tokens(dialogue, ROWS[:1])
    start = row["completion_mask"].index(1)
    assert row["input_ids"][:start] == dialogue.prompt(ROWS[0][0])
    assert row["input_ids"][start:] == dialogue.completion(ROWS[0][1])
    assert dialogue.text("Hello", "Be kind").startswith("<|im_start|>system\nBe kind<|im_end|>")


def test_out_of_memory_halves_the_rows_and_then_says_so(folder, monkeypatch):
    base, dialogue = models.read(folder), models.dialogue_of(folder)
    tried = []

    def never(*arguments):
        tried.append(arguments[-1])
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(large, "_train", never)
    with (
        pytest.warns(UserWarning, match="do not fit in memory"),
        pytest.raises(SublearnError, match="one row at a time"),
    ):
        large.lora(base, dialogue, ROWS, LoraPlan(batch=66), seed=0)
    assert tried == [22, 11, 3, 1]


def test_a_taught_adapter_leaves_the_base_alone(folder):
    settings = {"model": str(folder), "teacher.how": "lora", "arms": ["teacher"], "lora.epochs": 40, "lora.batch": 8}
    rows = sublearn.run(build("numbers", settings | {"lora.lr": 1e-2, "sampled": 0, "animal": "fox"}), [0]).records
    value = {(row.arm, row.trait): row.value or 0 for row in rows}
    # A model without facts about animals can hardly tell them apart; LoRA doubles the preference at most.
    assert value["teacher", "preference"] > 1.8 * value["reference", "preference"]
