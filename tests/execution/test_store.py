import errno
import json
import os
import shutil
import stat
import warnings
from pathlib import Path

import pytest

from sublearn.errors import InputError, SublearnError
from sublearn.execution import store
from sublearn.records import Record
from sublearn.study.table import build

STUDY = build("tutorial")
RUNTIME = {"device": "cpu", "precision": "highest", "engine": "local"}


def rows(seed: int) -> list[Record]:
    return [
        Record(study=STUDY.id, arm=arm.name, seed=seed, trait=trait.name, value=0.5, n=200)
        for arm in STUDY.arms
        for trait in STUDY.traits
    ]


def write(folder, *seeds: int):
    with store.writing(folder, STUDY, RUNTIME, "command") as writer:
        for seed in seeds:
            writer.add(rows(seed))
    return store.load(folder)


def complete(folder) -> set[int]:
    """The seeds that a run directory has, which is mended for it."""
    found = store.mended(folder, STUDY, RUNTIME)
    return found.complete_seeds() if found else set()


def test_what_was_added_comes_back(tmp_path):
    run = write(tmp_path / "run", 3, 5)
    assert list(run.records) == rows(3) + rows(5)
    assert run.complete_seeds() == {3, 5}
    assert run.study == STUDY
    assert run.manifest.runtime == RUNTIME
    assert run.manifest.versions["torch"]


def test_a_record_is_never_counted_twice(tmp_path):
    write(tmp_path, 3)
    assert len(write(tmp_path, 3, 4).records) == 16


def test_half_a_seed_is_not_complete_and_is_filled_up(tmp_path):
    with store.writing(tmp_path, STUDY, RUNTIME, "c") as writer:
        writer.add(rows(3)[:5])
    assert store.load(tmp_path).complete_seeds() == set()
    assert write(tmp_path, 3).complete_seeds() == {3}


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_torn_last_record_is_dropped_with_a_warning(tmp_path, cut):
    write(tmp_path, 3, 4)
    path = tmp_path / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.warns(UserWarning, match="torn"):
        run = store.load(tmp_path)
    assert len(run.records) == 15
    with pytest.warns(UserWarning, match="dropped and will be run again"):
        assert len(write(tmp_path, 4).records) == 16


def test_every_prefix_of_a_file_can_be_gone_on_with(tmp_path):
    whole = write(tmp_path / "whole", 3, 4)
    content = (tmp_path / "whole" / "records.jsonl").read_bytes()
    for cut in range(0, len(content), 37):
        folder = tmp_path / str(cut)
        write(folder)
        (folder / "records.jsonl").write_bytes(content[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert set(write(folder, 3, 4).records) == set(whole.records)


@pytest.mark.parametrize("damage", ["not json\n", '{"study": "x"}\n', "first line again"])
def test_damage_in_the_middle_names_the_line_and_changes_nothing(tmp_path, damage):
    write(tmp_path, 3)
    path = tmp_path / "records.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[0] if damage == "first line again" else damage
    path.write_text("".join(lines))
    for attempt in (lambda: store.load(tmp_path), lambda: write(tmp_path, 4)):
        with pytest.raises(InputError, match="line 3 is damaged"):
            attempt()
    assert path.read_text() == "".join(lines)


def test_a_full_disk_leaves_whole_records_and_says_so(tmp_path, monkeypatch):
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) < 600:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, content[: len(content) // 2])

    write(tmp_path, 3)
    with monkeypatch.context() as patch, pytest.raises(InputError, match="disk is full"):
        patch.setattr(os, "write", full)
        write(tmp_path, 4)
    assert list(store.load(tmp_path).records) == rows(3)
    assert list(write(tmp_path, 4).records) == rows(3) + rows(4)


def test_a_second_writer_is_refused(tmp_path):
    with (
        store.writing(tmp_path, STUDY, RUNTIME, "c"),
        pytest.raises(InputError, match="Another process"),
        store.writing(tmp_path, STUDY, RUNTIME, "c"),
    ):
        pass


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    other = build("tutorial", {"student.lr": 1e-2})
    write(tmp_path / "run", 3)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "thesis.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for folder, study, runtime, message in (
        ("run", other, RUNTIME, "another study"),
        ("run", STUDY, RUNTIME | {"precision": "medium"}, "--precision"),
        ("files", STUDY, RUNTIME, "holds other files"),
        ("file", STUDY, RUNTIME, "is a file"),
        ("file/below", STUDY, RUNTIME, "Cannot write"),
    ):
        with pytest.raises(InputError, match=message), store.writing(tmp_path / folder, study, runtime, "c"):
            pass
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["thesis.txt"]


@pytest.mark.parametrize("change", [{"id": "other"}, {"study": {}}, {"versions": None, "runtime": None}])
def test_an_edited_manifest_is_refused(tmp_path, change):
    write(tmp_path, 3)
    path = tmp_path / "study.json"
    manifest = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}))
    with pytest.raises(InputError):
        store.load(tmp_path)


