"""The study of mechanisms: settings, arms, traits and claims, all from its table. Torch-free."""

from typing import Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Spec
from sublearn.errors import unknown
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.mechanisms.parts import COSINE
from sublearn.study.mechanisms.table import EVERY, GROUPS, MECHANISMS, STUDENTS
from sublearn.study.students import spec as students
from sublearn.study.students.spec import SECONDS_A_BASE, SECONDS_A_STUDENT, Shared, common, pair

SECONDS_OF_MORE = {
    "greedy": 15.0,
    "rewriting": 20.0,
    "optimizer": 100.0,
    "generations": 30.0,
    "ten_generations": 70.0,
    "two_traits": 5.0,
    "size": 220.0,
    "fifths": 5.0,
    "half": 10.0,
    "progress": 60.0,
}
"""Rough, beside students: of rows that are written, of SGD's further steps, and of other bases."""


class Strength(Spec, frozen=True):
    """How strong each change is, and how far it is looked."""

    kept: float = Field(default=0.5, gt=0, lt=1, description="share of an answer that the base continues (rewriting)")
    mixed: float = Field(default=0.5, gt=0, lt=1, description="share of rows from the other teacher (rewriting)")
    selected: float = Field(default=0.2, gt=0, lt=0.5, description="share of the base's rows (selection)")
    vector_lr: float = Field(default=1e-2, gt=0, description="of the one vector that learns (vector)")
    shifted: int = Field(
        default=512,
        ge=1,
        le=LARGEST,
        description="rows on which shifts and losses are measured (vector, optimizer, progress)",
    )
    sign: float = Field(
        default=0.25, gt=0, le=1, description="SignSGD's rate in units of AdamW's (optimizer, progress)"
    )
    patience: int = Field(default=5, ge=1, le=1000, description="times AdamW's steps, at most (optimizer, progress)")


class Settings(Shared, frozen=True):
    """How many rows, how teachers and students are trained, which mechanisms, how strong."""

    strength: Strength = Strength()
    mechanisms: tuple[str, ...] = Field(default=(), description="to ask about; none named: the ten of the first table")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        for name in self.mechanisms:
            if name not in EVERY:
                raise unknown("mechanism", name, [*EVERY, *GROUPS])
        if "vector" in self.chosen and self.base.family != "gpt2":
            raise ValueError(
                "the mechanism vector needs a bias in each block, which base.family llama has not; name others"
            )
        return self

    @property
    def chosen(self) -> tuple[str, ...]:
        """The mechanisms in the table's order."""
        return tuple(name for name in EVERY if name in (self.mechanisms or MECHANISMS))


TRAITS = (
    *students.TRAITS,
    Trait(
        name=COSINE,
        about="Cosine of how far the middle block's output on the teacher's rows lies from the base's, on average, "
        "with the same of the teacher.",
        unit="cosine",
        chance=0.0,
    ),
)


def traits(settings: Settings) -> tuple[Trait, ...]:
    """What is measured of each arm."""
    return (*TRAITS, *(trait for name in settings.chosen for trait in EVERY[name].traits))


def arms(settings: Settings) -> tuple[Arm, ...]:
    """The reference, the teacher, the unchanged student and every mechanism's, with their controls."""
    names = dict.fromkeys(name for one in settings.chosen for name in EVERY[one].students)
    return (*common(), *(arm for name in names for arm in _arms(name)))


def _arms(name: str) -> tuple[Arm, ...]:
    one = STUDENTS[name]
    about = f"A student that {one.about}"
    if not one.taught:
        return (Arm(name=name, about=f"{about}.", teacher="untrained", logits="text"),)
    if one.control is None:
        return pair(name, about)
    return (Arm(name=name, about=f"{about}.", control=one.control, teacher="trained", logits="text"),)


def claims(settings: Settings) -> tuple[Claim, ...]:
    """Every claim of the mechanisms."""
    return tuple(claim for name in settings.chosen for claim in EVERY[name].claims)


def seconds(settings: Settings) -> float:
    """What one base takes, roughly, on one quiet core."""
    count = sum(arm.logits != "none" for arm in arms(settings))
    more = sum(SECONDS_OF_MORE.get(name, 0.0) for name in settings.chosen)
    return SECONDS_A_BASE + SECONDS_A_STUDENT * count + more
