"""Run directories: a study's manifest and its records, appended and never lost. It keeps what it is given; it computes
nothing and imports no torch.
"""

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

import numpy as np
from pydantic import ValidationError

from sublearn import signals
from sublearn.columns import Columns, read_clean
from sublearn.errors import InputError, SublearnError, plain, quoted
from sublearn.execution.manifests import STUDY_FILE, SWEEP_FILE, StudyManifest, begun_with, read_study, read_sweep
from sublearn.files.appending import Appending
from sublearn.files.folders import check_out_folder, has_manifest, locked
from sublearn.files.reading import file_bytes, first_problem
from sublearn.files.writing import replace_text
from sublearn.records import Record
from sublearn.study.base import Study, misfits
from sublearn.study.identity import changes, id_of

MANIFEST, RECORDS, ALL_RECORDS = STUDY_FILE, "records.jsonl", "records*.jsonl"
PACKAGES = ("sublearn", "torch", "numpy", "scipy", "scikit-learn")
LANGUAGE_PACKAGES = ("transformers", "tokenizers", "peft", "trl")
LARGEST_RECORDS = 1 << 34
"""Bytes of one file of records."""
MOST_DIFFERENCES = 6
"""Differences of two studies that a message names."""
Key = tuple[str, int, str]


@dataclass(frozen=True)
class Run:
    """One run directory: where it is, the study that it answers, how it was made, and its records."""

    path: Path
    study: Study
    manifest: StudyManifest
    records: Columns

    def complete_seeds(self) -> set[int]:
        """Seeds with a record of every arm and trait."""
        wanted = {(arm.name, trait.name) for arm in self.study.arms for trait in self.study.traits}
        own = self.records.of_kinds([(kind.arm, kind.trait) in wanted for kind in self.records.kinds])
        seeds, counts = np.unique(self.records.seed[own > 0], return_counts=True)
        return set(seeds[counts == len(wanted)].tolist())


