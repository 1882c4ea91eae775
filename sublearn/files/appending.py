"""A file of lines that one process adds to. It grows by whole additions, and a change by anybody else is noticed.

Knows no format; a torn end is what a kill in the middle of an addition leaves.
"""

import os
from pathlib import Path

from sublearn.errors import InputError, SublearnError
from sublearn.files.writing import BINARY, NO_LINK, failed, flush_folder

Identity = tuple[int, int, int]
"""Device, file number and size."""


class Appending:
    """The file as this process knows it. Raises InputError where it is a link or cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._now()

    def add(self, content: bytes) -> None:
        """Append all of `content` or none of it, on the disk. Raises SublearnError if somebody changed the file."""
        try:
            descriptor = self._opened()
            try:
                _write_or_undo(descriptor, content)
                self._known = _identity(os.fstat(descriptor))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise failed(self.path, error) from None

    def cut(self, size: int) -> None:
        """Drop what follows the first `size` bytes: a torn end."""
        try:
            descriptor = self._opened()
            try:
                os.ftruncate(descriptor, size)
                os.fsync(descriptor)
                self._known = _identity(os.fstat(descriptor))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise failed(self.path, error) from None

    def check(self) -> None:
        """Raise SublearnError if the file is not what it was when this process left it."""
        if self._now() != self._known:
            raise self._changed()

    def _now(self) -> Identity | None:
        try:
            if self.path.is_symlink():
                raise InputError(f"{self.path} is a link; it is not followed. Remove it, or choose another --out.")
            return _identity(self.path.stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failed(self.path, error) from None

    def _opened(self) -> int:
        new = os.O_CREAT | os.O_EXCL if self._known is None else 0
        flags = os.O_WRONLY | os.O_APPEND | NO_LINK | BINARY | new
        try:
            descriptor = os.open(self.path, flags, 0o666)
        except (FileNotFoundError, FileExistsError):
            raise self._changed() from None
        try:
            if self._known is None:
                flush_folder(self.path.parent)
            elif _identity(os.fstat(descriptor)) != self._known:
                raise self._changed()
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _changed(self) -> SublearnError:
        return SublearnError(
            f"{self.path} was removed or changed by somebody else while this command wrote to it. It records nothing "
            "more. Bring the file back if you can, and give the same command again: what is missing is run again."
        )


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino, found.st_size


def _write_or_undo(descriptor: int, content: bytes) -> None:
    before, written = os.fstat(descriptor).st_size, 0
    try:
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.fsync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, before)
        raise
