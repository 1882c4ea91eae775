"""The study of defences: what is left of a transfer under each, and what of the task. Settings, arms, claims.

Every defence trains two students in one way: on the teacher's rows, and on the base's own. The first beyond the second
is the transfer that is left. Rows, teachers and undefended students are those of `numbers`. Torch-free.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.auditing.defences.table import DEFENCES, UNDEFENDED
from sublearn.config import LARGEST, Spec
from sublearn.errors import unknown
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.students import spec as students
from sublearn.study.students.spec import LOG_ODDS, SHIFT, Shared, common, pair, transfer

TASK, LISTS = "task", "lists"
NATS = "nats a token"


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


class Settings(Shared, frozen=True):
    """How many rows, how teachers and students are trained, which defences, how strong."""

    held_out: int = Field(default=500, ge=1, le=100_000, description="rows by which the task is measured, at most")
    strength: Plans = Plans()
    defences: tuple[str, ...] = Field(
        default=(), description="to measure, with what they are held against; none named means all"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.defences:
            if name not in DEFENCES:
                raise unknown("defence", name, DEFENCES)
        return self

    @property
    def chosen(self) -> tuple[str, ...]:
        """The defences with those that they are held against, in the table's order."""
        named = self.defences or tuple(DEFENCES)
        wanted = {*named, *(DEFENCES[name].below for name in named)}
        return tuple(name for name in DEFENCES if name in wanted)


_COMPLETIONS = "Mean log-likelihood of held-out completions, averaged over the tokens of each"
TRAITS = (
    *students.TRAITS,
    Trait(
        name=TASK,
        about=f"{_COMPLETIONS}: those that the teacher wrote for other prompts and the rule kept.",
        unit=NATS,
    ),
    Trait(name=LISTS, about=f"{_COMPLETIONS}: lists of the base's own world, which no model wrote.", unit=NATS),
)


def arms(settings: Settings) -> tuple[Arm, ...]:
    """The reference, the teacher, the undefended student and each defended one, with their controls."""
    defended = (pair(name, f"A student that {DEFENCES[name].about}") for name in settings.chosen)
    return (*common(), *(arm for own in defended for arm in own))


def claims(settings: Settings) -> tuple[Claim, ...]:
    """Each defence leaves less transfer than none does; dropping flagged rows less than dropping as many at random."""
    return tuple(
        Claim(
            claim=f"{name} leaves less transfer than {_said(below)}",
            trait=LOG_ODDS,
            treatment=transfer(below),
            control=transfer(name),
            delta=0.05,
            of=SHIFT,
            reason="a twentieth of what the teacher itself shifted: about an eighth of what an undefended student "
            "picks up, and a defence that takes away no more is none",
        )
        for name in settings.chosen
        if (below := DEFENCES[name].below) is not None
    )


def _said(name: str) -> str:
    return "no defence" if name == UNDEFENDED else name
