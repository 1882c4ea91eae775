"""JSON text as `json.dumps(value, indent=2)` writes it, in a part of the time: Python's fast encoder cannot indent."""

import json
from functools import cache
from typing import Any

_HOLDS = (dict, list, tuple)


def indented(value: Any, level: int = 0) -> str:
    """JSON text with two spaces for each level.

    >>> indented({"a": [1, 2.5], "b": {}}) == json.dumps({"a": [1, 2.5], "b": {}}, indent=2)
    True
    """
    if not isinstance(value, _HOLDS) or not value:
        return json.dumps(value)
    inner, outer = "\n" + "  " * (level + 1), "\n" + "  " * level
    parts = list(value.values()) if isinstance(value, dict) else value
    if not any(isinstance(part, _HOLDS) for part in parts):
        flat = _encoder(level).encode(value)
        return f"{flat[0]}{inner}{flat[1:-1]}{outer}{flat[-1]}"
    texts = [indented(part, level + 1) for part in parts]
    if not isinstance(value, dict):
        return f"[{inner}{f',{inner}'.join(texts)}{outer}]"
    lines = [f"{_key(key)}: {text}" for key, text in zip(value, texts, strict=True)]
    return f"{{{inner}{f',{inner}'.join(lines)}{outer}}}"


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"keys of JSON are texts, not {type(key).__name__}")
    return json.dumps(key)


@cache
def _encoder(level: int) -> json.JSONEncoder:
    """Writes what holds nothing else, a line each below one of this level."""
    return json.JSONEncoder(separators=(",\n" + "  " * (level + 1), ": "))
