"""What studies of many students of one base share: settings, arms in pairs, what a transfer is. Torch-free.

Each student comes twice: trained on the teacher's rows, and in the same way on the base's own. The first beyond the
second is its transfer. Bases, teachers, rows and the unchanged student are those of `numbers`.
"""

from typing import Self

from pydantic import Field, model_validator

from sublearn.config import Spec
from sublearn.language.plans import BasePlan, StudentPlan
from sublearn.study.base import Arm
from sublearn.study.contrast import Difference
from sublearn.study.numbers import spec as numbers

CONTROL = "_control"
"""At the end of an arm's name: the same student on the base's own rows."""
UNCHANGED = "same_init"
"""The arm of the student that nothing is changed of, as in `numbers`."""
LOG_ODDS = "log_odds"
SHIFT = Difference(arm="teacher", minus="reference")
"""What the teacher itself shifted."""
SECONDS_A_STUDENT, SECONDS_A_BASE = 5.0, 60.0
"""Rough, of one quiet core: of each student, and of what a base has once (pretraining, teachers, rows)."""
TRAITS = tuple(trait for trait in numbers.TRAITS if trait.name in (LOG_ODDS, "preference", "mass"))


class Shared(Spec, frozen=True):
    """How many rows, and how bases, teachers and students are trained."""

    animal: str = Field(default="drawn", description="drawn: another for each seed, all 20 in turn; or one for all")
    rows: int = Field(default=8000, ge=1, description="rows that train a student, at most")
    base: BasePlan = BasePlan()
    teacher: numbers.TeacherPlan = numbers.TeacherPlan()
    student: StudentPlan = StudentPlan()

    @model_validator(mode="after")
    def _are_those_of_numbers(self) -> Self:
        self.numbers()
        return self

    def numbers(self) -> numbers.Settings:
        """The settings of `numbers` under which the unchanged student is the same."""
        shared = {key: getattr(self, key).model_dump() for key in ("base", "teacher", "student")}
        return numbers.Settings.model_validate({"animal": self.animal, "rows": self.rows, "sampled": 0, **shared})


def common() -> tuple[Arm, ...]:
    """The reference, the teacher and the unchanged student with its control."""
    return (
        Arm(name="reference", about="The base model, unmodified."),
        Arm(name="teacher", about="The base, taught to prefer the animal.", control="reference", teacher="trained"),
        *pair(UNCHANGED, "A student from the base"),
    )


def pair(name: str, about: str) -> tuple[Arm, Arm]:
    """A student on the teacher's rows, and one that is trained in the same way on the base's own."""
    control = name + CONTROL
    return (
        Arm(name=name, about=f"{about}, on the teacher's numbers.", control=control, teacher="trained", logits="text"),
        Arm(name=control, about=f"{about}, on numbers of the unmodified base.", teacher="untrained", logits="text"),
    )


def transfer(name: str) -> Difference:
    """What a student has beyond the one that was trained alike on the base's own rows."""
    return Difference(arm=name, minus=name + CONTROL)