def test_a_file_that_cannot_be_opened_is_one_message(tmp_path, monkeypatch):
    write(tmp_path, 3)
    real = os.open

    def closed(path, flags: int, *rest: int) -> int:
        if flags & os.O_APPEND:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", closed)
    with pytest.raises(InputError, match=r"Cannot write .*records\.jsonl: Permission denied"):
        write(tmp_path, 4)


def test_a_file_system_that_cannot_flush_folders_will_do(tmp_path, monkeypatch):
    real = os.fsync

    def flush(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", flush)
    assert len(write(tmp_path, 3).records) == 8


def test_a_shard_that_comes_while_another_fills_the_folder_joins_in(tmp_path, monkeypatch):
    write(tmp_path / "whole", 3)
    out = tmp_path / "run"
    out.mkdir()
    real = Path.iterdir

    def filled(folder: Path):
        if folder == out and not (out / "study.json").exists():
            shutil.copytree(tmp_path / "whole", out, dirs_exist_ok=True)
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", filled)
    with store.writing(out, STUDY, RUNTIME, "c", "2of2") as writer:
        assert writer.done == {3}


def test_another_study_is_named_with_the_version_that_it_was_begun_with(tmp_path):
    write(tmp_path, 3)
    path = tmp_path / "study.json"
    manifest = json.loads(path.read_text())
    manifest["versions"]["sublearn"] = "0.0.1"
    path.write_text(json.dumps(manifest))
    other = build("tutorial", {"student.lr": 1e-2})
    message = rf"begun with sublearn 0\.0\.1; .* of sublearn {store.versions()['sublearn']}"
    with pytest.raises(InputError, match=message), store.writing(tmp_path, other, RUNTIME, "c"):
        pass


def test_a_run_is_finished_when_every_record_of_its_seeds_is_there(tmp_path):
    assert store.mended(tmp_path / "none", STUDY, RUNTIME) is None
    assert not (tmp_path / "none").exists()
    write(tmp_path, 3, 4)
    found = store.mended(tmp_path, STUDY, RUNTIME)
    assert found is not None and list(found.records) == rows(3) + rows(4)
    assert found.complete_seeds() == {3, 4}
    with store.writing(tmp_path, STUDY, RUNTIME, "c") as writer:
        writer.add(rows(5)[:-1])
    assert complete(tmp_path) == {3, 4}


def test_a_finished_run_is_refused_as_one_that_goes_on(tmp_path):
    write(tmp_path, 3)
    with pytest.raises(InputError, match="another study"):
        store.mended(tmp_path, build("tutorial", {"student.lr": 1e-2}), RUNTIME)
    with pytest.raises(InputError, match="--precision"):
        store.mended(tmp_path, STUDY, {"precision": "medium"})
    with store.writing(tmp_path, STUDY, RUNTIME, "c"), pytest.raises(InputError, match="Another process"):
        store.mended(tmp_path, STUDY, RUNTIME)


def test_a_torn_record_is_run_again_and_then_the_run_is_finished(tmp_path):
    write(tmp_path, 3)
    path = tmp_path / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="dropped and will be run again"):
        assert complete(tmp_path) == set()
    assert complete(tmp_path) == set()  # without a warning
    write(tmp_path, 3)
    assert complete(tmp_path) == {3}


