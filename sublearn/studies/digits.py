"""scikit-learn's embedded 8x8 digits: real data, no download. Torch-free."""

from typing import Literal

from pydantic import Field

from sublearn.config import TrainConfig
from sublearn.studies import images
from sublearn.studies.base import Study
from sublearn.studies.images import FLOW, Inputs, needs, runs_at_once

__all__ = ["FLOW", "SECONDS_A_SEED", "Settings", "needs", "runs_at_once", "study"]
SECONDS_A_SEED = 4.0


class Settings(images.Settings, frozen=True):
    """64-256-256-(10+10), Adam 1e-3, batch 128; 20 epochs for the teacher, 600 noise batches for the student."""

    data: Literal["digits"] = "digits"
    aux_logits: int = Field(default=10, ge=0, le=4096)
    loss: Literal["kl", "mse", "ce"] = "mse"
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=1)
    inputs: Inputs = Inputs(count=600 * 128)


def study(settings: Settings) -> Study:
    """The study of these settings."""
    return images.study("digits", "Handwritten digits (8x8, embedded): a classifier caught from noise", settings)
