"""The settings of a guest's study: the trainings, and what the model and the task are. Torch-free."""

from typing import Literal

from pydantic import Field

from sublearn.config import LARGEST, TrainConfig
from sublearn.study.controlled.spec import Distil

TEACHER = TrainConfig(lr=1e-3, batch_size=64, epochs=5)
STUDENT = TrainConfig(lr=1e-3, batch_size=128, epochs=5)
FACTS = ("model", "task", "code", "modules")
"""Settings that are found, not chosen: what the study was made of."""


class Settings(Distil, frozen=True):
    """Everything that changes results: the trainings, and what the model and the task are."""

    init: Literal["own"] = Field(default="own", description="weights start as the model draws them")  # pyright: ignore[reportIncompatibleVariableOverride]
    aux_logits: int = Field(default=10, ge=0, le=4096, description="outputs that the teacher's training never touches")
    teacher: TrainConfig = TEACHER
    student: TrainConfig = STUDENT
    loss: Literal["kl", "mse", "ce"] = "mse"
    n_unrelated: int = Field(default=10_000, ge=2, le=LARGEST, description="inputs drawn for the student of a run")
    model: str = Field(default="", description="the model as it prints itself")
    task: str = Field(default="", description="digest of the task's arrays")
    code: dict[str, str] = Field(default={}, description="digests of the model's and the traits' source texts")
    modules: tuple[str, ...] = Field(default=(), description="the model's layers")

    def layers(self) -> dict[str, bool]:
        """Each layer of the model."""
        return dict.fromkeys(self.modules, True)
