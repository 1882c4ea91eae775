"""What differs between versions of the language packages. Knows no model and no study."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

from sublearn.errors import FOR_PROGRAMMERS


def argument(function: Callable[..., Any], new: str, old: str) -> str:
    """The name of a renamed argument that the installed version knows."""
    return new if new in signature(function).parameters else old


@contextmanager
def others_deprecations() -> Iterator[None]:
    """Keep quiet about names that one package uses and another is about to drop: neither is ours or the user's."""
    with warnings.catch_warnings():
        for category in FOR_PROGRAMMERS:
            warnings.simplefilter("ignore", category)
        yield