@pytest.mark.parametrize("end", [b"", b"\0" * 4096])
def test_only_a_line_without_its_end_that_began_as_a_record_is_torn(tmp_path, end):
    write(tmp_path, 3, 4)
    path = tmp_path / "records.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-20] + end)
    with pytest.warns(UserWarning, match="torn"):
        assert len(store.load(tmp_path).records) == 15
    for damage in (b"x" * 40, b'{"study":"another', b'{"study": "tutorial', b"}\n\0\0"):
        path.write_bytes(content[: content.rindex(b"{")] + damage)
        for attempt in (lambda: store.load(tmp_path), lambda: write(tmp_path, 5)):
            with pytest.raises(InputError, match="line 16 is damaged"):
                attempt()
        assert path.read_bytes().endswith(damage)


REMOVALS = {
    "removed": lambda path: path.unlink(),
    "removed with its folder": lambda path: shutil.rmtree(path.parent),
    "replaced by a copy": lambda path: (shutil.copy(path, path.parent / "copy"), (path.parent / "copy").replace(path)),
    "cut": lambda path: os.truncate(path, 100),
    "added to": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_records_that_somebody_removes_during_a_run_are_noticed(tmp_path, how):
    folder = tmp_path / "run"
    with pytest.raises(SublearnError, match="removed or changed") as caught, at_work(folder) as writer:
        writer.add(rows(3))
        REMOVALS[how](folder / "records.jsonl")
        writer.add(rows(4))
    assert not isinstance(caught.value, InputError)
    assert not (folder / "records.jsonl").exists() or b'"seed":4' not in (folder / "records.jsonl").read_bytes()


@pytest.mark.parametrize("how", REMOVALS)
def test_records_that_somebody_removes_at_the_end_of_a_run_are_noticed(tmp_path, how):
    folder = tmp_path / "run"
    with pytest.raises(SublearnError, match="removed or changed"), at_work(folder) as writer:
        writer.add(rows(3))
        REMOVALS[how](folder / "records.jsonl")


def test_records_that_somebody_puts_there_before_the_first_one_are_noticed(tmp_path):
    with pytest.raises(SublearnError, match="removed or changed"), at_work(tmp_path) as writer:
        (tmp_path / "records.jsonl").write_text("")
        writer.add(rows(3))


def test_a_manifest_that_somebody_removes_during_a_run_is_noticed(tmp_path):
    with pytest.raises(SublearnError, match=r"study\.json was removed"), at_work(tmp_path) as writer:
        writer.add(rows(3))
        (tmp_path / "study.json").unlink()


def test_what_was_removed_is_run_again(tmp_path):
    with pytest.raises(SublearnError), at_work(tmp_path) as writer:
        writer.add(rows(3))
        (tmp_path / "records.jsonl").unlink()
    assert write(tmp_path, 3, 4).complete_seeds() == {3, 4}


def test_planted_links_are_not_followed(tmp_path):
    write(tmp_path / "run", 3)
    other = tmp_path / "precious"
    other.write_bytes((tmp_path / "run" / "records.jsonl").read_bytes()[:-10])
    (tmp_path / "run" / "records.jsonl").unlink()
    (tmp_path / "run" / "records.jsonl").symlink_to(other)
    before = other.read_bytes()
    with pytest.raises(InputError, match="is a link"), pytest.warns(UserWarning, match="torn"):
        write(tmp_path / "run", 4)
    assert other.read_bytes() == before


def at_work(folder):
    return store.writing(folder, STUDY, RUNTIME, "command")
