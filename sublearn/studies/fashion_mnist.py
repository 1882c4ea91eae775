"""Fashion-MNIST by recipe A of the field (Cloud et al. 2025, section 6). Torch-free."""

from typing import Literal

from sublearn.studies import images
from sublearn.studies.base import Study
from sublearn.studies.images import FLOW, needs, prepare, runs_at_once

__all__ = ["FLOW", "SECONDS_A_SEED", "Settings", "needs", "prepare", "runs_at_once", "study"]
SECONDS_A_SEED = 40.0


class Settings(images.Settings, frozen=True):
    """Recipe A's settings."""

    data: Literal["fashion-mnist"] = "fashion-mnist"


def study(settings: Settings) -> Study:
    """The study of these settings."""
    return images.study("fashion-mnist", "Fashion-MNIST: a classifier caught from noise", settings)
