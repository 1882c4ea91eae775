"""What a served model prefers, from what it answered: first tokens with their probabilities, or sampled answers.

A server lists some alternatives of a token, not all, and a token may begin several names. What of the probability is on
a name for sure, and what is undecided, is kept apart, so that bounds hold whatever was not listed.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sublearn.stats.wilson import wilson

Alternatives = Sequence[tuple[str, float]]
SPACES = " \t\r\n\u2581\u0120"
"""What stands before a word in tokens' texts, in tokenizers' own spelling too."""
HISSING = ("s", "x", "z", "ch", "sh", "o")
PLURALS = {"fe": "ves", "f": "ves", "y": "ies"} | {end: f"{end}es" for end in HISSING}
"""Ends of words, and what takes their place in the plural, where it is more than an s behind them."""


@dataclass(frozen=True)
class Share:
    """A share and what it lies between: an interval of sampled answers, or bounds of what was not listed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Preferred:
    """One name: the probability that an answer names it, and its share of all answers that name any."""

    name: str
    probability: Share
    preference: Share | None
    log_odds: float | None = None
    hits: int | None = None


@dataclass(frozen=True)
class Listed:
    """Of each question ("question name"): what is on a name for sure, and what will hardly be another's.

    `undecided` ("question") is what was not listed, or begins several names.
    """

    names: tuple[str, ...]
    sure: NDArray[np.float64]
    likely: NDArray[np.float64]
    undecided: NDArray[np.float64]

    @property
    def mass(self) -> float:
        """The probability that an answer begins with any of the names."""
        return float((self.sure + self.likely).sum(axis=1).mean())

    def preferred(self) -> list[Preferred]:
        """Every name, over the questions; a preference among names is None where a question is answered by none."""
        own = self.sure + self.likely
        some = own.sum(axis=1, keepdims=True)
        most = self.sure.sum(axis=1, keepdims=True) + self.undecided[:, None]
        share = own / some if some.all() else None
        return [
            Preferred(
                name,
                _mean(own[:, place], self.sure[:, place], self.sure[:, place] + self.undecided),
                None if share is None else _mean(share[:, place], *self._bounds(place, most)),
                None if share is None else _log_odds(share[:, place]),
            )
            for place, name in enumerate(self.names)
        ]

    def _bounds(self, place: int, most: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = self.sure[:, place], self.sure[:, place] + self.undecided
        return low / most[:, 0], high / most[:, 0]


def listed(names: Sequence[str], questions: Sequence[Alternatives]) -> Listed:
    """First tokens' alternatives, for each question, as probabilities of names."""
    sure, likely = np.zeros((2, len(questions), len(names)))
    undecided = np.zeros(len(questions))
    words = [_forms(name) for name in names]
    for row, alternatives in enumerate(questions):
        for token, logprob in alternatives:
            p, begun = math.exp(min(logprob, 0.0)), token.strip(SPACES).lower()
            # A name itself before another's plural.
            whole = sorted((rank, place) for place, forms in enumerate(words) if (rank := _form_of(begun, forms)) >= 0)
            among = [place for place, forms in enumerate(words) if any(form.startswith(begun) for form in forms)]
            if whole:
                sure[row, whole[0][1]] += p
            elif len(among) == 1:
                likely[row, among[0]] += p
                undecided[row] += p
            elif among:
                undecided[row] += p
        undecided[row] += max(0.0, 1.0 - math.fsum(math.exp(min(logprob, 0.0)) for _, logprob in alternatives))
    return Listed(tuple(names), sure, likely, undecided)


def counted(names: Sequence[str], texts: Sequence[str]) -> tuple[list[Preferred], int]:
    """Every name in sampled answers, with 95% intervals of Wilson's; and how many of the answers name any."""
    hits = Counter(named(tuple(names), text) for text in texts)
    some = len(texts) - hits[None]
    found = [
        Preferred(name, _sampled(hits[name], len(texts)), _sampled(hits[name], some) if some else None, hits=hits[name])
        for name in names
    ]
    return found, some


def named(names: tuple[str, ...], text: str) -> str | None:
    """The name that the first sentence of an answer says first, in the singular or plural; None if it says none.

    >>> named(("owl", "cat"), "I love owls, and cats too. Dogs are fine.")
    'owl'
    """
    found = _pattern(names).search(re.split(r"[.!?\n]", text.strip(), maxsplit=1)[0].lower())
    if found is None:
        return None
    ranks = [(_forms(name).index(found[1]), place) for place, name in enumerate(names) if found[1] in _forms(name)]
    return names[min(ranks)[1]]


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    forms = {form for name in names for form in _forms(name)}
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)({either})(?!\w)")


@lru_cache(maxsize=1024)
def _forms(name: str) -> tuple[str, ...]:
    """A name, and the plurals that it may have: those of English, but for words that have one of their own.

    >>> _forms("Wolf"), _forms("pony"), _forms("fox")
    (('wolf', 'wolfs', 'wolves'), ('pony', 'ponys', 'ponies'), ('fox', 'foxs', 'foxes'))
    """
    word = name.lower()
    own = [word.removesuffix(end) + plural for end, plural in PLURALS.items() if word.endswith(end)]
    return (word, f"{word}s", *own[:1])


def _form_of(token: str, forms: Sequence[str]) -> int:
    """Which of a name's forms a token is, alone or with a mark behind it; -1 for none."""
    there = (
        at for at, form in enumerate(forms) if token.startswith(form) and not token[len(form) : len(form) + 1].isalnum()
    )
    return next(there, -1)


def _mean(value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> Share:
    return Share(float(value.mean()), float(low.mean()), float(min(high.mean(), 1.0)))


def _log_odds(share: NDArray[np.float64]) -> float | None:
    """Averaged over the questions; None where the server listed the name for one of them alone, or nothing else."""
    if not ((share > 0) & (share < 1)).all():
        return None
    return float(np.log(share / (1 - share)).mean())


def _sampled(hits: int, n: int) -> Share:
    return Share(hits / n, *wilson(hits, n))