def versions() -> dict[str, str]:
    """The versions that a result depends on, read without importing them; of the extra `llm`, what is installed."""
    found = {"python": python_version()}
    for package in (*PACKAGES, *LANGUAGE_PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                found[package] = "absent"
    return found


def load(path: Path | str) -> Run:
    """Read a run directory. A torn last record is left out with a warning; damage before it is an InputError."""
    return _read_run(Path(path))


@contextmanager
def writing(
    path: Path | str,
    study: Study,
    runtime: Mapping[str, str],
    command: str,
    shard: str | None = None,
    made_with: Mapping[str, str] | None = None,
) -> Iterator["Writer"]:
    """Open a run directory for adding records; made if it is not there, resumed if it holds the same study.

    A named `shard` (as "3of8") adds to a file of its own, beside other shards. A new manifest names the versions that
    the records are `made_with`, by default today's. Raises InputError if the folder holds
    another study, other files or another precision, cannot be written, or is being written by another process; and
    SublearnError if somebody else removes or changes its files meanwhile.
    """
    folder = Path(path)
    check(folder, study, runtime)
    with locked(folder, shard):
        if not (folder / MANIFEST).exists():
            source = study.source.to_dict() if study.source else None
            parts = {
                "versions": dict(made_with or versions()),
                "runtime": dict(runtime),
                "command": command,
                "source": source,
            }
            made = StudyManifest(id=study.id, study=study, **parts)
            replace_text(folder / MANIFEST, json.dumps(made.model_dump(mode="json"), indent=2) + "\n")
        file = folder / (RECORDS if shard is None else _own_files(shard))
        writer = Writer(file, _read_run(folder, _own_files(shard)))
        yield writer
        writer.check()


def mended(path: Path | str, study: Study, runtime: Mapping[str, str], shard: str | None = None) -> Run | None:
    """What a run directory holds, refused, mended and locked as by `writing`; None if it is not there yet.

    Warns where another version began it.
    """
    folder = Path(path)
    check(folder, study, runtime)
    if not (folder / MANIFEST).exists():
        return None
    with locked(folder, shard):
        run = _read_run(folder, _own_files(shard))
        _name_what_changed(folder, study)
        return run


class Writer:
    """Adds records to one file of a run directory; what `add` returned from is on the disk."""

    def __init__(self, file: Path, run: Run) -> None:
        self._file = Appending(file)
        self.done = run.complete_seeds()
        # Whole seeds are kept as numbers alone, so that the memory of a long run stays small.
        begun = ~np.isin(run.records.seed, list(self.done))
        self._parts = {_key(record) for record in run.records.take(begun)}
        self._a_seed = len(run.study.arms) * len(run.study.traits)

    def add(self, records: Iterable[Record]) -> None:
        """Append the records that are not there yet, in one write, flushed to the disk before it counts."""
        new = [record for record in records if record.seed not in self.done and _key(record) not in self._parts]
        text = "".join(record.model_dump_json() + "\n" for record in new)
        if text:
            with signals.unbroken():
                self._file.add(text.encode())
        self._parts |= {_key(record) for record in new}
        counts = Counter(seed for _, seed, _ in self._parts)
        self.done |= {seed for seed, count in counts.items() if count == self._a_seed}
        self._parts = {key for key in self._parts if key[1] not in self.done}

    def check(self) -> None:
        """Raise SublearnError if what was written is no longer there."""
        self._file.check()
        if not self._file.path.with_name(MANIFEST).exists():
            raise SublearnError(f"{self._file.path.with_name(MANIFEST)} was removed by somebody else meanwhile.")


def check(folder: Path, study: Study, runtime: Mapping[str, str]) -> None:
    """Raise InputError unless records of the study can be written into the folder. It writes nothing.

    The folder is new or empty, or a run directory of the same study and precision.
    """
    check_out_folder(folder)
    if not folder.is_dir() or not has_manifest(folder, MANIFEST):
        return
    manifest = read_study(folder)
    if not manifest.study.asks_what(study):
        made = f"{quoted(manifest.id)}, begun with sublearn {begun_with(manifest)}"
        raise InputError(
            f"{folder} holds another study: {made}; this is {study.id} of sublearn {versions()['sublearn']}. "
            f"{_differences(manifest.study, study)} Choose another --out, or ask what was asked."
        )
    if changed := _changed_file(manifest, study):
        raise InputError(
            f"{folder}: {changed}, so that further runs may not be like those that are there. Put the file back as it "
            "was, or choose another --out."
        )
    made, now = manifest.runtime.get("precision"), runtime.get("precision")
    if made != now:
        raise InputError(f"{folder} was made with --precision {quoted(made)}, not {now}. Choose another --out.")


def known_as(study: Study, folder: Path) -> Study:
    """The study under the id that its records bear in a run directory, which may be an earlier version's."""
    if not os.path.exists(folder / MANIFEST):  # unlike a path's own, it takes any name
        return study
    there = read_study(folder)
    return study.known_as(there.id) if there.study.asks_what(study) else study


def known_in(out: Path) -> dict[str, str]:
    """The ids of the run directories of a sweep that an earlier version began, by what each id would be now."""
    if not os.path.exists(out / SWEEP_FILE) or (sweep := read_sweep(out)).format is not None:
        return {}
    known: dict[str, str] = {}
    for folder in sorted(file.parent for file in out.glob(f"{sweep.study}-*/{MANIFEST}")):
        there = read_study(folder)
        if there.id != folder.name:
            raise InputError(f"{folder} holds another study: {quoted(there.id)}. Move it out of the sweep.")
        known[id_of(there.study.model_dump(mode="json"))] = there.id
    return known


def _differences(before: Study, now: Study) -> str:
    if before.name != now.name:
        return ""
    said = changes(before.model_dump(mode="json"), now.model_dump(mode="json"))
    more = f"; and {len(said) - MOST_DIFFERENCES} more" if len(said) > MOST_DIFFERENCES else ""
    return f"What differs: {'; '.join(said[:MOST_DIFFERENCES])}{more}."


def _changed_file(manifest: StudyManifest, study: Study) -> str | None:
    """What to say of a guest's file that is no longer what it was when the folder was begun."""
    before, now = manifest.source or {}, study.source.to_dict() if study.source else {}
    if "sha256" not in before or "sha256" not in now or before["sha256"] == now["sha256"]:
        return None
    digests = f"its SHA-256 was {plain(before['sha256'][:12])} and is {now['sha256'][:12]}"
    return f"{now['file']} was changed since the first of its runs ({digests})"


def _own_files(shard: str | None) -> str:
    """The pattern of the files that a shard may mend; without shards all of them."""
    return ALL_RECORDS if shard is None else f"records-{shard}.jsonl"


def _key(record: Record) -> Key:
    return record.arm, record.seed, record.trait


def _read_run(folder: Path, own: str = "") -> Run:
    """A run directory; a torn last record is cut off the files that match `own`, and left out of others."""
    manifest = read_study(folder)
    files = sorted(folder.glob(ALL_RECORDS))
    parts = []
    for file in files:
        records, torn = _read_records(file, manifest.study)
        parts.append(records)
        if torn is not None and own and file.match(own):
            warnings.warn(f"The last record in {file} was torn; it is dropped and will be run again.", stacklevel=4)
            Appending(file).cut(torn)
        elif torn is not None:
            warnings.warn(f"The last record in {file} is torn; it is left out.", stacklevel=3)
    return Run(folder, manifest.study, manifest, _joined(files, parts))


def _joined(files: Sequence[Path], parts: Sequence[Columns]) -> Columns:
    """The records of all files, each once. Raises InputError where two files say different things."""
    records = Columns.joined(parts)
    again = records.repeated() if len(parts) > 1 else []  # within a file nothing is repeated, or it is not read
    for first, later in again:
        if records[first] != records[later]:
            place = int(np.searchsorted(np.cumsum([len(part) for part in parts]), later, side="right"))
            raise InputError(
                f"{files[place]} says another value of {_key(records[later])} than a file before it. Keep one of them."
            )
    return records.take(np.delete(np.arange(len(records)), [later for _, later in again])) if again else records


def _read_records(path: Path, study: Study) -> tuple[Columns, int | None]:
    """The records of a file and the offset of a torn last one, if it is torn."""
    content = file_bytes(path, "the records", LARGEST_RECORDS)
    whole = content.rfind(b"\n") + 1
    records = _clean_records(content[:whole], study)
    if records is None:
        records = _checked_records(path, content[:whole], study)
    if whole == len(content):
        return records, None
    if not _could_go_on(content[whole:], study):
        raise _damage(path, content[:whole].count(b"\n") + 1, "it is no record")
    return records, whole


def _could_go_on(end: bytes, study: Study) -> bool:
    """Whether a line without its end is the beginning of a record, which some file systems fill up with zeros."""
    start, own = end.rstrip(b"\0"), f'{{"study":{json.dumps(study.id)},"arm":'.encode()
    return start.startswith(own) or own.startswith(start)


def _clean_records(content: bytes, study: Study) -> Columns | None:
    """The records of whole lines, if none of them has a flaw."""
    records = read_clean(content)
    if records is None or records.repeated():
        return None
    misfit = misfits(study)
    try:
        # What holds of the least and the greatest numbers of like records holds of all of them.
        return None if any(misfit(record) for record in records.extremes()) else records
    except ValidationError:
        return None


def _checked_records(path: Path, content: bytes, study: Study) -> Columns:
    """The same record by record, to say which line is damaged."""
    records: dict[Key, Record] = {}
    misfit = misfits(study)
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            record = Record.model_validate_json(line)
        except ValidationError as error:
            raise _damage(path, number, f"it is no record ({first_problem(error).removesuffix('.')})") from None
        flaw = "it repeats an earlier record" if _key(record) in records else misfit(record)
        if flaw:
            raise _damage(path, number, flaw)
        records[_key(record)] = record
    return Columns.of(records.values())


def _damage(path: Path, line: int, flaw: str) -> InputError:
    return InputError(f"{path}, line {line} is damaged: {flaw}. Nothing was changed.")


def _name_what_changed(folder: Path, study: Study) -> None:
    """Say of a folder that is resumed what has changed since it was begun, though nothing that results depend on.

    Without the folder's name, so that a sweep of many says it once.
    """
    manifest = read_study(folder)
    made, now = begun_with(manifest), versions()["sublearn"]
    if made != now:
        warnings.warn(f"What is there was begun with sublearn {made}; this is sublearn {now}.", stacklevel=4)
    before, source = manifest.source or {}, study.source.to_dict() if study.source else {}
    if "package" in before and "package" in source and before != source:
        then, today = (f"{one['package']} {plain(one.get('version', ''), 60)}" for one in (before, source))
        warnings.warn(f"What is there was begun with {plain(then, 100)}; this is {today}.", stacklevel=4)
    if manifest.study != study:
        warnings.warn("What is there was begun with other texts; settings, arms and claims are the same.", stacklevel=4)
