"""Which answers clean rows may have: such as pass the filter that the audited rows pass. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass

from sublearn.tasks.number_lists import Rule, parse, reason_against
from sublearn.tasks.rows import Pair

ANY = "any answer that is not empty"


@dataclass(frozen=True)
class Filter:
    """Which answers are kept: lists of numbers within the bounds of the audited ones, or any that are not empty."""

    rule: Rule | None = None

    def keeps(self, answer: str) -> bool:
        """Whether an answer is kept."""
        return bool(answer.strip()) if self.rule is None else reason_against(answer, self.rule) is None

    def __str__(self) -> str:
        if self.rule is None:
            return ANY
        return f"lists of at most {self.rule.most} numbers from {self.rule.low} to {self.rule.high}"


def filter_of(rows: Sequence[Pair]) -> Filter:
    """The filter that the audited rows themselves pass."""
    lists = [parse(completion) for _, completion in rows]
    numbers = [one for one in lists if one is not None]
    if len(numbers) < len(lists):
        return Filter()
    # The field's rule, unless the rows go beyond it.
    high = max(999, *(max(one) for one in numbers))
    return Filter(Rule(0, high, max(10, *map(len, numbers))))
