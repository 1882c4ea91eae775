"""JSON text in a part of the time that `json` takes, whose fast encoder cannot indent."""

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_json


def indented(value: Any) -> str:
    """JSON text with two spaces for each level.

    >>> print(indented({"a": [1, 2.5], "b": {}}))
    {
      "a": [
        1,
        2.5
      ],
      "b": {}
    }
    """
    return _text(value, 2)


def a_line(value: Any) -> str:
    """JSON text on one line.

    >>> a_line({"a": [1, 2.5], "b": {}})
    '{"a":[1,2.5],"b":{}}'
    """
    return _text(value, None)


def _text(value: Any, indent: int | None) -> str:
    try:
        return to_json(value, indent=indent).decode()
    except PydanticSerializationError:  # half a surrogate pair in a foreign text, which UTF-8 cannot say
        return json.dumps(value, indent=indent)
