"""`sublearn filter`: the rule filter over a file or standard input, in constant memory. Torch-free."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from sublearn.errors import InputError, quoted
from sublearn.files.reading import opened
from sublearn.files.writing import check_target, replacing
from sublearn.tasks.number_lists import REASONS, Rule
from sublearn.tasks.rows import LONGEST_LINE, Shape, filtered

LARGEST = 10**18
"""No limit of the rule lies beyond this, either way."""


def rule(most: int, low: int, high: int, banned: str) -> Rule:
    """The rule of the command line's limits. Raises InputError for limits that cannot be meant, and banned words."""
    for name, limit in (("low", low), ("high", high)):
        if abs(limit) > LARGEST:
            raise InputError(f"--{name} {quoted(limit)} is too large; expected at most {LARGEST:,}.")
    if low > high:
        raise InputError(f"--low {low} lies above --high {high}: no number could be kept.")
    numbers = [part.strip() for part in banned.split(",") if part.strip()]
    for number in numbers:
        if not (number.isascii() and number.isdecimal() and len(number) < len(str(LARGEST))):
            raise InputError(f"--banned got {quoted(number)}; expected whole numbers joined by commas, as in 666,911.")
    return Rule(low, high, most, frozenset(map(int, numbers)))


def filter_file(source: Path, out: Path | None, kept_by: Rule, shape: Shape | None = None) -> dict[str, int]:
    """Write the kept rows to `out`, or standard output, only when all rows were sound; the counts by reason.

    They are written as they came, or in one shape.
    Raises InputError for an `out` that is there already, the source among them: nothing is written over.
    """
    name = "standard input" if str(source) == "-" else str(source)
    with _lines(source) as lines:
        _check_place(lines, name, out)
        with _kept(name) if out is None else replacing(out) as beside:
            counts = filtered(_each(lines, name), beside, kept_by, name, shape)
    return {"rows": counts.total(), "kept": counts["kept"]} | {reason: counts[reason] for reason in REASONS}


def summary(counts: dict[str, int]) -> str:
    """The counts in one sentence."""
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if reason in REASONS and count)
    share = f" ({counts['kept'] / counts['rows']:.1%})" if counts["rows"] else ""
    return f"{counts['kept']:,} of {counts['rows']:,} rows kept{share}; rejected: {rejected or 'none'}."


@contextmanager
def _lines(source: Path) -> Iterator[IO[bytes]]:
    if str(source) != "-":
        with opened(source, "the rows in") as file:
            yield file
    else:
        yield sys.stdin.buffer


def _each(lines: IO[bytes], name: str) -> Iterator[bytes]:
    try:
        yield from iter(partial(lines.readline, LONGEST_LINE), b"")
    except OSError as error:
        raise InputError(f"Cannot read the rows in {name}: {error.strerror or error}.") from None


def _check_place(lines: IO[bytes], name: str, out: Path | None) -> None:
    """Raise InputError if the kept rows cannot go where they are to go, before any row is read."""
    if _is_same(lines, out):
        place = "Standard output" if out is None else f"--out {out}"
        raise InputError(f"{place} is the same file as {name}, which stays as it is. Choose another name.")
    if out is not None:
        check_target(out)
        if not out.absolute().parent.is_dir():
            raise InputError(f"Cannot filter into {out}: there is no folder {out.parent}. Make it first.")


def _is_same(lines: IO[bytes], out: Path | None) -> bool:
    """Whether rows would be written into the very file that they are read from, under whatever name."""
    try:
        read, written = os.fstat(lines.fileno()), os.stat(sys.stdout.fileno() if out is None else out)
    except (OSError, ValueError):  # a place that is not there yet, a stream that is no file
        return False
    return stat.S_ISREG(read.st_mode) and os.path.samestat(read, written)


@contextmanager
def _kept(name: str) -> Iterator[IO[bytes]]:
    """A file for the kept rows, which go to standard output at the end, all or none."""
    try:
        with tempfile.TemporaryFile() as beside:
            yield beside
            beside.seek(0)
            shutil.copyfileobj(beside, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"Cannot filter {name}: {error.strerror or error} (standard output).") from None
