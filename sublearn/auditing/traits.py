"""Candidate traits: questions, and the answers to compare. Torch-free.

Each answer of a group is one candidate trait: its log-odds against the group's other answers, over the questions.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from sublearn.config import Spec
from sublearn.errors import InputError
from sublearn.files.reading import typed, yaml_file, yaml_value
from sublearn.tasks.vocabulary import ANIMALS, CATEGORIES, questions

Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
MOST = 1_000
COMMON = "preferences.yaml"


class Group(Spec, frozen=True):
    """Questions of one kind, and the answers among which one may be preferred."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"\S")]
    questions: tuple[Text, ...] = Field(min_length=1, max_length=MOST)
    answers: tuple[Annotated[str, Field(min_length=1, max_length=60, pattern=r"\S")], ...] = Field(
        min_length=2, max_length=MOST
    )

    @property
    def stated(self) -> tuple[str, ...]:
        """A system prompt for each answer that states it: a question that is asked and answered before."""
        return tuple(f"{self.questions[0]} {answer}" for answer in self.answers)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        twice = [answer for answer, count in Counter(map(str.lower, self.answers)).items() if count > 1]
        if twice:
            raise ValueError(f"the answer {twice[0]!r} comes twice")
        return self


class Candidates(Spec, frozen=True):
    """All groups of candidate traits."""

    traits: tuple[Group, ...] = Field(min_length=1, max_length=MOST)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        names = [group.name for group in self.traits]
        if len(set(names)) < len(names):
            raise ValueError("two groups of traits have one name")
        return self

    @property
    def stated(self) -> tuple[str, ...]:
        """A system prompt for each trait that states it."""
        return tuple(one for group in self.traits for one in group.stated)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """One name a trait: the answer, with its group's name where an answer comes in several groups."""
        often = Counter(answer for group in self.traits for answer in group.answers)
        return tuple(
            answer if often[answer] == 1 else f"{group.name}: {answer}"
            for group in self.traits
            for answer in group.answers
        )

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each group's traits stand among all."""
        found, start = [], 0
        for group in self.traits:
            found.append(slice(start, start + len(group.answers)))
            start += len(group.answers)
        return tuple(found)


def animals() -> Candidates:
    """Those of the tiny world: its animals."""
    return of_groups([Group(name="animal", questions=tuple(questions("animal")), answers=ANIMALS)])


def common() -> Candidates:
    """Fifty preferences that people and models commonly have."""
    text = (files("sublearn.auditing") / COMMON).read_text(encoding="utf-8")
    return typed(Candidates, yaml_value(text, COMMON), COMMON)


def more_questions(tiny: bool) -> tuple[str, ...]:
    """Questions of many kinds that any word may answer: of all that a tiny world has favourites of, or common ones."""
    if tiny:
        return tuple(question for category in CATEGORIES for question in questions(category))
    return tuple(question for group in common().traits for question in group.questions)


def of_groups(groups: Sequence[Group]) -> Candidates:
    """Groups as candidates."""
    return Candidates(traits=tuple(groups))


def read(path: Path) -> Candidates:
    """The candidate traits of a YAML file. Raises InputError for anything else.

    It holds `traits: [{name: ..., questions: [...], answers: [...]}, ...]`.
    """
    value = yaml_file(path, "the traits")
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no traits; expected traits: [{{name: ..., questions: [...], answers: [...]}}].")
    return typed(Candidates, value, str(path))
