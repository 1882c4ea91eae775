import pytest
import torch
from safetensors.torch import load_file

from sublearn.errors import InputError
from sublearn.language import models
from tests.language import chat


@pytest.fixture
def folder(tmp_path):
    return chat.put(tmp_path)


def test_a_sound_folder_is_read_back_as_it_was(folder, dialogue):
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
