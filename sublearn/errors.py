"""What can go wrong by a user's own doing, and how it is said. Knows nothing else of the house."""

from collections.abc import Iterable
from difflib import get_close_matches

FOR_PROGRAMMERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
"""Warnings of names that a package is about to drop: an error in our tests, nothing that a user can act on."""
LONGEST_MESSAGE = 2_000
LONGEST_QUOTE = 60


class SublearnError(Exception):
    """The base of every error that this package raises on purpose. Its message is one printable, bounded line."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message, LONGEST_MESSAGE))


class InputError(SublearnError, ValueError):
    """The user's input cannot be used. One message: what came, what was expected, what to do. Exit status 2."""


def unknown(kind: str, word: str, known: Iterable[str]) -> InputError:
    """An error for a name that is not among the known ones, with the nearest one suggested.

    >>> str(unknown("trait", "prefrence", ["preference", "margin"]))
    "Unknown trait 'prefrence'. Did you mean 'preference'? Known: margin, preference."
    """
    names = sorted(known)
    word = plain(word, LONGEST_QUOTE)
    near = get_close_matches(word, names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return InputError(f"Unknown {kind} '{word}'.{hint} Known: {', '.join(names)}.")


def plain(text: object, most: int | None = None) -> str:
    """Any text as one line without control characters, fit for a terminal and for XML; of `most` letters at most.

    >>> plain("two\\nlines\\x1b[31m"), plain("0123456789", 5)
    ('two lines [31m', '01…89')
    """
    whole = str(text)
    if most is not None and len(whole) > 4 * most:
        whole = f"{whole[: 2 * most]} {whole[-2 * most :]}"
    if not whole.isprintable():
        whole = "".join(letter if letter.isprintable() else " " for letter in whole)
    line = " ".join(whole.split())
    if most is None or len(line) <= most:
        return line
    half = (most - 1) // 2
    return f"{line[: most - 1 - half]}…{line[-half:]}"


def printable(text: str) -> str:
    """The lines of a text without control characters, fit for a terminal; spaces stay.

    >>> printable("a  b\\n\\x1b[31mc")
    'a  b\\n [31mc'
    """
    return "\n".join(
        line if line.isprintable() else "".join(letter if letter.isprintable() else " " for letter in line)
        for line in text.split("\n")
    )


def quoted(value: object) -> str:
    """A foreign value as a message quotes it: its repr, in one line of at most 60 letters.

    >>> quoted("x" * 1000) == "'" + "x" * 29 + "…" + "x" * 28 + "'"
    True
    """
    # Cut before repr, which would spell out a text of any length.
    shown = repr(plain(value, LONGEST_QUOTE)) if isinstance(value, str) else repr(value)
    return plain(shown, LONGEST_QUOTE)
