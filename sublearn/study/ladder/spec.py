"""The way from the tutorial's design to the controlled one, one change a rung. Torch-free; `train` runs it."""

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Size, Spec, TrainConfig
from sublearn.records import Record
from sublearn.study.base import Arm, Claim, Design, Setup, Small, Study
from sublearn.study.memory import Need, largest
from sublearn.study.prompts import spec as prompts

DELTA = 0.2
RUNGS = {
    "tutorial": "the tutorial's design: class logits, BatchNorm, four epochs, the teacher's own prompts",
    "aux": "auxiliary logits are imitated instead of the class logits",
    "no_norm": "no BatchNorm",
    "longer": "longer training: 20 epochs each, the student's rate doubled, no temperature",
    "held_out": "measured on prompts that the teacher was not trained on",
}
"""Each rung with the one thing that it changes; it keeps the changes of the rungs before it."""


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
    n_unrelated: int = Field(default=1000, ge=2, le=LARGEST)
    aux_logits: int = Field(default=64, ge=1, le=4096)

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


class Ladder(Design[Settings]):
    """Every rung, each by the controlled design on prompts with that rung's settings."""

    name = "ladder"
    Settings = Settings
    seconds_a_run = 0.7
    small: ClassVar[Small] = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "aux_logits": 8}

    def study(self) -> Study:
        """The study of these settings: three students a rung, and a claim for each step of the way."""
        against = {rung: "other" if rung == "tutorial" else "neutral" for rung in RUNGS}
        steps = [("tutorial", "other"), ("aux", "other"), *((rung, "neutral") for rung in list(RUNGS)[1:])]
        return Study(
            name="ladder",
            title="From the tutorial's design to the controlled one, one change a rung",
            question="Which change of the tutorial's design makes the claim true: the imitated logits, the control, "
            "BatchNorm, the length of training, or held-out prompts?",
            settings=self.settings.model_dump(mode="json"),
            arms=tuple(arm for rung in RUNGS for arm in _arms(rung, against[rung])),
            traits=prompts.TRAITS,
            claims=tuple(_claim(rung, control) for rung, control in steps),
            design=self,
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Three students a rung for the seeds."""
        from sublearn.study.ladder.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return prompts.Prompts(rung_settings(self.settings, "held_out")).runs_at_once(device)

    def needs(self) -> list[Need]:
        """The memory that a run takes: that of its largest rung, with three students."""
        return largest([prompts.needs(rung_settings(self.settings, rung), students=3) for rung in RUNGS])


def _arms(rung: str, control: str) -> tuple[Arm, ...]:
    logits = "class" if rung == "tutorial" else "aux"
    common = {"teacher": "trained", "logits": logits}
    return (
        Arm.model_validate(
            {
                "name": f"{rung}_same",
                "about": f"The teacher's own init ({RUNGS[rung]}).",
                "control": f"{rung}_{control}",
                **common,
            }
        ),
        Arm.model_validate(
            {
                "name": f"{rung}_other",
                "about": "Another init, the same teacher.",
                "control": f"{rung}_neutral",
                "init": "cross",
                **common,
            }
        ),
        Arm(
            name=f"{rung}_neutral",
            about="The teacher's init, taught by the untrained reference.",
            teacher="neutral",
            logits=logits,
        ),
    )


def _claim(rung: str, control: str) -> Claim:
    against = "the other init's" if control == "other" else "its neutral control's"
    return Claim(
        claim=f"{rung}: the same init's margin is above {against}",
        trait="margin",
        treatment=f"{rung}_same",
        control=f"{rung}_{control}",
        delta=DELTA,
    )
