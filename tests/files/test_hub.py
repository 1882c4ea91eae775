"""Names on the hub, with a cache as huggingface_hub leaves one, and a hub that is played."""

import shutil
from types import SimpleNamespace

import huggingface_hub
import pytest

import sublearn
from sublearn.errors import InputError
from sublearn.files import hub
from sublearn.study.numbers.identity import folder_of
from sublearn.study.numbers.spec import Settings
from sublearn.study.table import build, settings_of
from tests.language import chat


def prepare(study) -> None:
    """What a run does before anything is written."""
    study.designed.prepare()


OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds one model at one commit, which is its main."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    where = tmp_path / "models--me--model"
    shutil.copytree(chat.sound(), where / "snapshots" / OLD)
    (where / "refs").mkdir()
    (where / "refs/main").write_text(OLD)
    return where


@pytest.fixture
def asked(cache, monkeypatch):
    """A hub on which main has moved on; what it is asked for."""
    questions = []

    def model_info(_, name, revision, timeout):
        questions.append((name, revision))
        if name != "me/model":
            raise OSError("404, no such model")
        return SimpleNamespace(sha=NEW)

    def download(name, file, revision):
        questions.append((name, file, revision))
        shutil.copytree(chat.sound(), cache / "snapshots" / NEW, dirs_exist_ok=True)
        (cache / "refs" / revision).write_text(NEW)
        return str(cache / "snapshots" / NEW / file)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return questions


def test_what_the_cache_holds_is_taken_without_asking(cache, asked):
    assert hub.commit("me/model") == hub.commit("me/model", "main") == OLD
    assert hub.folder("me/model") == hub.folder("me/model", OLD) == cache / "snapshots" / OLD
    assert asked == []


def test_a_commit_needs_no_asking():
    assert hub.commit("nobody/nothing", NEW) == NEW


def test_another_revision_is_asked_for_and_then_known(asked):
    assert hub.commit("me/model", "v2") == NEW
    assert asked == [("me/model", "v2"), ("me/model", "config.json", "v2")]
    assert hub.commit("me/model", "v2") == NEW
    assert len(asked) == 2


def test_a_name_that_the_hub_does_not_know_is_one_message(asked):
    with pytest.raises(InputError, match=r"no model folder nobody/nothing, .* cannot be had: 404, no such model\."):
        hub.commit("nobody/nothing")


@pytest.mark.parametrize("damage", ["no weights", "cut short"])
def test_a_commit_that_is_not_there_whole_is_downloaded(damage, cache, monkeypatch):
    there, wanted = cache / "snapshots" / OLD, []
    if damage == "no weights":
        (there / chat.WEIGHTS).unlink()
    else:
        shutil.rmtree(there)

    def download(name, revision, **given):
        wanted.append((name, revision, given["allow_patterns"]))
        return str(shutil.copytree(chat.sound(), there, dirs_exist_ok=True))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert hub.folder("me/model", OLD) == there
    ((name, revision, patterns),) = wanted
    assert (name, revision) == ("me/model", OLD)
    assert not any(pattern.endswith((".bin", ".pt", ".py")) for pattern in patterns)


def test_without_a_network_what_is_missing_is_one_message(cache):
    (cache / "snapshots" / OLD / chat.WEIGHTS).unlink()
    with pytest.raises(InputError, match="cannot be had"):
        hub.folder("me/model")


def test_the_commit_is_part_of_the_study_and_the_one_that_is_loaded(cache, asked):
    study = build("numbers", {"model": "me/model"})
    settings = settings_of(study)
    assert isinstance(settings, Settings)
    assert settings.bring.digests == {"model": OLD}
    newer = build("numbers", {"model": "me/model@v2"})
    assert newer.id != study.id != build("numbers").id
    (cache / "refs/main").write_text(NEW)
    assert folder_of(settings, "model") == cache / "snapshots" / OLD
    assert build("numbers", {"model": "me/model"}).id != study.id


def test_a_name_runs_as_its_folder_does(cache, tmp_path):
    settings = {"arms": ["reference"], "sampled": 0}
    named = build("numbers", settings | {"model": "me/model"})
    prepare(named)
    same = build("numbers", settings | {"model": str(cache / "snapshots" / OLD)})
    values = [[record.value for record in sublearn.run(study, [0]).records] for study in (named, same)]
    assert values[0] == values[1]
