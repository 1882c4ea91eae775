"""Models and rows that are kept: damaged ones are made again, leftovers go, a full disk is one message."""

import errno
import json
import os
import resource
import signal
import threading

import pytest
import torch
from safetensors import SafetensorError

from sublearn.errors import InputError
from sublearn.files import digests
from sublearn.language import artifacts, models
from sublearn.language.base import bases_folder, pretrained, untrained
from sublearn.language.plans import BasePlan
from tests.language import chat
from tests.pipes import pipe

PLAN = BasePlan(width=16, heads=2, inner=32, steps=1, batch=2)
PAIRS = [("Go on: 1, 2", "3, 4")]
COUNTS = {"asked": 2, "kept": 1, "pass_rate": 0.5, "rejected": {"format": 1}, "kl_to_base": 0.1}


@pytest.fixture
def tiny(dialogue):
    return untrained(PLAN, len(dialogue.tokenizer), 0)


def same(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_kept_model_is_made_once_and_read_back(tmp_path, tiny, dialogue):
    made = []

    def make():
        made.append(1)
        return tiny

    models_read = [artifacts.model(tmp_path / "a/m", make, dialogue.tokenizer) for _ in range(2)]
    assert len(made) == 1
    assert all(same(tiny, model) and model is not tiny for model in models_read)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["m"]


DAMAGE = {
    "no weights": lambda folder: (folder / chat.WEIGHTS).unlink(),
    "zeroed": lambda folder: (folder / chat.WEIGHTS).write_bytes(bytes((folder / chat.WEIGHTS).stat().st_size)),
    "cut short": lambda folder: os.truncate(folder / chat.WEIGHTS, 1000),
    "empty": lambda folder: os.truncate(folder / chat.WEIGHTS, 0),
    "garbage": lambda folder: (folder / chat.WEIGHTS).write_bytes(b"garbage"),
    "a pipe": lambda folder: ((folder / chat.WEIGHTS).unlink(), pipe(folder / chat.WEIGHTS)),
    "another configuration": chat.config(n_layer=1),
    "no configuration": lambda folder: (folder / chat.CONFIG).unlink(),
    "a configuration of 3": chat.text(chat.CONFIG, "3"),
    "another tokenizer": chat.text("tokenizer.json", "{}"),
    "no digests, as of version 0.1.0": lambda folder: (folder / digests.SEAL).unlink(),
    "digests of garbage": chat.text(digests.SEAL, "garbage"),
    "other weights": chat.weights(lambda tensors: next(iter(tensors.values())).fill_(0.5)),
    "a file of somebody else's": chat.text("adapter_config.json", "{}"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_model_is_made_again_with_one_warning(case, tmp_path, tiny, dialogue):
    artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    DAMAGE[case](tmp_path / "m")
    with pytest.warns(UserWarning, match="is made again") as told:
        again = artifacts.model(tmp_path / "m", lambda: tiny, dialogue.tokenizer)
    assert len(told) == 1
    assert same(again, tiny)
    assert digests.unsound(tmp_path / "m") is None
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_an_unfinished_model_is_not_taken_for_a_whole_one(tmp_path, tiny, dialogue, monkeypatch):
    def interrupted(folder):
        assert (folder / chat.WEIGHTS).exists()
        assert not (tmp_path / "m").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(digests, "seal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["file", "link", "link to nothing"])
def test_what_stands_in_the_way_stays(way, tmp_path, tiny, dialogue):
    folder, target = tmp_path / "m", tmp_path / "target"
    target.mkdir()
    folder.write_text("mine") if way == "file" else folder.symlink_to(target if way == "link" else tmp_path / "absent")
    with pytest.raises(InputError, match="no folder of ours"):
        artifacts.put(tiny, dialogue.tokenizer, folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "target"]
    assert list(target.iterdir()) == []


def test_where_another_was_first_its_model_stays(tmp_path, tiny, dialogue):
    artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    before = (tmp_path / "m" / chat.WEIGHTS).stat().st_ino
    artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    assert (tmp_path / "m" / chat.WEIGHTS).stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("damaged", [False, True])
def test_two_that_make_the_same_at_once_both_end_well(damaged, tmp_path, tiny, dialogue):
    if damaged:
        artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
        (tmp_path / "m" / chat.WEIGHTS).write_bytes(b"")
    together, failures = threading.Barrier(2), []

    def put():
        together.wait()
        try:
            artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=put) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert digests.unsound(tmp_path / "m") is None
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


RAISED = {
    "safetensors": SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    "safetensors 0.5": SafetensorError("Error while serializing: IoError(Os { code: 28, kind: StorageFull })"),
    "tokenizers": Exception("No space left on device (os error 28)"),
    "Python": OSError(errno.ENOSPC, "No space left on device"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
}


@pytest.mark.parametrize("case", RAISED)
def test_a_full_disk_is_one_message_and_leaves_nothing(case, tmp_path, tiny, dialogue, monkeypatch):
    def full(*_, **__):
        raise RAISED[case]

    monkeypatch.setattr(type(tiny), "save_pretrained", full)
    with pytest.raises(InputError, match="The disk is full"):
        artifacts.model(tmp_path / "m", lambda: tiny, dialogue.tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_files_that_may_not_grow_are_a_full_disk(tmp_path, tiny, dialogue):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        with pytest.raises(InputError, match="The disk is full"):
            artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_other_failures_are_not_called_a_full_disk(tmp_path, tiny, dialogue, monkeypatch):
    monkeypatch.setattr(type(tiny), "save_pretrained", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_go_and_nothing_else(tmp_path):
    ours = [tmp_path / "m" / f".sublearn-{'0123456789abcdef'}.{kind}" for kind in ("folder", "part")]
    others = [
        "mine",
        ".sublearn-mine.folder",
        ".sublearn-0123456789abcdef.folder.bak",
        ".sublearn-0123456789ABCDEF.part",
    ]
    for path in (ours[0], *(tmp_path / name for name in others)):
        path.mkdir(parents=True)
        (path / "file").write_text("")
    ours[1].write_text("")
    (tmp_path / ".sublearn-0123456789abcdee.folder").symlink_to(tmp_path / "mine")
    artifacts.clear_leftovers(tmp_path, older=artifacts.HOUR)
    assert all(path.exists() for path in ours)
    artifacts.clear_leftovers(tmp_path)
    assert not any(path.exists() for path in ours)
    assert {path.name for path in tmp_path.iterdir()} == {*others, "m", ".sublearn-0123456789abcdee.folder"}
    assert all((tmp_path / name / "file").exists() for name in others)


def test_bases_clear_what_is_left_of_an_hour_ago(dialogue, tmp_path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path))
    old, young = (bases_folder() / f".sublearn-{letter * 16}.folder" for letter in "ab")
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    base = pretrained(PLAN, dialogue, 0)
    assert not old.exists()
    assert young.exists()
    (folder,) = (path for path in bases_folder().iterdir() if path != young)
    (folder / chat.WEIGHTS).write_bytes(bytes(100))
    with pytest.warns(UserWarning, match="is made again"):
        assert same(pretrained(PLAN, dialogue, 0), base)


def test_rows_are_kept_with_what_was_counted(tmp_path):
    assert artifacts.rows(tmp_path / "a.jsonl") is None
    artifacts.put_rows(tmp_path / "a.jsonl", PAIRS, COUNTS)
    assert artifacts.rows(tmp_path / "a.jsonl") == (PAIRS, COUNTS)
    without = {key: value for key, value in COUNTS.items() if key != "kl_to_base"}
    artifacts.put_rows(tmp_path / "b.jsonl", [], without)
    assert artifacts.rows(tmp_path / "b.jsonl") == ([], without)


DAMAGED_ROWS = {
    "edited": lambda rows, counts: rows.write_text(rows.read_text().replace("3", "5")),
    "cut short": lambda rows, counts: os.truncate(rows, 10),
    "garbage": lambda rows, counts: rows.write_bytes(b"\xff\xfe"),
    "no counts": lambda rows, counts: counts.unlink(),
    "counts of garbage": lambda rows, counts: counts.write_text("garbage"),
    "a list of counts": lambda rows, counts: counts.write_text("[]"),
    "counts of text": lambda rows, counts: counts.write_text(
        json.dumps(json.loads(counts.read_text()) | {"kept": "x"})
    ),
    "counts of version 0.1.0": lambda rows, counts: counts.write_text(json.dumps(COUNTS)),
    "a pipe": lambda rows, counts: (rows.unlink(), pipe(rows)),
}


@pytest.mark.parametrize("case", DAMAGED_ROWS)
def test_damaged_rows_are_written_again_with_one_warning(case, tmp_path):
    rows = tmp_path / "a.jsonl"
    artifacts.put_rows(rows, PAIRS, COUNTS)
    DAMAGED_ROWS[case](rows, rows.with_suffix(".json"))
    with pytest.warns(UserWarning, match="are written again") as told:
        assert artifacts.rows(rows) is None
    assert len(told) == 1


def test_a_read_model_only_answers(tmp_path, tiny, dialogue):
    artifacts.put(tiny, dialogue.tokenizer, tmp_path / "m")
    model = models.read(tmp_path / "m")
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.data_ptr() % 64 == 0 for parameter in model.parameters())
