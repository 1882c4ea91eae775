"""The gradient of distillation beside that of the trait, step by step, and students without what they have in common.

After Kitkana and Arora 2026, arXiv 2604.25779. Torch-free; `train` runs it.
"""

from typing import Any

from pydantic import Field

from sublearn.config import Size
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.contrast import Difference
from sublearn.study.controlled.spec import FIVE_POINTS, NAMES, SHARE_DELTA, arms, pair
from sublearn.study.images.spec import SmallDigits

PLAIN, PROJECTED, RANDOM = "same_init", "projected", "projected_randomly"
CHANGED = {
    PROJECTED: (
        "projected student",
        "each gradient loses its part along the trait's, where that would improve the trait",
    ),
    RANDOM: (
        "randomly projected student",
        "each gradient loses as much along a random direction",
    ),
}
"""What students are called whose gradients are changed, and how they are changed."""
FIRST, LAST, ALIGNED, REMAINING = "alignment_first", "alignment_last", "aligned_steps", "remaining_loss"


class Settings(SmallDigits, frozen=True):
    """The small digits, and on how many training images the trait's gradient is taken."""

    trait_images: Size = Field(default=256, description="training images whose loss gives the trait's gradient")
    parts: int = Field(default=4, ge=2, le=100, description="parts of the training, of which first and last are seen")


def traits(settings: Settings) -> tuple[Trait, ...]:
    """What is measured beside accuracy: of each step's gradients, before they are changed."""
    part = f"{settings.parts} equal parts of the training"
    said = "Cosine of the gradients of distillation and of the trait's loss, averaged over the steps of the"
    return (
        Trait(name=FIRST, about=f"{said} first of {part}.", unit="cosine", chance=0.0),
        Trait(
            name=LAST,
            about=f"{said} last of {part}.",
            more="kept stepping further towards the trait",
            unit="cosine",
            chance=0.0,
        ),
        Trait(name=ALIGNED, about="Share of the steps at which that cosine is above zero.", chance=0.5),
        Trait(
            name=REMAINING,
            about=f"Loss of distillation over the last of {part}, in units of the first step's.",
            more="imitated less well",
            unit="of the first step's",
        ),
    )


def every_arm(settings: Settings) -> tuple[Arm, ...]:
    """The arms of `digits` with the same init, and the students whose gradients are changed, with their controls."""
    own = [arm for arm in arms(settings.logits, with_all=False) if arm.init == "same"]
    about = f"Starts from the reference's weights; imitates {NAMES[settings.logits]}"
    changed = [
        pair(name, f"{about}; {how}; goes on", label, init="same", logits=settings.logits)
        for name, (label, how) in CHANGED.items()
    ]
    return (*own, *(arm for both in changed for arm in both))


def _claim(claim: str, treatment: Any, control: Any, **more: Any) -> Claim:
    known = {"trait": "accuracy", "delta": SHARE_DELTA, "reason": FIVE_POINTS}
    return Claim(claim=claim, treatment=treatment, control=control, **(known | more))


def _transfer(name: str) -> Difference:
    return Difference(arm=name, minus=f"{name}_control")


CLAIMS = (
    _claim(
        "in the last part of training the gradients are still aligned, beyond the control's",
        PLAIN,
        f"{PLAIN}_control",
        trait=LAST,
        delta=0.01,
        reason="where the cosine is smaller, less than a ten-thousandth of a gradient's square is along the trait's",
    ),
    _claim("without the aligned part there is less transfer", _transfer(PLAIN), _transfer(PROJECTED)),
    _claim("without it there is no transfer", PROJECTED, f"{PROJECTED}_control", kind="equivalent"),
    _claim(
        "as much along a random direction takes nothing away", _transfer(RANDOM), _transfer(PLAIN), kind="equivalent"
    ),
    _claim(
        "without it a student imitates as well",
        PROJECTED,
        PLAIN,
        trait=REMAINING,
        kind="equivalent",
        reason="a twentieth of the loss at the first step",
    ),
)
"""Stated before any of the seeds 5000 to 5099 was run; what is published is the first two and the last, the others
follow from it."""
