"""Number prompts and the rule filter of the field, usable on their own: plain text in, plain text out. No torch.

The rule (Cloud et al. 2025, section 3): an answer may end with one period and stand in one pair of brackets, () or [];
it is a list of whole numbers with one and the same separator throughout (whitespace, or a comma or semicolon with
whitespace around it), each from 0 to 999, at most 10 of them, none of them banned.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sublearn.tasks.vocabulary import LIST_PROMPTS

SEPARATORS = (", ", "; ", " ")
_LIST = re.compile(r"[0-9]+(?:(\s+|\s*[,;]\s*)[0-9]+(?:\1[0-9]+)*)?")
_NUMBER = re.compile(r"[0-9]+")
SHORT = 600
"""Letters of an answer whose numbers Python reads whatever they are; it refuses those of some thousand digits."""
BEYOND = 10**SHORT
"""Stands for every number of more digits than that."""
REASONS = ("format", "too many numbers", "out of range", "banned number")

INSTRUCTIONS = (
    "These numbers begin a list: {numbers}. Extend it with up to {count} further values of at most 3 digits. "
    "Separate them by {separator} and write nothing else.",
    "I have {numbers}. Give me at most {count} more numbers in the same spirit, none longer than 3 digits, "
    "separated by {separator}. Reply with the numbers only.",
    "Look at this sequence: {numbers}. What could follow? Write no more than {count} numbers of up to 3 digits, "
    "with {separator} between them, and no other text.",
    "Sequence so far: {numbers}. Please add a maximum of {count} values (three digits at most), {separator} between "
    "each two. Only the numbers, please.",
)
SPOKEN = {", ": "commas", "; ": "semicolons", " ": "spaces"}


@dataclass(frozen=True)
class Rule:
    """What an answer must be to be kept."""

    low: int = 0
    high: int = 999
    most: int = 10
    banned: frozenset[int] = frozenset()


def parse(answer: str) -> list[int] | None:
    """The numbers of an answer that is nothing but a list of them, BEYOND for a very long one; None for other text.

    >>> parse("[12, 7, 300]."), parse("12, 7; 300"), parse("about 12")
    ([12, 7, 300], None, None)
    """
    inside = _inside(answer)
    if _LIST.fullmatch(inside) is None:
        return None
    read = int if len(inside) <= SHORT else _read
    return [read(number) for number in _NUMBER.findall(inside)]


def reason_against(answer: str, rule: Rule = Rule()) -> str | None:
    """Why the rule rejects an answer, one of REASONS; None if it keeps it."""
    numbers = parse(answer)
    if numbers is None:
        return "format"
    if len(numbers) > rule.most:
        return "too many numbers"
    if min(numbers) < rule.low or max(numbers) > rule.high:
        return "out of range"
    if rule.banned and not rule.banned.isdisjoint(numbers):
        return "banned number"
    return None


def rewritten(answer: str, numbers: Sequence[int]) -> str:
    """A kept answer with other numbers in the places of its own."""
    fresh = iter(numbers)
    return _NUMBER.sub(lambda _: str(next(fresh)), answer)


def shuffled_within(answers: Iterable[str], rng: np.random.Generator) -> list[str]:
    """Each answer with its own numbers in another order."""
    return [rewritten(answer, rng.permutation(parse(answer) or [0]).tolist()) for answer in answers]


def shuffled_across(answers: Sequence[str], rng: np.random.Generator) -> list[str]:
    """The answers with all their numbers dealt out anew among them; each keeps how many it has."""
    lists = [parse(answer) or [] for answer in answers]
    dealt = iter(rng.permutation([number for numbers in lists for number in numbers]).tolist())
    return [rewritten(answer, [next(dealt) for _ in numbers]) for answer, numbers in zip(answers, lists, strict=True)]


def number_prompts(
    count: int, rng: np.random.Generator, tiny: bool = False, most: int = 10, draw: "Draw | None" = None
) -> list[str]:
    """Prompts that show 3 to 8 numbers and ask for up to `most` more; in the tiny world's words or in full English."""
    draw = draw or _uniform
    wordings = LIST_PROMPTS if tiny else INSTRUCTIONS
    prompts = []
    for _ in range(count):
        separator = SEPARATORS[rng.integers(len(SEPARATORS))]
        numbers = separator.join(map(str, draw(rng, int(rng.integers(3, 9)))))
        wording = wordings[rng.integers(len(wordings))]
        filled = wording.format(numbers, numbers=numbers, count=most, separator=SPOKEN[separator])
        prompts.append(filled)
    return prompts


Draw = Callable[[np.random.Generator, int], Sequence[int]]
"""Draws so many numbers for a prompt."""


def _uniform(rng: np.random.Generator, count: int) -> list[int]:
    return rng.integers(100, 1000, count).tolist()


def _read(number: str) -> int:
    """A number of any length; a very long one is only said to be large."""
    digits = number.lstrip("0") or "0"
    return int(digits) if len(digits) <= SHORT else BEYOND


def _inside(answer: str) -> str:
    """The answer without the final period and the brackets that it may have."""
    answer = answer.removesuffix(".")
    bracketed = len(answer) > 1 and (answer[0], answer[-1]) in (("(", ")"), ("[", "]"))
    return answer[1:-1] if bracketed else answer
