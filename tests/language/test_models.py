import json
import shutil

import pytest
import torch

from sublearn.errors import InputError
from sublearn.language import models
from sublearn.language.base import untrained
from sublearn.studies.numbers import BasePlan, Settings, parameters, plan_lines


@pytest.fixture
def folder(tmp_path, dialogue):
    plan = BasePlan(width=16, heads=2, inner=32)
    models.save(untrained(plan, len(dialogue.tokenizer), 0), dialogue.tokenizer, tmp_path / "model")
    return tmp_path / "model"


def _pickled(folder):
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _no_tokenizer(folder):
    for file in folder.glob("token*"):
        file.unlink()


def _own_code(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": "evil.Model"}}))


REFUSED = {
    "pickled weights": (_pickled, "pickled weights alone"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
    "no tokenizer": (_no_tokenizer, "no tokenizer"),
    "code of its own": (_own_code, "run code of its own"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "no readable config.json"),
    "no folder": (shutil.rmtree, "is no model folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sound_model_folder_is_refused(case, folder):
    spoil, message = REFUSED[case]
    spoil(folder)
    with pytest.raises(InputError, match=message):
        models.check(Settings(model=str(folder)))


def test_a_sound_folder_is_read_back_as_it_was(folder, dialogue):
    models.check(Settings(model=str(folder)))
    plan = BasePlan(width=16, heads=2, inner=32)
    before = untrained(plan, len(dialogue.tokenizer), 0).state_dict()
    after = models.read(folder).state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    again = models.dialogue_of(folder)
    assert again.prompt("Go on: 7, 8") == dialogue.prompt("Go on: 7, 8")


def test_an_unfinished_model_is_not_taken_for_a_whole_one(tmp_path, folder, dialogue):
    assert models.complete(folder)
    assert not models.complete(tmp_path / "other")
    models.keep(models.read(folder), dialogue.tokenizer, tmp_path / "kept")
    assert models.complete(tmp_path / "kept")
    assert not list(tmp_path.glob(".kept*"))


def test_a_way_along_the_teachers_has_cosine_one(folder):
    base, teacher, student = (models.read(folder) for _ in range(3))
    assert models.alignment(base, teacher, student) is None
    with torch.no_grad():
        for one, two in zip(teacher.parameters(), student.parameters(), strict=True):
            one.add_(0.5)
            two.add_(0.25)
    assert models.alignment(base, teacher, student) == pytest.approx(1, abs=1e-4)


def test_the_plan_of_a_real_model_says_its_size_and_cost(folder):
    assert parameters(str(folder)) == models.read(folder).num_parameters()
    assert parameters("Qwen/Qwen2.5-7B-Instruct") == 7_000_000_000
    assert parameters("some/model") is None
    text = " ".join(plan_lines(Settings(model="Qwen/Qwen2.5-7B-Instruct"), 1))
    assert "7 billion parameters" in text
    assert "GB of GPU memory" in text
    assert " h on one GPU" in text
