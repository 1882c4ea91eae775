import shutil

import pytest
import torch
from safetensors.torch import load_file

from sublearn.errors import InputError
from sublearn.files import checkpoints
from sublearn.language import models
from sublearn.study.numbers import checks
from sublearn.study.numbers.spec import Settings, plan_lines
from tests.language import chat


@pytest.fixture
def folder(tmp_path):
    return chat.put(tmp_path)


def _pickled(folder):
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _no_tokenizer(folder):
    for file in folder.glob("token*"):
        file.unlink()


REFUSED = {
    "pickled weights": (_pickled, "pickled weights alone"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
    "no tokenizer": (_no_tokenizer, "no tokenizer"),
    "code of its own": (chat.config(auto_map={"AutoModelForCausalLM": "evil.Model"}), "run code of its own"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "no readable config.json"),
    "no folder": (shutil.rmtree, "is no model folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sound_model_folder_is_refused(case, folder):
    spoil, message = REFUSED[case]
    spoil(folder)
    with pytest.raises(InputError, match=message):
        checks.check(Settings(model=str(folder)))


def test_a_sound_folder_is_read_back_as_it_was(folder, dialogue):
    checks.check(Settings(model=str(folder)))
    after = models.read(folder).state_dict()
    before = load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    again = models.dialogue_of(folder)
    assert again.prompt("Go on: 7, 8") == dialogue.prompt("Go on: 7, 8")


def test_weights_that_were_read_do_not_lie_in_the_file(folder):
    model = models.read(folder)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    (folder / "model.safetensors").write_bytes(b"")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_weights_that_are_missing_are_never_made_up(folder):
    chat.weights(lambda tensors: tensors.pop("model.norm.weight"))(folder)
    with pytest.raises(InputError, match=r"lacks 1 of the model.s weights, as model\.norm\.weight"):
        models.read(folder)


def test_a_way_along_the_teachers_has_cosine_one(folder):
    base, teacher, student = (models.read(folder) for _ in range(3))
    assert models.alignment(base, teacher, student) is None
    with torch.no_grad():
        for one, two in zip(teacher.parameters(), student.parameters(), strict=True):
            one.add_(0.5)
            two.add_(0.25)
    assert models.alignment(base, teacher, student) == pytest.approx(1, abs=1e-4)


def test_models_of_other_parameters_have_no_cosine(folder, tmp_path):
    base, other = models.read(folder), models.read(chat.put(tmp_path, "other", "gpt2"))
    assert models.alignment(base, base, other) is None
    assert models.alignment(base, other, base) is None


def test_the_plan_of_a_real_model_says_its_size_and_cost(folder):
    assert checkpoints.parameters(str(folder)) == models.read(folder).num_parameters()
    assert checkpoints.parameters("Qwen/Qwen2.5-7B-Instruct") == 7_000_000_000
    assert checkpoints.parameters("some/model") is None
    text = " ".join(plan_lines(Settings(model="Qwen/Qwen2.5-7B-Instruct"), 1))
    assert "7 billion parameters" in text
    assert "GB of GPU memory" in text
    assert " h on one GPU" in text
