"""What is checked before anything is written, beyond the rows of the table of faults."""

import shutil
from pathlib import Path

import pytest
import torch

from sublearn import devices
from sublearn.config import dotted
from sublearn.errors import InputError
from sublearn.files import checkpoints
from sublearn.files.reading import json_file
from sublearn.language import known, models
from sublearn.study.numbers import checks
from sublearn.study.numbers.design import plan_lines
from sublearn.study.numbers.spec import Settings
from sublearn.study.table import build, settings_of
from sublearn.tasks.rows import as_text
from tests.language import chat


def prepare(study) -> None:
    """What a run does before anything is written."""
    study.designed.prepare()


OLD = Path(__file__).parents[2] / "data" / "v0.1.0" / "numbers" / "study.json"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture
def folder(tmp_path):
    return chat.put(tmp_path)


def test_a_sound_model_passes_once_for_all_points_of_a_sweep(folder, monkeypatch):
    looked = []
    original = models.skeleton
    monkeypatch.setattr(models, "skeleton", lambda where: looked.append(where) or original(where))
    for rows in (1, 2, 3):
        prepare(build("numbers", {"model": str(folder), "rows": rows}))
    assert len(looked) == 1
    chat.config(initializer_range=0.5)(folder)
    prepare(build("numbers", {"model": str(folder)}))
    assert len(looked) == 2


def test_a_template_that_does_not_end_is_refused(folder, monkeypatch):
    monkeypatch.setattr(known, "SECONDS", 0.3)
    checks.check(Settings(model=str(folder)))
    chat.template(ENDLESS + "{% endfor %}")(folder)
    with pytest.raises(InputError, match=r"The chat template of .* takes longer than 0\.3 s"):
        checks.check(Settings(model=str(folder)))


def test_weights_that_the_configuration_leaves_out_are_told(folder):
    chat.config(num_hidden_layers=1)(folder)
    with pytest.warns(UserWarning, match="9 weights that its config.json has no place for"):
        checks.check(Settings(model=str(folder)))


def test_a_model_that_no_memory_can_hold_is_refused_before_it_is_read(folder, monkeypatch):
    monkeypatch.setattr(devices, "memory", lambda: 100_000)
    with pytest.raises(InputError, match="billion parameters"):
        checks.check(Settings(model=str(folder)))


@pytest.mark.parametrize("key", ["teacher", "student"])
def test_a_brought_model_of_another_base_is_refused(key, folder, tmp_path):
    other = chat.put(tmp_path, "other")
    settings = {"model": str(folder), f"bring.{key}": str(other)}
    prepare(build("numbers", settings))
    chat.config(max_position_embeddings=300)(other)
    with pytest.raises(InputError, match="reads 300 tokens, the study's model 512"):
        prepare(build("numbers", settings))
    chat.config(max_position_embeddings=512)(other)
    chat.other_words(other)
    with pytest.raises(InputError, match="knows 10 words, the study's model 1152"):
        prepare(build("numbers", settings))


def test_a_model_that_is_changed_between_the_plan_and_a_job_is_not_loaded(folder):
    settings = settings_of(build("numbers", {"model": str(folder)}))
    assert isinstance(settings, Settings)
    assert checks.folder_of(settings, "model") == folder
    chat.weights(lambda tensors: next(iter(tensors.values())).fill_(0.5))(folder)
    with pytest.raises(InputError, match="is not what it was when the study was made"):
        checks.folder_of(settings, "model")
    shutil.rmtree(folder)
    shutil.copytree(chat.sound(), folder)
    assert checks.folder_of(settings, "model") == folder


def test_files_that_are_never_loaded_are_not_part_of_the_identity(folder):
    first = build("numbers", {"model": str(folder)}).id
    (folder / "README.md").write_text("about it")
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert build("numbers", {"model": str(folder)}).id == first
    (folder / "added_tokens.json").write_text("{}")
    assert build("numbers", {"model": str(folder)}).id != first


def test_the_tiny_study_has_the_settings_that_it_had_in_version_0_1_0_and_the_placebos():
    """By the new one every study differs from those before, in which each source answered prompts of its own."""
    old = json_file(OLD, "the manifest")["study"]["settings"]
    assert build("numbers", dotted(old)).settings == old | {"placebo_animal": "drawn"}
    assert "digests" not in old["bring"] or not old["bring"]["digests"]


def test_brought_rows_may_be_too_long_for_lora_alone(folder, tmp_path):
    chat.config(max_position_embeddings=4096)(folder)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(as_text([("Go on: 1", ", ".join(["7"] * 300))]))
    settings = {"model": str(folder), "bring.numbers": str(rows)}
    with pytest.raises(InputError, match=r"line 1: it has .* tokens, and the model reads 500 at most"):
        prepare(build("numbers", settings))
    prepare(build("numbers", settings | {"student.how": "full"}))


def test_rows_that_are_not_read_are_not_checked(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(as_text([("Go on: 1", "2"), ("", "")]))
    prepare(build("numbers", {"bring.numbers": str(rows), "rows": 1}))
    with pytest.raises(InputError, match="line 2: its prompt and completion are both empty"):
        prepare(build("numbers", {"bring.numbers": str(rows)}))


def test_rows_without_numbers_train_where_nothing_is_shuffled(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(as_text([("Go on: 1", "about 3 or 4")]))
    prepare(build("numbers", {"bring.numbers": str(rows), "arms": ["same_init"]}))
    with pytest.raises(InputError, match="is no list of numbers, which shuffled_within shuffle"):
        prepare(build("numbers", {"bring.numbers": str(rows), "arms": ["shuffled_within"]}))


def test_a_plan_asks_no_hub(monkeypatch):
    monkeypatch.setattr("sublearn.files.hub.folder", lambda *_: pytest.fail("the hub was asked"))
    checks.check(Settings(model="nobody/nothing"), fetch=False)


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


def test_the_plan_of_a_real_model_says_its_size_and_cost(folder):
    assert checkpoints.parameters(str(folder)) == models.read(folder).num_parameters()
    assert checkpoints.parameters("Qwen/Qwen2.5-7B-Instruct") == 7_000_000_000
    assert checkpoints.parameters("some/model") is None
    text = " ".join(plan_lines(Settings(model="Qwen/Qwen2.5-7B-Instruct"), 1))
    assert "7 billion parameters" in text
    assert "GB of GPU memory" in text
    assert " h on one GPU" in text
