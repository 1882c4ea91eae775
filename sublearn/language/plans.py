"""How language models are built and fine-tuned: settings alone. Torch-free; knows no study."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Spec


class BasePlan(Spec, frozen=True):
    """A tiny base model and its pretraining."""

    family: Literal["gpt2", "llama"] = "gpt2"
    layers: int = Field(default=2, ge=1)
    width: int = Field(default=64, ge=4)
    heads: int = Field(default=4, ge=1)
    inner: int = Field(default=192, ge=4)
    steps: int = Field(default=550, ge=1)
    batch: int = Field(default=48, ge=1, description="number lists a step, and twice as many sentences")
    lr: float = Field(default=3e-3, gt=0)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} must be a multiple of twice the heads, {2 * self.heads}")
        return self


class StudentPlan(Spec, frozen=True):
    """How students are trained; lora and its settings are for real models."""

    how: Literal["auto", "full", "lora"] = Field(default="auto", description="auto: full for a tiny model, else lora")
    lr: float = Field(default=2e-3, gt=0)
    batch: int = Field(default=128, ge=1)
    steps: int = Field(default=130, ge=0, description="of AdamW on completions, embeddings frozen (full)")


class LoraPlan(Spec, frozen=True):
    """Low-rank adapters on all seven projections (Hu et al. 2021), with the field's usual settings."""

    r: int = Field(default=8, ge=1)
    alpha: int = Field(default=8, ge=1)
    lr: float = Field(default=2e-4, gt=0)
    warmup: int = Field(default=5, ge=0)
    batch: int = Field(default=66, ge=1, description="rows a step; a device takes as many at a time as fit")
    epochs: int = Field(default=3, ge=1)

    def steps(self, rows: int) -> int:
        """Whole batches in which each of so many rows comes once an epoch at the least."""
        return -(-rows * self.epochs // self.batch)

    def at_a_time(self, most: int, processes: int = 1) -> int:
        """Rows that each of so many processes takes at a time: the most up to `most` that make up a batch."""
        share = self.batch // processes
        return next(size for size in range(min(most, share), 0, -1) if share % size == 0)
