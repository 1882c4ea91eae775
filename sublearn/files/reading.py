"""The one way in for text that a user or a file brings: bounded files, strict YAML, strict JSON. Knows no study.

Everything that cannot be read ends in one InputError that says where it stands. Needs no torch.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import IO, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sublearn.errors import InputError, quoted

Model = TypeVar("Model", bound=BaseModel)

LARGEST_SETTINGS = 1 << 20
"""Bytes of a YAML file or value."""
LARGEST_JSON = 1 << 28
"""Bytes of a JSON file that is read whole."""
DEEPEST = 20
"""Levels of lists and mappings in a YAML or JSON text."""
LONGEST_NUMBER = 30
"""Digits of a whole number in a YAML text."""


def file_bytes(path: Path, what: str, most: int = LARGEST_JSON) -> bytes:
    """The content of a regular file of at most `most` bytes; `what` names it in messages.

    Raises InputError for anything else: a missing file, a folder, a device or a pipe (which would be waited for), a
    file that is too large or cannot be read.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"Cannot read {what} {path}: it is no regular file.")
        if found.st_size > most:
            raise InputError(f"Cannot read {what} {path}: it has {found.st_size:,} bytes, the most is {most:,}.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Cannot read {what} {path}: {_reason(error)}.") from None


def file_text(path: Path, what: str, most: int = LARGEST_JSON) -> str:
    """The same as UTF-8 text."""
    try:
        return file_bytes(path, what, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"Cannot read {what} {path}: it is not UTF-8 text (byte {error.start}).") from None


def opened(path: Path, what: str) -> IO[bytes]:
    """A regular file of any size, open to be read line by line. Raises InputError as `file_bytes` does."""
    try:
        # O_NONBLOCK, so that a pipe is found out instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {what} {path}: {_reason(error)}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"Cannot read {what} {path}: it is no regular file.")
    return os.fdopen(descriptor, "rb")


def json_value(text: str | bytes, where: str) -> Any:
    """Strict JSON: no NaN or Infinity, no key twice, no number, text or nesting that could not be written again.

    Raises InputError that begins with `where`.

    >>> json_value('{"a": [1, 2.5]}', "here")
    {'a': [1, 2.5]}
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unlike_keys)
    except RecursionError:
        raise InputError(f"{where} cannot be used: its JSON is nested too deeply.") from None
    except ValueError as error:  # bad JSON, bad UTF-8, too many digits
        raise InputError(f"{where} cannot be used: it is no JSON ({_reason(error)}).") from None
    flaw = _flaw(value)
    if flaw:
        raise InputError(f"{where} cannot be used: {flaw}.")
    return value


def json_file(path: Path, what: str, most: int = LARGEST_JSON) -> Any:
    """A JSON file's value, read as `json_value` does."""
    return json_value(file_bytes(path, what, most), f"{what} {path}")


def typed(model: type[Model], value: Any, where: str) -> Model:
    """`value` as a `model`; what does not fit comes back as one InputError that begins with `where`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{where} cannot be used: {first_problem(error)}") from None
    except RecursionError:
        raise InputError(f"{where} cannot be used: it is nested too deeply.") from None


def yaml_value(text: str, where: str) -> Any:
    """A YAML text as plain values. Raises InputError that begins with `where`.

    Read by the core schema of YAML 1.2: `24:48` and `2024-01-01` and `yes` are texts, `010` is ten and `1e-3` a number.
    Tags, anchors, keys that come twice or are no text, and more than one document are refused.

    >>> yaml_value("[24:48, 010, yes, true, 1e-3, null]", "here")
    ['24:48', 10, 'yes', True, 0.001, None]
    """
    if len(text) > LARGEST_SETTINGS:
        raise InputError(f"{where} cannot be used: {len(text):,} letters, the most is {LARGEST_SETTINGS:,}.")
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" (line {mark.line + 1})" if mark else ""
        problem = error.problem or error.context or "it cannot be read"
        raise InputError(f"{where} is no plain YAML: {problem}{line}.") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{where} is no plain YAML: {_reason(error)}.") from None


def yaml_file(path: Path, what: str) -> Any:
    """A YAML file's value, read as `yaml_value` does."""
    return yaml_value(file_text(path, what, LARGEST_SETTINGS), str(path))


