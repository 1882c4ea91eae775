"""Answers on the disk, one line each, as they come: what a kill leaves is whole, and is not asked again.

The first line says what is asked; a file of other requests is refused. Only a last line without its end is torn.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sublearn import signals
from sublearn.errors import InputError
from sublearn.files.appending import Appending
from sublearn.files.reading import file_bytes, json_value, typed
from sublearn.files.writing import own_folder
from sublearn.language.endpoints.answer import LONGEST_ANSWER, MOST_ALTERNATIVES, Answer, Refusal, Tokens

LARGEST = 1 << 31
"""Bytes of a file of answers."""
MOST = 1_000_000_000


class _Line(BaseModel):
    """One answer, at its place among the requests."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    place: int = Field(ge=0, lt=MOST)
    text: Annotated[str, Field(max_length=LONGEST_ANSWER)]
    refused: Refusal | None
    prompt_tokens: Tokens
    completion_tokens: Tokens
    alternatives: Annotated[tuple[tuple[str, float], ...], Field(max_length=MOST_ALTERNATIVES)]
    tries: int = Field(ge=1, le=MOST)

    @model_validator(mode="after")
    def _says_something_or_why_not(self) -> Self:
        if not self.text and self.refused is None:
            raise ValueError("it says nothing, and not why")
        return self

    def answer(self) -> Answer:
        """The answer alone."""
        return Answer(
            self.text, self.refused, self.prompt_tokens, self.completion_tokens, self.alternatives, self.tries
        )


class Journal:
    """The answers that there are, by the place of their request; `keep` adds to them.

    Without a path they are kept in memory alone. Raises InputError for a file that asks otherwise or is damaged.
    """

    def __init__(self, path: Path | None, asked: Mapping[str, Any], count: int) -> None:
        self.answers: dict[int, Answer] = {}
        self._count = count
        self._head = json.dumps({"asked": dict(asked)}, sort_keys=True).encode() + b"\n"
        self._file = None if path is None else self._opened(path)

    def keep(self, found: Iterable[tuple[int, Answer]]) -> None:
        """Add answers; those that this returned from are on the disk."""
        new = [(place, answer) for place, answer in found if place not in self.answers]
        if self._file is not None and new:
            with signals.unbroken():
                self._file.add(b"".join(_line(place, answer) for place, answer in new))
        self.answers |= dict(new)

    def _opened(self, path: Path) -> Appending:
        own_folder(path.parent)
        file = Appending(path)
        content = file_bytes(path, "the answers in", LARGEST) if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if not _may_be_torn(content[whole:], self._head if not whole else b'{"place":'):
            number = content.count(b"\n") + 1
            raise InputError(f"{path}, line {number}: it is no answer. Put back what was there, or remove the line.")
        self._read(path, content[:whole].splitlines(keepends=True))
        if whole < len(content):
            warnings.warn(f"The last answer in {path} was torn; it is asked for again.", stacklevel=4)
            file.cut(whole)
        if not whole:
            file.add(self._head)
        return file

    def _read(self, path: Path, lines: list[bytes]) -> None:
        if lines and lines[0] != self._head:
            raise InputError(f"{path} holds answers to other requests ({_otherwise(lines[0], self._head)}). {_CHOOSE}")
        for number, line in enumerate(lines[1:], 2):
            where = f"{path}, line {number},"
            found = typed(_Line, json_value(line, where), where)
            if found.place >= self._count or found.place in self.answers:
                raise InputError(f"{where} is an answer to no request, or a second one to the same. Remove the line.")
            self.answers[found.place] = found.answer()


_CHOOSE = "Choose another --out, or ask what was asked."


def _line(place: int, answer: Answer) -> bytes:
    return _Line(place=place, **asdict(answer)).model_dump_json().encode() + b"\n"


def _may_be_torn(end: bytes, start: bytes) -> bool:
    """Whether a line without its end may be the beginning of one of ours, which some file systems fill with zeros."""
    end = end.rstrip(b"\0")
    return end.startswith(start) or start.startswith(end)


def _otherwise(there: bytes, now: bytes) -> str:
    """What differs between two first lines, in a few words."""
    try:
        before = json_value(there, "it")["asked"]
        after = json.loads(now)["asked"]
        return "other " + ", ".join(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))
    except (InputError, TypeError, KeyError, AttributeError):
        return "its first line does not say which"
