"""The table of bad inputs and faults: what is given to the command line, and how it must end.

A row is one command in an empty folder of its own, which `before` may fill. Rows stand in the files `rows_*.py` beside
this one, each a list called `ROWS`; `test_faults` runs every one of them. A row asserts three things: the exit status,
one line on standard error that holds `says` (and no traceback, no control character), and that the folder is what it
was before the command, but for `makes`.
"""

import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

KINDS = {
    "seeds": "seeds that are read as other seeds",
    "non-finite": "a score that is not a number",
    "overwriting": "a file that is somebody else's, written over",
    "paths": "names and links that lead out of the folder",
    "identity": "other models or rows under one study",
    "early": "what must be refused before anything is written",
    "layers": "layers that do not exist",
    "weights": "damaged weights",
    "language disk": "faults while a language model runs",
    "terminal": "control characters and texts of any length on the terminal",
    "shapes": "files of ours with other content",
    "late": "faults that were found only after the work",
    "downloads": "data files and downloads",
    "yaml": "YAML that is no plain settings",
    "commands": "other input of the commands",
    "guests": "studies of one's own",
}
"""What kinds of faults version 0.1.0 had that one command in a folder can show; every row is of one of them, and each
has rows.
"""
# Two more have no rows, because they take processes of their own or minutes: ends from outside (signals) are in
# tests/cli/test_exits.py and tests/test_durability.py, very many seeds and studies in tests/test_size.py.


LARGEST = 1 << 24
"""Bytes of a file beyond which its size alone is looked at."""
LONGEST_LINE = 2_100
"""Letters on standard error: a message is 2,000 at most, and says "Error: " before it."""


@dataclass(frozen=True)
class Row:
    """One command and how it ends.

    `files` are made first (text or bytes by relative path), then `before` is called with the folder. In `args`, `says`
    and texts of `files`, nothing is replaced: commands run in the folder, so that relative paths do.
    """

    name: str
    kind: str
    args: tuple[str, ...]
    says: str
    status: int = 2
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    before: Callable[[Path], object] | None = None
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    makes: tuple[str, ...] = ()
    """Glob patterns of what the command may make or change, where it is to end well."""
    lines: int = 1
    """Lines on standard error; 0 where a command ends well in silence, and -1 where it may say more."""
    slow: bool = False


def all_rows() -> list[Row]:
    """Every row of every file of rows."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("rows_*.py"))
    return [row for name in names for row in import_module(f"tests.faults.{name}").ROWS]


def snapshot(folder: Path, but: tuple[str, ...] = ()) -> dict[str, object]:
    """Everything in a folder by relative path: kind, mode and content; links are not followed."""
    left_out = {path for pattern in but for path in folder.glob(pattern)}
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        if path not in left_out and not left_out.intersection(path.parents)
    }


def _content(path: Path) -> object:
    mode = path.lstat().st_mode
    if path.is_symlink():
        return "link", str(path.readlink())
    if path.is_file() and path.stat().st_size > LARGEST:
        return mode, path.stat().st_size
    return mode, path.read_bytes() if path.is_file() else None


def run_row(row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Run a row's command in this process and assert how it ends."""
    from sublearn import cli

    for name, content in row.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SUBLEARN_DATA", raising=False)  # with it real data would be found, and trained on
    for name, value in row.environment.items():
        monkeypatch.setenv(name, value)
    if row.before is not None:
        row.before(folder)
    if row.stdin:
        monkeypatch.setattr(sys, "stdin", _Input(row.stdin))
    before = snapshot(folder, row.makes)
    capfd.readouterr()
    status = _status(cli, row, monkeypatch)
    _, err = capfd.readouterr()
    assert "Traceback" not in err, err
    assert status == row.status, err
    assert re.search(row.says, err), err
    assert all(letter.isprintable() or letter == "\n" for letter in err), repr(err)
    if row.lines >= 0:
        assert len(err.splitlines()) == row.lines, err
    assert max(map(len, err.splitlines()), default=0) <= LONGEST_LINE
    assert snapshot(folder, row.makes) == before


def _status(cli, row: Row, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["sublearn", *row.args])
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # a line on standard error, as users get it
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


class _Input:
    """Standard input that holds given bytes."""

    def __init__(self, content: bytes) -> None:
        from io import BytesIO

        self.buffer = BytesIO(content)
