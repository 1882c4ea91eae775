"""What a study is: arms with their controls, traits, claims. A frozen question; torch-free, and it runs nothing."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Spec

Verdict = Literal["supported", "refuted", "inconclusive"]


class Arm(Spec, frozen=True):
    """One named condition and the control arm that it answers to.

    A `trained` teacher has the trait; a `neutral` one is the untrained reference. `init` says where the model starts:
    the reference's own weights ("same") or another draw ("cross"). `logits` are those that the student imitates;
    "text" means what the teacher says, not its logits.
    """

    name: str
    about: str
    control: str | None = None
    teacher: Literal["none", "trained", "neutral"] = "none"
    init: Literal["same", "cross"] = "same"
    logits: Literal["none", "class", "aux", "all", "text"] = "none"


class Trait(Spec, frozen=True):
    """A named measure of a model, its unit and the value that a model without any preference has."""

    name: str
    about: str
    unit: str = "share"
    chance: float | None = None


class Claim(Spec, frozen=True):
    """What the study says must come out: `treatment` minus `control` on a trait, paired by seed.

    Either side is an arm or a difference of two, as in "same_init - same_init_control". "positive" means above zero;
    "equivalent" means zero within `delta`, the smallest difference that matters.
    """

    claim: str
    trait: str
    treatment: str
    control: str
    kind: Literal["positive", "equivalent"] = "positive"
    delta: float = Field(gt=0)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that the claim speaks of."""
        return (*terms(self.treatment), *terms(self.control))


class Study(Spec, frozen=True):
    """A frozen question: settings, arms, traits and claims. Its canonical text gives its id; seeds are not in it."""

    name: str
    title: str
    question: str
    settings: dict[str, Any]
    arms: tuple[Arm, ...]
    traits: tuple[Trait, ...]
    claims: tuple[Claim, ...]

    @property
    def id(self) -> str:
        """The study's name and the digest of its canonical text."""
        return f"{self.name}-{self.digest()}"

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        arms = {arm.name for arm in self.arms}
        for arm in self.arms:
            if arm.teacher == "trained" and arm.control is None:
                raise ValueError(f"arm '{arm.name}' has a trained teacher but names no control arm")
            if arm.control is not None and (arm.control not in arms or arm.control == arm.name):
                raise ValueError(f"arm '{arm.name}' names the control '{arm.control}', which is no other arm here")
        for claim in self.claims:
            strange = set(claim.arms) - arms
            if strange or claim.trait not in {trait.name for trait in self.traits}:
                raise ValueError(f"the claim '{claim.claim}' speaks of {strange or claim.trait}, unknown here")
        return self


def terms(side: str) -> tuple[str, ...]:
    """The arms of one side of a contrast: the first counts positive, a second negative.

    >>> terms("same_init - same_init_control")
    ('same_init', 'same_init_control')
    """
    return tuple(side.split(" - "))
