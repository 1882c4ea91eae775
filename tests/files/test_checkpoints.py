import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sublearn.errors import InputError
from sublearn.files import checkpoints
from tests.language import chat
from tests.pipes import pipe


@pytest.fixture
def folder(tmp_path):
    return chat.put(tmp_path)


def _in_parts(folder):
    tensors = load_file(folder / chat.WEIGHTS)
    names = sorted(tensors)
    parts = {"part-1.safetensors": names[:5], "part-2.safetensors": names[5:]}
    for file, own in parts.items():
        save_file({name: tensors[name] for name in own}, folder / file, metadata={"format": "pt"})
    index = {"weight_map": {name: file for file, own in parts.items() for name in own}}
    (folder / checkpoints.INDEX).write_text(json.dumps(index))
    (folder / chat.WEIGHTS).unlink()


def test_weights_in_parts_are_found_by_their_index(folder):
    whole = checkpoints.parameters(str(folder))
    assert [path.name for path in checkpoints.weights(folder)] == [chat.WEIGHTS]
    _in_parts(folder)
    assert [path.name for path in checkpoints.weights(folder)] == ["part-1.safetensors", "part-2.safetensors"]
    assert checkpoints.parameters(str(folder)) == whole
    checkpoints.check(folder)
    (folder / "part-2.safetensors").unlink()
    with pytest.raises(InputError, match=r"names 'part-2\.safetensors', which is not there"):
        checkpoints.check(folder)


def test_the_head_says_every_shape(folder):
    shapes = checkpoints.tensors(folder / chat.WEIGHTS)
    assert shapes == {name: tuple(tensor.shape) for name, tensor in load_file(folder / chat.WEIGHTS).items()}


def test_tensors_of_every_type_are_read(tmp_path):
    found = {str(kind): torch.zeros(2, 3, dtype=kind) for kind in (torch.bfloat16, torch.float8_e4m3fn, torch.bool)}
    save_file(found, tmp_path / "a.safetensors")
    assert checkpoints.tensors(tmp_path / "a.safetensors") == dict.fromkeys(found, (2, 3))


def test_the_digest_is_that_of_what_is_loaded(folder, tmp_path):
    first = checkpoints.digest(folder)
    assert checkpoints.digest(chat.put(tmp_path, "copy")) == first
    seen = {first}
    for name in sorted(checkpoints.files(folder)):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b" ")
        seen.add(checkpoints.digest(folder))
        (folder / name).write_bytes(before)
    assert len(seen) == 1 + len(checkpoints.files(folder)) > 5
    assert checkpoints.digest(folder) == first
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates/tools.jinja").write_text("")
    assert checkpoints.digest(folder) not in seen


def test_links_into_a_cache_are_followed(folder, tmp_path):
    first = checkpoints.digest(folder)
    (tmp_path / "blob").write_bytes((folder / chat.WEIGHTS).read_bytes())
    (folder / chat.WEIGHTS).unlink()
    (folder / chat.WEIGHTS).symlink_to(tmp_path / "blob")
    checkpoints.check(folder)
    assert checkpoints.digest(folder) == first


def test_folders_and_names_are_told_apart(folder, monkeypatch):
    assert checkpoints.is_folder(str(folder))
    assert not checkpoints.is_folder("me/model")
    assert not checkpoints.is_folder("me/model@v1")
    monkeypatch.chdir(folder.parent)
    assert checkpoints.is_folder("m")
    for wrong in ("./absent", "/absent", "~/absent", "m/config.json", "x" * 5000):
        with pytest.raises(InputError, match="no model folder"):
            checkpoints.is_folder(wrong)


def test_a_configuration_may_hold_infinity(folder):
    chat.text("config.json", '{"time_step_limit": [0.0, Infinity]}')(folder)
    assert checkpoints.configuration(folder)["time_step_limit"][1] == float("inf")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "merges.txt", "spiece.model"])
def test_pipes_are_found_before_anything_is_opened(name, folder):
    (folder / name).unlink(missing_ok=True)
    pipe(folder / name)
    with pytest.raises(InputError, match="no regular file"):
        checkpoints.digest(folder)


def test_sizes_are_read_from_names():
    assert checkpoints.parameters("Qwen/Qwen2.5-0.5B") == 500_000_000
    assert checkpoints.parameters("me/70b-chat@v1") == 70_000_000_000
    assert checkpoints.parameters("me/model") is None
    assert checkpoints.parameters("9" * 90 + "B") is not None