def first_problem(error: ValidationError) -> str:
    """The first thing that a validation found, in one sentence: where, what, and what came instead."""
    problem = error.errors()[0]
    where = quoted(".".join(str(part) for part in problem["loc"]))
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {where}."
    message = problem["msg"].removeprefix("Value error, ").removesuffix(".")
    got = problem["input"]
    shown = f", got {quoted(got)}" if not isinstance(got, (dict, list, tuple, BaseModel)) else ""
    return f"{where}: {message}{shown}." if problem["loc"] else f"{message}."


class _Loader(yaml.SafeLoader):
    """YAML's safe loader without its surprises. It takes what the class's resolvers and constructors name, no more."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (as the base class declares it)
    yaml_constructors = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._problem("anchors and aliases (& and *) are not read; write the value out", event)
        if event.__dict__.get("tag") is not None:
            raise self._problem(f"tags are not read, and {quoted(event.tag)} is one", event)
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._problem(f"lists and mappings are nested more than {DEEPEST} deep", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_null(self, node: Any) -> None:
        """Nothing."""
        del node

    def construct_true(self, node: Any) -> bool:
        """True or False."""
        return node.value.lower() == "true"

    def construct_whole(self, node: Any) -> int:
        """A whole number of a length that can be meant."""
        if len(node.value) > LONGEST_NUMBER:
            raise self._problem(f"a number of {len(node.value):,} digits", node)
        return int(node.value)

    def construct_number(self, node: Any) -> float:
        """A number with a point or an exponent, infinite or not a number."""
        return float(node.value.replace(".inf", "inf").replace(".nan", "nan"))

    def construct_text(self, node: Any) -> str:
        """A text that can be written again."""
        try:
            node.value.encode("utf-8")
        except UnicodeEncodeError:
            raise self._problem("a text holds half of a surrogate pair", node) from None
        return node.value

    def construct_list(self, node: Any) -> list[Any]:
        """A list."""
        return [self.construct_object(child, deep=True) for child in node.value]

    def construct_dict(self, node: Any) -> dict[str, Any]:
        """A mapping whose keys are texts and come once."""
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key: Hashable = self.construct_object(key_node, deep=True) if _is_scalar(key_node) else None
            if not isinstance(key, str):
                raise self._problem(f"the key {quoted(key_node.value)} is no text; quote it", key_node)
            if key in values:
                raise self._problem(f"the key {quoted(key)} comes twice", key_node)
            values[key] = self.construct_object(value_node, deep=True)
        return values

    def _problem(self, text: str, at: Any) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(problem=text, problem_mark=at.start_mark)


_CORE: list[tuple[str, str, str, Callable[[Any, Any], Any]]] = [
    ("null", r"~|null|Null|NULL|", "~nN", _Loader.construct_null),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF", _Loader.construct_true),
    ("int", r"[-+]?[0-9]+", "-+0123456789", _Loader.construct_whole),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+0123456789.",
        _Loader.construct_number,
    ),
]
"""YAML 1.2's core schema: tag, how it looks, its first letters, how it is made. Texts are what is left."""
for _name, _look, _first, _make in _CORE:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_look})$"), ["", *_first])
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _make)
_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.construct_list)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_dict)


def _is_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _unlike_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {quoted(twice)} comes twice")
    return values


def _flaw(value: Any) -> str | None:
    """What of a JSON value Python reads and neither it nor anything else can write again."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            return f"its JSON is nested more than {DEEPEST} deep"
        held: list[Any] = []
        for one in level:
            if isinstance(one, str):
                if not one.isascii() and any("\ud800" <= letter <= "\udfff" for letter in one):
                    return "a text in its JSON holds half of a surrogate pair"
            elif isinstance(one, float):
                if one - one != 0:
                    return "a number in its JSON is too large"
            elif isinstance(one, dict):
                held += one
                held += one.values()
            elif isinstance(one, list):
                held += one
        level = held
        depth += 1
    return None


def _reason(error: Exception) -> str:
    """Why an operation failed, in a few words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
