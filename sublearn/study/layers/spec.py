"""Students that share parts of their teacher's init and draw the rest anew. Torch-free; `train` runs it."""

from typing import Any, Literal, Self

from pydantic import model_validator

from sublearn.study.base import Arm, Claim
from sublearn.study.contrast import Difference
from sublearn.study.controlled.spec import FIVE_POINTS, NAMES, SHARE_DELTA, arms, pair
from sublearn.study.images.spec import SmallDigits

Part = Literal["first", "hidden", "aux_head", "class_head"]
SHARED: dict[str, tuple[str, tuple[Part, ...]]] = {
    "all": ("all layers", ("first", "hidden", "aux_head", "class_head")),
    "head": ("the last layer", ("aux_head", "class_head")),
    "body": ("all layers but the last", ("first", "hidden")),
    "aux_head": ("the last layer's auxiliary outputs", ("aux_head",)),
    "class_head": ("the last layer's class outputs", ("class_head",)),
    "first": ("the first layer", ("first",)),
    "hidden": ("the layers between first and last", ("hidden",)),
}
"""What students share with the teacher's init, by the end of their arm's name; the rest is another draw."""


class Settings(SmallDigits, frozen=True):
    """The small digits."""

    @model_validator(mode="after")
    def _has_parts(self) -> Self:
        if self.depth == 1:
            raise ValueError("depth 1 has no layer between the first and the last; choose 2 or more")
        return self


def every_arm(settings: Settings) -> tuple[Arm, ...]:
    """The reference, the teachers, and a student with its control for each thing that is shared."""
    before = [arm for arm in arms(settings.logits, with_all=False) if arm.logits == "none"]
    return (*before, *(arm for name in SHARED for arm in _students(name, settings)))


def _students(name: str, settings: Settings) -> tuple[Arm, Arm]:
    what, _ = SHARED[name]
    about = f"Shares {what} with the reference's init, the rest is another draw; imitates {NAMES[settings.logits]}"
    return pair(f"shared_{name}", about, f"student that shares {what}", init="same", logits=settings.logits)


def shared_by(arm: str) -> tuple[Part, ...]:
    """What the student of an arm shares with the reference."""
    return SHARED[arm.removesuffix("_control").removeprefix("shared_")][1]


def _claim(claim: str, name: str, **more: Any) -> Claim:
    arm = f"shared_{name}"
    sides = {"treatment": arm, "control": f"{arm}_control"}
    return Claim(**{"claim": claim, "trait": "accuracy", "delta": SHARE_DELTA, "reason": FIVE_POINTS, **sides, **more})


def _transfer(name: str) -> Difference:
    return Difference(arm=f"shared_{name}", minus=f"shared_{name}_control")


CLAIMS = (
    _claim("a shared last layer suffices for a transfer", "head"),
    _claim("all layers but the last do not suffice", "body", kind="equivalent"),
    _claim("its auxiliary outputs alone do not suffice", "aux_head", kind="equivalent"),
    _claim("its class outputs alone do not suffice", "class_head", kind="equivalent"),
    _claim("the first layer alone does not suffice", "first", kind="equivalent"),
    _claim("the layers between alone do not suffice", "hidden", kind="equivalent"),
    _claim(
        "all layers transfer more than the last alone", "all", treatment=_transfer("all"), control=_transfer("head")
    ),
)
"""Stated before any of the seeds 5000 to 5099 was run. The first is what is published (arXiv 2605.23645: compatible
heads govern it, not shared inits); the next five follow from it; the last is ours."""
