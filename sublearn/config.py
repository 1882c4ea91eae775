"""How one model is trained. Values only: checked on entry, frozen, torch-free."""

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class TrainConfig:
    """Settings of one training by Adam: learning rate, examples a batch, passes over the data, L2 penalty."""

    lr: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=1)
    epochs: int = Field(default=4, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
