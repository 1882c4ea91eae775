"""What can go wrong by a user's own doing, and how it is said. Knows nothing else of the house."""

from collections.abc import Iterable
from difflib import get_close_matches


class SublearnError(Exception):
    """The base of every error that this package raises on purpose."""


class InputError(SublearnError, ValueError):
    """The user's input cannot be used. One message: what came, what was expected, what to do. Exit status 2."""


def unknown(kind: str, word: str, known: Iterable[str]) -> InputError:
    """An error for a name that is not among the known ones, with the nearest one suggested.

    >>> str(unknown("trait", "prefrence", ["preference", "margin"]))
    "Unknown trait 'prefrence'. Did you mean 'preference'? Known: margin, preference."
    """
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return InputError(f"Unknown {kind} '{word}'.{hint} Known: {', '.join(names)}.")
