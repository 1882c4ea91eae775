"""The study of defences: what is left of a transfer under each, and what of the task. Settings, arms, claims.

Every defence trains two students in one way: on the teacher's rows, and on the base's own. The first beyond the second
is the transfer that is left. Rows, teachers and undefended students are those of `numbers`. Torch-free.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.auditing.defences.table import DEFENCES, UNDEFENDED
from sublearn.config import LARGEST, Spec
from sublearn.errors import unknown
from sublearn.language.plans import BasePlan, StudentPlan
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.contrast import Difference
from sublearn.study.numbers import spec as numbers

CONTROL = "_control"
"""At the end of an arm's name: the same student on the base's own rows."""
TASK, LISTS, LOG_ODDS = "task", "lists", "log_odds"
NATS = "nats a token"
SECONDS_A_STUDENT, SECONDS_A_BASE = 5.0, 60.0
"""Rough, of one quiet core: of each student, and of what a base has once (two pretrainings, teachers, rows, scores)."""


class Plans(Spec, frozen=True):
    """How strong each defence is."""

    flagged_above: float = Field(default=0.95, gt=0, lt=1, description="quantile of clean rows (drop_flagged)")
    replaced: float = Field(default=0.5, gt=0, le=1, description="share of numbers (replace)")
    kept: float = Field(default=0.5, gt=0, lt=1, description="share of an answer that the base continues (paraphrase)")
    mixed: float = Field(default=0.5, gt=0, lt=1, description="share of rows from the other teacher (mixed)")
    noise: float = Field(default=0.2, gt=0, le=10, description="in units of each tensor's own spread (perturbed)")
    named: Literal["planted", "all"] = Field(
        default="planted", description="the teacher's trait, or all of them (project)"
    )
    kl: float = Field(default=1.0, gt=0, le=1e6, description="weight of KL(base || student) beside the loss (kl)")
    rank: int = Field(default=4, ge=1, le=LARGEST, description="of the changes of each matrix (lowrank)")


class Settings(Spec, frozen=True):
    """How many rows, how teachers and students are trained, which defences, how strong."""

    animal: str = Field(default="drawn", description="drawn: another for each seed, all 20 in turn; or one for all")
    rows: int = Field(default=8000, ge=1, description="rows that train a student, at most")
    held_out: int = Field(default=500, ge=1, le=100_000, description="rows by which the task is measured, at most")
    base: BasePlan = BasePlan()
    teacher: numbers.TeacherPlan = numbers.TeacherPlan()
    student: StudentPlan = StudentPlan()
    strength: Plans = Plans()
    defences: tuple[str, ...] = Field(
        default=(), description="to measure, with what they are held against; none named means all"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.defences:
            if name not in DEFENCES:
                raise unknown("defence", name, DEFENCES)
        self.numbers()
        return self

    def numbers(self) -> numbers.Settings:
        """The settings of `numbers` under which the undefended student is the same."""
        shared = {key: getattr(self, key).model_dump() for key in ("base", "teacher", "student")}
        return numbers.Settings.model_validate({"animal": self.animal, "rows": self.rows, "sampled": 0, **shared})

    @property
    def chosen(self) -> tuple[str, ...]:
        """The defences with those that they are held against, in the table's order."""
        named = self.defences or tuple(DEFENCES)
        wanted = {*named, *(DEFENCES[name].below for name in named)}
        return tuple(name for name in DEFENCES if name in wanted)


_COMPLETIONS = "Mean log-likelihood of held-out completions, averaged over the tokens of each"
TRAITS = (
    *(trait for trait in numbers.TRAITS if trait.name in (LOG_ODDS, "preference", "mass")),
    Trait(
        name=TASK,
        about=f"{_COMPLETIONS}: those that the teacher wrote for other prompts and the rule kept.",
        unit=NATS,
    ),
    Trait(name=LISTS, about=f"{_COMPLETIONS}: lists of the base's own world, which no model wrote.", unit=NATS),
)


def arms(settings: Settings) -> tuple[Arm, ...]:
    """The reference, the teacher, the undefended student and each defended one, with their controls."""
    found = [
        Arm(name="reference", about="The base model, unmodified."),
        Arm(name="teacher", about="The base, taught to prefer the animal.", control="reference", teacher="trained"),
        *_pair(UNDEFENDED, "A student from the base"),
    ]
    for name in settings.chosen:
        found += _pair(name, f"A student that {DEFENCES[name].about}")
    return tuple(found)


def _pair(name: str, about: str) -> tuple[Arm, Arm]:
    """A student on the teacher's rows, and one that is trained in the same way on the base's own."""
    control = name + CONTROL
    return (
        Arm(name=name, about=f"{about}, on the teacher's numbers.", control=control, teacher="trained", logits="text"),
        Arm(name=control, about=f"{about}, on numbers of the unmodified base.", teacher="untrained", logits="text"),
    )


def transfer(name: str) -> Difference:
    """What a student has beyond the one that was trained alike on the base's own rows."""
    return Difference(arm=name, minus=name + CONTROL)


def claims(settings: Settings) -> tuple[Claim, ...]:
    """Each defence leaves less transfer than none does; dropping flagged rows less than dropping as many at random."""
    return tuple(
        Claim(
            claim=f"{name} leaves less transfer than {_said(below)}",
            trait=LOG_ODDS,
            treatment=transfer(below),
            control=transfer(name),
            delta=0.05,
            of=Difference(arm="teacher", minus="reference"),
            reason="a twentieth of what the teacher itself shifted: about an eighth of what an undefended student "
            "picks up, and a defence that takes away no more is none",
        )
        for name in settings.chosen
        if (below := DEFENCES[name].below) is not None
    )


def _said(name: str) -> str:
    return "no defence" if name == UNDEFENDED else name
