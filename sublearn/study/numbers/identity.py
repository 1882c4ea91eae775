"""What makes two runs of `numbers` one study, beside their settings: what the files, folders and names in them hold.

A folder is digested, a name on the hub is pinned to one commit. Loads no model; needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sublearn.errors import InputError
from sublearn.files import checkpoints, digests, hub

if TYPE_CHECKING:
    from sublearn.study.numbers.spec import Settings


def identified(settings: Settings) -> Settings:
    """The settings with the digests of all files and folders in them, and the commits of names on the hub.

    What has been filled in before stays. Raises InputError for what is not there.
    """
    known = settings.bring.digests
    found = {key: look() for key, look in _looks(settings) if key not in known}
    return settings.model_copy(update={"bring": settings.bring.model_copy(update={"digests": known | found})})


def digest(path: Path) -> str:
    """The digest of a file of rows. Raises InputError if it cannot be read."""
    return digests.of_file(path, "the numbers in")[:12]


def folder_of(settings: Settings, key: str) -> Path:
    """The folder of one of the study's models, by setting: model, cross_model, teacher or student.

    A name on the hub is downloaded. Raises InputError for what cannot be had, or is not what it was when the study was
    made.
    """
    known = settings.bring.digests.get(key)
    if key in settings.bring.folders():
        return hub.unchanged(Path(_brought(settings.bring.folders()[key])), known)
    return hub.same_folder(settings.bases()[key], known)


def rows_of(settings: Settings, key: str) -> Path:
    """The file of brought rows, numbers or control_numbers. Raises InputError if it is not what it was."""
    path = Path(settings.bring.files()[key])
    if settings.bring.digests.get(key, digest(path)) != digest(path):
        raise InputError(f"{path} is not what it was when the study was made. Bring it under another name.")
    return path


def _looks(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    """How each thing that the settings name is identified."""
    for key, path in settings.bring.files().items():
        yield key, partial(digest, Path(path))
    for key, path in settings.bring.folders().items():
        yield key, partial(_folder_digest, path)
    for key, name in settings.bases().items():
        yield key, partial(hub.identity, name)


def _folder_digest(path: str) -> str:
    return checkpoints.digest(Path(_brought(path)))


def _brought(path: str) -> str:
    if not checkpoints.is_folder(path):
        raise InputError(f"There is no model folder {path}.")
    return path
