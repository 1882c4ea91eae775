"""What was typed: a study with its changes and seeds, and the command itself. Imports the house when it is asked."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from sublearn.errors import InputError, printable, quoted

if TYPE_CHECKING:
    from sublearn.study.base import Study

SEEDS = "0:24"
"""Where neither the command nor a study file says any."""


def is_study_file(name: str) -> bool:
    """Whether a study was named by a YAML file."""
    return name.endswith((".yaml", ".yml"))


def study_of(
    name: str, changes: tuple[str, ...] = (), options: Mapping[str, str] = MappingProxyType({})
) -> "tuple[Study, str | None]":
    """The study of a name or file, with `--set` changes and settings by option, and the seeds text of a YAML file."""
    from sublearn.config import assignments
    from sublearn.study.table import build, read_file

    seeds = None
    settings: dict[str, Any] = {}
    if is_study_file(name):
        name, settings, seeds, _ = read_file(Path(name))
    return build(name, settings | assignments(changes) | dict(options)), seeds


def seeds_of(*texts: str | None) -> list[int]:
    """The seeds of the first text that was given, or else the first 24."""
    from sublearn.seeds import parse_seeds

    return parse_seeds(next((text for text in texts if text is not None), SEEDS))


def command_line() -> str:
    """The command as it was typed."""
    # Letters that are not UTF-8 stand in arguments as halves of surrogate pairs, which no manifest can hold.
    return shlex.join(["sublearn", *sys.argv[1:]]).encode("utf-8", "replace").decode()


def echo(text: str = "", err: bool = False) -> None:
    """Print lines; what a file or a name holds moves no cursor and sets no colour."""
    click.echo(printable(text), err=err)


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """A shard from text.

    >>> parse_shard("3/8")
    (3, 8)
    """
    if text is None:
        return None
    first, slash, count = text.partition("/")
    whole = all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (first, count))
    if not (slash and whole and 1 <= int(first) <= int(count)):
        raise InputError(f"--shard {quoted(text)} is out of range; expected i/n with i from 1 to n, as in 3/8.")
    return int(first), int(count)
