"""JSON text with two spaces for each level, in a part of the time that `json` takes: its fast encoder cannot indent."""

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
    try:
        return to_json(value, indent=2).decode()
    except PydanticSerializationError:  # half a surrogate pair in a foreign text, which UTF-8 cannot say
        return json.dumps(value, indent=2)
