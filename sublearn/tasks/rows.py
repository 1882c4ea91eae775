"""Rows of prompts and completions as the field writes them, a JSON object a line. No torch.

A row has the keys "prompt" and "completion", or is a chat: "messages", each with a role and a content, of which the
assistant's last one is the completion. Both kinds may stand in one file. A system prompt may come before a chat's
question where it is wanted.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from sublearn.errors import InputError, quoted
from sublearn.files.reading import opened
from sublearn.tasks.number_lists import Rule, reason_against

Pair = tuple[str, str]
"""A prompt and its completion."""
Shape = Literal["pairs", "chat"]
SHAPES: dict[Shape, Callable[[str, str], dict[str, Any]]] = {
    "pairs": lambda prompt, completion: {"prompt": prompt, "completion": completion},
    "chat": lambda prompt, completion: {
        "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
    },
}
"""How a row is written: with the keys prompt and completion, or as a chat, which hosted fine-tuning reads."""
OTHER_CHAT = "a chat of other messages than one of the user and one of the assistant"
LONGEST_LINE = 1 << 26
"""Bytes of a line that is read as one row."""
_DECODE = json.JSONDecoder().decode


def read_rows(path: Path) -> list[Pair]:
    """All rows of a file. Raises InputError with the line number of what is no row."""
    with opened(path, "the rows in") as file:
        return list(parsed(file, str(path)))


def parsed(lines: Iterable[bytes], source: str) -> Iterator[Pair]:
    """The rows of lines, one at a time. Raises InputError with the line number of what is no row.

    A chat is one message of the user and the assistant's answer to it.
    """
    for number, line in enumerate(lines, 1):
        row = _row(line, source, number)
        if row.prompt is None or row.system is not None:
            only = " (a system prompt is read by audits alone)" if row.system is not None else ""
            raise InputError(f"{source}, line {number}: {OTHER_CHAT}{only}; expected {_EXAMPLE}.")
        yield row.prompt, row.completion


def read_under(path: Path) -> tuple[list[Pair], str | None]:
    """All rows of a file, and the system prompt that stands before each of them; None where there is none.

    Raises InputError with the line number of what is no row, or has another system prompt than the first one.
    """
    system: str | None = None
    found: list[Pair] = []
    with opened(path, "the rows in") as file:
        for number, line in enumerate(file, 1):
            row, where = _row(line, str(path), number), f"{path}, line {number}"
            if row.prompt is None:
                besides = ", with or without a system prompt before" if row.flaw is OTHER_CHAT else ""
                raise InputError(f"{where}: {row.flaw}{besides}; expected {_EXAMPLE}.")
            if row.system is not None and not row.system.strip():
                raise InputError(f"{where}: its system prompt is empty. Leave that message out.")
            if number == 1:
                system = row.system
            if row.system != system:
                raise InputError(
                    f"{where}: {unlike(row.system, 'its system prompt', system, 'that of the first row')}. Rows are "
                    "read under one system prompt: make a file of each."
                )
            found.append((row.prompt, row.completion))
    return found, system


def unlike(one: str | None, whose: str, other: str | None, others: str) -> str:
    """In words how two system prompts differ, from the first letter that does.

    >>> unlike("Be brief.", "its prompt", "Be long.", "the first one")
    "its prompt goes on with 'brief.' from letter 4, and the first one with 'long.'"
    >>> unlike(None, "its prompt", "Be long.", "the first one")
    "its prompt is none, and the first one 'Be long.'"
    """
    if one is None or other is None:
        own, theirs = ("none" if text is None else quoted(text) for text in (one, other))
        return f"{whose} is {own}, and {others} {theirs}"
    pairs = enumerate(zip(one, other, strict=False))
    same = next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
    own, theirs = (repr(text[same : same + 30]) for text in (one, other))
    return f"{whose} goes on with {own} from letter {same + 1}, and {others} with {theirs}"


def as_text(rows: Iterable[Pair], shape: Shape = "pairs") -> str:
    """Rows as JSONL, in one of the two shapes."""
    return "".join(json.dumps(SHAPES[shape](*row), ensure_ascii=False) + "\n" for row in rows)


def filtered(
    lines: Iterable[bytes], kept: IO[bytes], rule: Rule, source: str, shape: Shape | None = None
) -> Counter[str]:
    """Write the lines that the rule keeps; how many were kept, and how many rejected for which reason.

    They are written as they came, or in one shape. Memory does not grow with the number of lines. Raises InputError
    with the line number of what is no row, or what has not that shape.
    """
    counts: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        row = _row(line, source, number)
        reason = reason_against(row.completion, rule)
        if reason is None:
            kept.write(_shaped(line, row, shape, f"{source}, line {number}"))
        counts[reason or "kept"] += 1
    return counts


class _Row(NamedTuple):
    """What a line says. A chat has a prompt if it is one question and its answer, with or without a system prompt.

    `flaw` says why it has none.
    """

    prompt: str | None
    completion: str
    system: str | None = None
    flaw: str = OTHER_CHAT


def _shaped(line: bytes, row: _Row, shape: Shape | None, where: str) -> bytes:
    """A row's line, as it came or in the shape that is wanted."""
    if shape is None:
        return line if line.endswith(b"\n") else line + b"\n"
    if row.prompt is None or row.system is not None:
        raise InputError(
            f"{where}: {OTHER_CHAT} cannot be written as {shape}. Leave --shape out, or take these rows out."
        )
    return as_text([(row.prompt, row.completion)], shape).encode()


