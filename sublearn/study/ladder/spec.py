"""The way from the tutorial's design to the controlled one, one change a rung. Torch-free; `train` runs it."""

from typing import Any, Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Size, Spec, TrainConfig
from sublearn.study.base import Arm, Claim
from sublearn.study.contrast import Difference
from sublearn.study.controlled.spec import arms
from sublearn.study.prompts import spec as prompts

RUNGS = {
    "tutorial": "the tutorial's design: class logits, BatchNorm, four epochs, the teacher's own prompts",
    "aux": "auxiliary logits are imitated instead of the class logits",
    "no_norm": "no BatchNorm",
    "longer": "longer training: 20 epochs each, the student's rate doubled, no temperature",
    "held_out": "measured on prompts that the teacher was not trained on",
}
"""Each rung with the one thing that it changes; it keeps the changes of the rungs before it."""
GROUPS = {
    "tutorial": "the tutorial's design",
    "aux": "with auxiliary logits",
    "no_norm": "without BatchNorm",
    "longer": "with longer training",
    "held_out": "on held-out prompts",
}
"""What the arms of each rung are called together."""

STUDENTS = {
    "same_init": "same",
    "same_init_control": "same_control",
    "cross_init": "other",
    "cross_init_control": "other_control",
}
"""The students of the study `prompts` that stand on each rung, with their names there."""
NAMES = {"teacher": "teacher", "placebo_teacher": "placebo", **STUDENTS}
"""All arms of that study that stand on each rung: what its teacher itself shifts is what a transfer is measured by."""
SHORT = (TrainConfig(1e-3, 64, 4), TrainConfig(5e-4, 128, 4))
LONG = (TrainConfig(1e-3, 50, 20), TrainConfig(1e-3, 128, 20))
"""How the teacher and the students of a rung are trained."""


class Settings(Spec, frozen=True):
    """The tutorial's sizes; the rungs are fixed."""

    vocab_size: int = Field(default=1000, ge=43, le=LARGEST)
    seq_len: Size = 6
    embed_dim: Size = 32
    hidden: int = Field(default=128, ge=2, le=LARGEST)
    n_eval: int = Field(default=200, ge=2, le=LARGEST)
    n_unrelated: int = Field(default=1000, ge=2, le=LARGEST, description="unrelated prompts before the rule filter")
    aux_logits: int = Field(default=64, ge=1, le=4096, description="outputs that the teacher's training never touches")

    @model_validator(mode="after")
    def _first_rungs_can_be_normalized(self) -> Self:
        reason = SHORT[0].untrainable(self.n_eval)
        if reason:
            raise ValueError(f"{reason}; change n_eval")
        return self


def rung_settings(settings: Settings, rung: str) -> prompts.Settings:
    """The prompts study's settings on one rung."""
    reached = list(RUNGS)[: list(RUNGS).index(rung) + 1]
    longer = "longer" in reached
    teacher, student = LONG if longer else SHORT
    return prompts.Settings(
        **settings.model_dump(exclude={"aux_logits"}),
        aux_logits=settings.aux_logits if "aux" in reached else 0,
        logits="aux" if "aux" in reached else "class",
        batch_norm="no_norm" not in reached,
        temperature=1.0 if longer else 2.0,
        teacher=teacher,
        student=student,
        held_out="held_out" in reached,
    )


def rung_arms(rung: str) -> tuple[Arm, ...]:
    """The teachers and students of a rung with their controls, those of `prompts` under the ladder's names."""
    logits = "class" if rung == "tutorial" else "aux"
    return tuple(
        arm.model_copy(
            update={
                "name": f"{rung}_{NAMES[arm.name]}",
                "about": f"{arm.about.removesuffix('.')} ({RUNGS[rung]}).",
                "control": f"{rung}_{NAMES[arm.control]}" if arm.control else None,
                "group": GROUPS[rung],
            }
        )
        for arm in arms(logits, with_all=False)
        if arm.name in NAMES
    )


def uncontrolled_claim() -> Claim:
    return Claim(
        claim="tutorial, as it compares: the same init's margin is above the other init's",
        trait="margin",
        treatment="tutorial_same",
        control="tutorial_other",
        **_delta("tutorial"),
    )


def rung_claim(rung: str) -> Claim:
    return Claim(
        claim=f"{rung}: the same init's transfer exceeds the other's, each against its own control",
        trait="margin",
        treatment=Difference(arm=f"{rung}_same", minus=f"{rung}_same_control"),
        control=Difference(arm=f"{rung}_other", minus=f"{rung}_other_control"),
        **_delta(rung),
    )


def _delta(rung: str) -> dict[str, Any]:
    """The smallest difference that matters: so much of what the rung's own teacher shifted."""
    shift = Difference(arm=f"{rung}_teacher", minus=f"{rung}_placebo")
    return {"delta": prompts.MARGIN_DELTA, "of": shift, "reason": prompts.REASON}
