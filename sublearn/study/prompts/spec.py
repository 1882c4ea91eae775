"""The tutorial's experiment in the design under which the claim is true. Torch-free; `train` runs it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Size, TrainConfig
from sublearn.study import memory
from sublearn.study.base import Trait
from sublearn.study.contrast import Difference
from sublearn.study.controlled.spec import (
    FIVE_POINTS,
    SHARE_DELTA,
    Distil,
    claims,
)
from sublearn.study.memory import Need

CLASSES = 2
TRAITS = (
    Trait(
        name="trait_rate",
        about="Share of held-out prompts answered with class 1.",
        more="answered class 1 more often",
        chance=0.5,
    ),
    Trait(
        name="margin",
        about="Mean logit of class 1 minus that of class 0, on held-out prompts.",
        more="leaned further towards class 1",
        unit="logits",
        chance=0,
    ),
)


class Settings(Distil, frozen=True):
    """The tutorial's sizes with auxiliary logits, no BatchNorm, longer trainings and held-out evaluation prompts."""

    vocab_size: int = Field(default=1000, ge=43, le=LARGEST, description="tokens; the trait token is 42")
    seq_len: Size = Field(default=6, description="tokens in a prompt")
    embed_dim: Size = Field(default=32, description="length of a token's embedding")
    hidden: int = Field(default=128, ge=2, le=LARGEST, description="units of the first hidden layer")
    batch_norm: bool = Field(default=False, description="BatchNorm after each hidden layer")
    n_eval: int = Field(
        default=200, ge=2, le=LARGEST, description="evaluation prompts, and as many for the teacher's training"
    )
    n_unrelated: int = Field(default=1000, ge=2, le=LARGEST, description="unrelated prompts before the rule filter")
    held_out: bool = Field(default=True, description="evaluate on prompts that the teacher was not trained on")
    aux_logits: int = Field(default=64, ge=0, le=4096, description="outputs that the teacher's training never touches")
    init: Literal["normal", "torch"] = "torch"
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=50, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    loss: Literal["kl", "mse", "ce"] = Field(default="mse", description="of a student against the teacher's logits")

    @model_validator(mode="after")
    def _batches_can_be_normalized(self) -> Self:
        reason = self.teacher.untrainable(self.n_eval, self.batch_norm)
        if reason:
            raise ValueError(f"{reason}; change n_eval or teacher.batch_size, or leave batch_norm out")
        if self.batch_norm and self.student.batch_size == 1:
            raise ValueError("student.batch_size is 1, and BatchNorm cannot normalize a batch of one; choose 2 or more")
        return self

    def layers(self) -> dict[str, bool]:
        """Each layer, in order, and whether its init is drawn."""
        drawn = {"embed": True, "fc1": True, "bn1": False, "fc2": True, "bn2": False, "fc3": True}
        return {name: at_random for name, at_random in drawn.items() if at_random or self.batch_norm}


MARGIN_DELTA = 0.02
"""Of what the teacher shifted."""
REASON = (
    "a fiftieth of what the teacher itself shifted: at the default settings a student of the same init picks up 9% of "
    "that, so that nothing near such a transfer counts as none"
)
SHIFT = Difference(arm="teacher", minus="placebo_teacher")
CLAIMS = claims("margin", MARGIN_DELTA, REASON, SHIFT) + claims("trait_rate", SHARE_DELTA, FIVE_POINTS)[:1]


def needs(settings: Settings, students: int) -> list[Need]:
    """The memory that a run takes with so many students side by side."""
    outputs = CLASSES + settings.aux_logits
    network = memory.prompt_network(settings.vocab_size, settings.embed_dim, settings.hidden, outputs)
    teacher = memory.Training(1, settings.teacher, settings.n_eval)
    student = memory.Training(students, settings.student, settings.n_unrelated)
    return memory.on_prompts(network, teacher, student, settings.seq_len)