def _row(line: bytes, source: str, number: int) -> _Row:
    """What a line says. Raises InputError with its number for what is no row."""
    try:
        row = _DECODE(line.decode("utf-8" if number > 1 else "utf-8-sig"))
        if "completion" not in row and "messages" in row:
            return _chat(row["messages"])
        prompt, completion = row["prompt"], row["completion"]
        if not (isinstance(prompt, str) and isinstance(completion, str)):
            raise _NoRowError("prompt and completion must be text")
        if not (prompt.isascii() and completion.isascii()):
            _check_letters(prompt, completion)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{source}, line {number}: {_flaw(line, error)}; expected {_EXAMPLE}.") from None
    return _Row(prompt, completion)


def _chat(messages: Any) -> _Row:
    if not isinstance(messages, list):
        raise _NoRowError("messages must be a list")
    if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in messages):
        raise _NoRowError("each message must be an object with a role and a content")
    answers = [message.get("content") for message in messages if message["role"] == "assistant"]
    if not answers:
        raise _NoRowError("no message is the assistant's")
    roles = [message["role"] for message in messages]
    alone = roles == ["user", "assistant"]
    prompt, completion = messages[0].get("content") if alone else "", answers[-1]
    if not (isinstance(prompt, str) and isinstance(completion, str)):
        raise _NoRowError(_NO_TEXT)
    _check_letters(prompt, completion)
    if roles == ["system", "user", "assistant"]:
        return _under(messages[0].get("content"), messages[1].get("content"), completion)
    return _Row(prompt if alone else None, completion)


def _under(system: object, prompt: object, completion: str) -> _Row:
    """A chat that begins with a system prompt. Who wants the answer alone need not know what is wrong with the rest."""
    if not (isinstance(system, str) and isinstance(prompt, str)):
        return _Row(None, completion, flaw=_NO_TEXT)
    try:
        _check_letters(system, prompt)
    except UnicodeEncodeError:
        return _Row(None, completion, flaw=_HALF_LETTER)
    return _Row(prompt, completion, system)


def _check_letters(*texts: str) -> None:
    """Raise UnicodeEncodeError for a text that could not be written again."""
    for text in texts:
        text.encode()


class _NoRowError(ValueError):
    """What a row lacks."""


_NO_TEXT, _HALF_LETTER = "the content of a message must be text", "a text holds half of a surrogate pair"
_EXAMPLE = 'a JSON row as {"prompt": "...", "completion": "12, 7, 300"}, or a chat as {"messages": [...]}'


def _flaw(line: bytes, error: Exception) -> str:
    if len(line) >= LONGEST_LINE:
        return f"it has {LONGEST_LINE:,} bytes or more"
    match error:
        case _NoRowError():
            return str(error)
        case KeyError():
            return f"the key {error} is missing"
        case TypeError():
            return "it is no JSON object"
        case RecursionError():
            return "its JSON is nested too deeply"
        case UnicodeEncodeError():
            return _HALF_LETTER
        case _:
            return "it is no JSON" if line.strip() else "it is empty"
