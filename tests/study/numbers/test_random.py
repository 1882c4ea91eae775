"""Random bytes and random JSON in every file that is read: an InputError or nothing, never another error."""

import json
import shutil
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sublearn.errors import InputError
from sublearn.files import checkpoints, digests
from sublearn.language import artifacts
from sublearn.study.numbers import checks
from sublearn.study.numbers.spec import Settings
from tests.language import chat

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(), st.text(max_size=8), st.just("../x")
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
JSON = VALUES.map(json.dumps).map(str.encode)
ANYTHING = st.one_of(st.binary(max_size=300), JSON)
KEYS = st.deferred(lambda: st.sampled_from(sorted(json.loads((chat.sound() / "config.json").read_text()))))
MODEL_FILES = (
    "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
)  # fmt: skip
often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _checked(folder):
    """Check a model; say whether it was taken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            checks.check(Settings(model=str(folder)))
        except InputError:
            return False
    return True


@pytest.fixture
def model(tmp_path):
    return chat.put(tmp_path)


@pytest.mark.parametrize("name", MODEL_FILES)
@often
@given(content=ANYTHING)
def test_a_model_with_any_file_is_taken_or_refused(name, model, content):
    (model / name).write_bytes(content)
    _checked(model)
    shutil.rmtree(model)
    shutil.copytree(chat.sound(), model)


@often
@given(key=KEYS, value=VALUES)
def test_a_model_with_any_value_in_its_configuration_is_taken_or_refused(model, key, value):
    chat.config(**{key: value})(model)
    _checked(model)
    shutil.copy(chat.sound() / "config.json", model)


@often
@given(place=st.integers(0, 2**12), byte=st.integers(0, 255))
def test_a_model_with_another_byte_in_its_head_is_taken_or_refused(model, place, byte):
    raw = bytearray((model / chat.WEIGHTS).read_bytes())
    raw[place] = byte
    (model / chat.WEIGHTS).write_bytes(raw)
    _checked(model)
    shutil.copy(chat.sound() / chat.WEIGHTS, model)


@often
@given(content=ANYTHING)
def test_any_seal_is_read(tmp_path, content):
    (tmp_path / digests.SEAL).write_bytes(content)
    (tmp_path / "a").write_text("")
    assert isinstance(digests.unsound(tmp_path), str)


@pytest.mark.filterwarnings("ignore:The rows in")
@often
@given(rows=ANYTHING, counts=ANYTHING)
def test_any_kept_rows_are_read(tmp_path, rows, counts):
    (tmp_path / "a.jsonl").write_bytes(rows)
    (tmp_path / "a.json").write_bytes(counts)
    assert artifacts.rows(tmp_path / "a.jsonl") is None


@often
@given(content=ANYTHING)
def test_any_index_of_weights_is_read(tmp_path, content):
    (tmp_path / checkpoints.INDEX).write_bytes(content)
    with pytest.raises(InputError):
        checkpoints.weights(tmp_path)


@often
@given(name=st.text(max_size=300))
def test_any_name_is_a_folder_or_none(name):
    try:
        checkpoints.is_folder(name)
        checkpoints.parameters(name)
    except InputError:
        pass


def test_a_sound_model_is_taken(model):
    assert _checked(model)
