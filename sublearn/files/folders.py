"""Folders that commands write into: whose they are, and that one process at a time writes there.

Knows the names of manifests and locks; what is in a manifest it does not know.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sublearn.errors import InputError, quoted
from sublearn.files.writing import (
    BESIDE,
    NO_LINK,
    Replaces,
    anything,
    check_folder,
    check_target,
    check_within,
    clear_leftovers,
)

STUDY_FILE, LOCK = "study.json", ".lock"
WHOLE = "1of1"
"""The share of a writer that is alone: all of the work."""
TURN_S = 30
"""How long to wait for one's turn to look who is at work, which takes others milliseconds."""


@contextmanager
def locked(folder: Path, shard: str | None = None) -> Iterator[None]:
    """Keep other writers out of a folder, which is made if it is not there; shards keep out all but shards of their n.

    The locks are advisory ones, which end with their process and which network file systems keep too. Raises InputError
    if the folder cannot be written or locked, or somebody else has it.
    """
    share = shard or WHOLE
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as turn:
                _lock(turn, folder / LOCK, TURN_S)
                _lock(held, folder / f"{LOCK}-{share}")
                _refuse_other_shares(folder, share)
            if share == WHOLE:
                clear_leftovers(folder)
                clear_leftovers(folder / "figures")
        except Timeout:
            raise InputError(f"Another process is writing to {folder}. Wait for it, or choose another --out.") from None
        except OSError as error:
            raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another --out.") from None
        yield


@contextmanager
def made_by(
    command: str, folder: Path, manifests: Mapping[str, Replaces], files: Mapping[str, Replaces]
) -> Iterator[None]:
    """Hold the folder that a command writes its `manifests`, other `files` and run directories into.

    Raises InputError, before anything is written, unless it is new or empty, or holds a manifest or nothing but what
    the command makes. New folders that nothing came into are removed again after an error.
    """
    check_made(command, folder, manifests, files)
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with locked(folder):
            yield
    except BaseException:
        names = [child.name for child in folder.iterdir()] if new and folder.is_dir() else []
        if names and all(name.startswith(LOCK) for name in names):
            with suppress(OSError):  # another command came to use them
                for name in names:
                    (folder / name).unlink()
                for path in new:
                    path.rmdir()
        raise


def check_made(command: str, folder: Path, manifests: Mapping[str, Replaces], files: Mapping[str, Replaces]) -> None:
    """Raise InputError as `made_by` does. It writes nothing."""
    check_out_folder(folder)
    if not folder.is_dir():
        return
    check_within(folder, {**manifests, **files})
    others = [name for name in _others(folder) if name not in files and not (folder / name / STUDY_FILE).exists()]
    if others and not any((folder / name).exists() for name in manifests):
        raise InputError(
            f"{folder} holds {quoted(others[0])}, which '{command}' did not make. Choose an empty or new folder for "
            "--out."
        )


def check_out_folder(folder: Path) -> None:
    """Raise InputError unless results can be written into a folder: it can be one, and lies in no run directory."""
    check_folder(folder)
    for above in Path(os.path.realpath(folder)).parents:
        if os.path.exists(above / STUDY_FILE):
            raise InputError(f"--out {folder} lies in the run directory {above}. Choose a place outside it.")


def has_manifest(folder: Path, name: str) -> bool:
    """Whether a folder holds the manifest `name`. Raises InputError if it holds other files and no manifest."""
    # Looked at in this order, because another shard may be filling the folder: its manifest comes first of all files.
    others = _others(folder)
    if (folder / name).exists():
        return True
    if others:
        raise InputError(f"{folder} holds other files and no {name}. Choose an empty or new folder for --out.")
    return False


def lock_file(path: Path) -> Path:
    """A file to hold a lock of, made if it is not there. Raises InputError for a link or a folder, OSError otherwise.

    It gets the mode that the user's umask leaves, so that a group which shares a folder shares its locks.
    """
    check_target(path, anything, "The file")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666))
    return path


def _lock(held: ExitStack, path: Path, wait_s: float = 0) -> None:
    """Hold the lock of a file, which stays there; raises Timeout if somebody else has it for longer than that."""
    mode = stat.S_IMODE(lock_file(path).stat().st_mode)  # which older filelocks would change
    held.enter_context(FileLock(path, timeout=wait_s, mode=mode))


def _refuse_other_shares(folder: Path, share: str) -> None:
    """Raise Timeout if a share of another n is at work: the two would run the same seeds."""
    for other in folder.glob(f"{LOCK}-*of*"):
        if other.name.rpartition("of")[2] != share.rpartition("of")[2]:
            with ExitStack() as briefly:
                _lock(briefly, other)


def _others(folder: Path) -> list[str]:
    """The names in a folder, in order, but for locks and files that are being written."""
    try:
        names = sorted(child.name for child in folder.iterdir())
    except OSError as error:
        raise InputError(f"Cannot read {folder}: {error.strerror}. Choose another --out.") from None
    return [name for name in names if not name.startswith(LOCK) and not BESIDE.fullmatch(name)]
