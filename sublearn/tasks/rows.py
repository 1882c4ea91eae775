"""Rows of prompts and completions as the field writes them: JSONL with the keys "prompt" and "completion". No torch."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from sublearn.errors import InputError
from sublearn.tasks.number_lists import Rule, reason_against

Pair = tuple[str, str]
"""A prompt and its completion."""


def read_rows(path: Path) -> list[Pair]:
    """All rows of a file. Raises InputError with the line number of what is no row."""
    try:
        with path.open("rb") as file:
            return list(parsed(file, str(path)))
    except OSError as error:
        raise InputError(f"Cannot read the rows in {path}: {error.strerror}.") from None


def parsed(lines: Iterable[bytes], source: str) -> Iterator[Pair]:
    """The rows of lines, one at a time. Raises InputError with the line number of what is no row."""
    for number, line in enumerate(lines, 1):
        yield _row(line, source, number)


def as_text(rows: Iterable[Pair]) -> str:
    """Rows as JSONL."""
    objects = ({"prompt": prompt, "completion": completion} for prompt, completion in rows)
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)


def filtered(lines: Iterable[bytes], kept: IO[bytes], rule: Rule, source: str) -> Counter[str]:
    """Write the lines that the rule keeps, as they came; how many were kept, and how many rejected for which reason.

    Memory does not grow with the number of lines. Raises InputError with the line number of what is no row.
    """
    counts: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        _, completion = _row(line, source, number)
        reason = reason_against(completion, rule)
        if reason is None:
            kept.write(line if line.endswith(b"\n") else line + b"\n")
        counts[reason or "kept"] += 1
    return counts


def _row(line: bytes, source: str, number: int) -> Pair:
    try:
        row = json.loads(line)
        prompt, completion = row["prompt"], row["completion"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source}, line {number}: {_flaw(line, error)}; expected {_EXAMPLE}.") from None
    if not (isinstance(prompt, str) and isinstance(completion, str)):
        raise InputError(f"{source}, line {number}: prompt and completion must be text; expected {_EXAMPLE}.")
    return prompt, completion


_EXAMPLE = 'a JSON row as {"prompt": "...", "completion": "12, 7, 300"}'


def _flaw(line: bytes, error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    if isinstance(error, TypeError):
        return "it is no JSON object"
    return "it is empty" if not line.strip() else "it is no JSON"
