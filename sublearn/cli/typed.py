"""What was typed: a study with its changes and seeds, and the command itself. Imports the house when it is asked."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from sublearn.errors import InputError, printable

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
    for option, value in options.items():
        if not value.strip():
            raise InputError(f"--{option.partition('.')[0]} is empty; expected a name.")
    return build(name, settings | assignments(changes) | dict(options)), seeds


def seeds_of(*texts: str | None) -> list[int]:
    """The seeds of the first text that was given, or else the first 24."""
    from sublearn.seeds import parse_seeds

    return parse_seeds(next((text for text in texts if text is not None), SEEDS))


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Say which extra to install where a package of it is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"This needs the package {error.name}. Install it with: pip install 'sublearn[{extra}]'."
        ) from None


def command_line() -> str:
    """The command as it was typed."""
    # Letters that are not UTF-8 stand in arguments as halves of surrogate pairs, which no manifest can hold.
    return shlex.join(["sublearn", *sys.argv[1:]]).encode("utf-8", "replace").decode()


def echo(text: str = "", err: bool = False) -> None:
    """Print lines; what a file or a name holds moves no cursor and sets no colour."""
    click.echo(printable(text), err=err)


def say_beforehand(note: str | None, quiet: bool) -> None:
    """Print what is said before a run on standard error, if there is anything, where nothing is run."""
    if note and not quiet:
        echo(note, err=True)
