"""Models and rows that are kept: written whole or not at all, sealed with digests, made again where they are damaged.

Knows folders of our own, in a run directory or in the cache; not what the models are for.
"""

import json
import os
import re
import secrets
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sublearn.errors import InputError
from sublearn.files import digests
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import failed, own_folder, replace_text
from sublearn.language import models
from sublearn.tasks.rows import Pair, as_text, read_rows

BESIDE = re.compile(r"\.sublearn-[0-9a-f]{16}\.(folder|part)")
"""The names of folders and files that are being written, and of what is left of them after a kill."""
HOUR = 3600.0
_ERROR_NUMBER = re.compile(r"(?:\(os error |\bOs \{ code: )(\d+)")


class _Counted(BaseModel):
    """What is counted while rows are written, with the digest of their file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    asked: int
    kept: int
    pass_rate: float
    rejected: dict[str, int]
    kl_to_base: float | None = None
    served: dict[str, int] | None = None
    sha256: str


def model(
    folder: Path,
    make: Callable[[], PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    read: Callable[[Path], PreTrainedModel] = models.read,
    forget: Callable[[PreTrainedModel], object] = lambda model: None,
) -> PreTrainedModel:
    """The model that is kept in `folder`; made and kept if it is not there, and again, with a warning, if damaged.

    It is read back even when it is new, after `forget` was called with the new one, so that what follows is the same
    whether or not it was there. Raises InputError where it cannot be written.
    """
    problem = digests.unsound(folder)
    if problem is not None:
        if folder.exists():
            warnings.warn(f"The model in {folder} is made again: {problem}.", stacklevel=2)
        made = make()
        put(made, tokenizer, folder)
        forget(made)
        del made  # before it is there twice
    return read(folder)


def put(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save a model, or the adapters of one, sealed, so that only a whole one has the folder's name."""
    with disk_errors(folder):
        own_folder(folder.parent)
        beside = _beside(folder)
        try:
            models.save(model, tokenizer, beside)
            digests.seal(beside)
            _place(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def clear_leftovers(folder: Path, older: float = 0.0) -> None:
    """Remove what is left below one of our folders of what was being written when it was killed.

    Only what bears a name of ours, and is older than so many seconds.
    """
    for left in list(folder.rglob(".sublearn-*")):
        if BESIDE.fullmatch(left.name) and not left.is_symlink():
            with suppress(OSError):
                if time.time() - left.stat().st_mtime >= older:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()


def rows(file: Path) -> tuple[list[Pair], dict[str, Any]] | None:
    """The rows that are kept in a file and what was counted when they were written; None if they are to be written.

    Rows that are not those that were counted are left out, with a warning.
    """
    if not file.exists():
        return None
    try:
        counted = typed(_Counted, json_file(file.with_suffix(".json"), "the counts"), "it")
        if digests.of_file(file) == counted.sha256:
            return read_rows(file), counted.model_dump(exclude={"sha256"}, exclude_none=True)
        problem = "they are not what was written"
    except InputError:
        problem = f"their {file.with_suffix('.json').name} is missing or cannot be read"
    warnings.warn(f"The rows in {file} are written again: {problem}.", stacklevel=2)
    return None


def put_rows(file: Path, found: Sequence[Pair], counts: Mapping[str, Any]) -> None:
    """Keep rows, and last of all what was counted, with their digest."""
    replace_text(file, as_text(found))
    replace_text(file.with_suffix(".json"), json.dumps({**counts, "sha256": digests.of_file(file)}) + "\n")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what packages raise where `path` cannot be written into one InputError, as of a full disk."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        # The packages written in Rust have errors of their own, which say the number in words.
        number = _ERROR_NUMBER.search(str(error))
        if isinstance(error, OSError):
            raise failed(path, error) from None
        if number:
            raise failed(path, OSError(int(number[1]), os.strerror(int(number[1])))) from None
        raise


def _place(beside: Path, folder: Path) -> None:
    """Give a written folder its name; where a sound one has it, another process was first with the same model."""
    while True:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError(f"{folder} is no folder of ours, but a link or a file. Remove it.")
        try:
            beside.rename(folder)
            return
        except OSError:
            if not folder.is_dir():
                raise
        if digests.unsound(folder) is None:
            return
        damaged = _beside(folder)
        with suppress(FileNotFoundError):
            folder.rename(damaged)
            shutil.rmtree(damaged, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.with_name(f".sublearn-{secrets.token_hex(8)}.folder")
