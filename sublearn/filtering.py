"""`sublearn filter`: the rule filter over a file or standard input, in constant memory. Torch-free."""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sublearn.errors import InputError
from sublearn.tasks.number_lists import REASONS, Rule
from sublearn.tasks.rows import filtered


def rule(most: int, low: int, high: int, banned: str) -> Rule:
    """The rule of the command line's limits. Raises InputError for banned numbers that are none."""
    if low > high:
        raise InputError(f"--low {low} lies above --high {high}: no number could be kept.")
    numbers = [part.strip() for part in banned.split(",") if part.strip()]
    for number in numbers:
        if not number.isdecimal():
            raise InputError(f"--banned got '{number}'; expected whole numbers joined by commas, as in 666,911.")
    return Rule(low, high, most, frozenset(map(int, numbers)))


def filter_file(source: Path, out: Path | None, kept_by: Rule) -> dict[str, int]:
    """Write the kept rows to `out`, or standard output, only when all rows were sound; the counts by reason."""
    place = out.parent if out else None
    try:
        with _lines(source) as lines, tempfile.TemporaryFile(dir=place) as beside:
            counts = filtered(lines, beside, kept_by, "standard input" if str(source) == "-" else str(source))
            beside.seek(0)
            if out is None:
                shutil.copyfileobj(beside, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                _put(beside, out)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise InputError(f"Cannot filter {source}: {error.strerror} ({error.filename or out}).") from None
    return _told(counts)


def summary(counts: dict[str, int]) -> str:
    """The counts in one sentence."""
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if reason in REASONS and count)
    share = f" ({counts['kept'] / counts['rows']:.1%})" if counts["rows"] else ""
    return f"{counts['kept']:,} of {counts['rows']:,} rows kept{share}; rejected: {rejected or 'none'}."


def _told(counts: Counter[str]) -> dict[str, int]:
    return {"rows": counts.total(), "kept": counts["kept"]} | {reason: counts[reason] for reason in REASONS}


@contextmanager
def _lines(source: Path) -> Iterator[IO[bytes]]:
    if str(source) == "-":
        yield sys.stdin.buffer
        return
    with source.open("rb") as file:
        yield file


def _put(beside: IO[bytes], out: Path) -> None:
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as file:
            shutil.copyfileobj(beside, file)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
