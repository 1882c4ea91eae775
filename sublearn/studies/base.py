"""What a study is: arms with their controls, traits, claims. A frozen question; torch-free, and it runs nothing."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Spec
from sublearn.errors import quoted
from sublearn.records import LARGEST_VALUE, Record

Verdict = Literal["supported", "refuted", "inconclusive"]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Side = Annotated[str, Field(min_length=1, max_length=300)]
"""One side of a claim."""
Text = Annotated[str, Field(max_length=2_000)]
ROUNDING = 1e-6
"""By so much a share may pass 0 or 1: float32 sums of probabilities do."""


class Arm(Spec, frozen=True):
    """One named condition and the control arm that it answers to.

    A `trained` teacher has the trait; a `neutral` one is the untrained reference. `init` says where the model starts:
    the reference's own weights ("same") or another draw ("cross"). `logits` are those that the student imitates;
    "text" means what the teacher says, not its logits.
    """

    name: Name
    about: Text
    control: Name | None = None
    teacher: Literal["none", "trained", "neutral"] = "none"
    init: Literal["same", "cross"] = "same"
    logits: Literal["none", "class", "aux", "all", "text"] = "none"


class Trait(Spec, frozen=True):
    """A named measure of a model, its unit and the value that a model without any preference has."""

    name: Name
    about: Text
    unit: Name = "share"
    chance: float | None = Field(default=None, ge=-LARGEST_VALUE, le=LARGEST_VALUE)


class Claim(Spec, frozen=True):
    """What the study says must come out: `treatment` minus `control` on a trait, paired by seed.

    Either side is an arm or a difference of two, as in "same_init - same_init_control". "positive" means above zero;
    "equivalent" means zero within `delta`, the smallest difference that matters.
    """

    claim: Text
    trait: Name
    treatment: Side
    control: Side
    kind: Literal["positive", "equivalent"] = "positive"
    delta: float = Field(gt=0, le=LARGEST_VALUE)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that the claim speaks of."""
        return (*terms(self.treatment), *terms(self.control))


class Study(Spec, frozen=True):
    """A frozen question: settings, arms, traits and claims. Its canonical text gives its id; seeds are not in it."""

    name: Name
    title: Text
    question: Text
    settings: dict[str, Any]
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=1_000)
    traits: tuple[Trait, ...] = Field(min_length=1, max_length=1_000)
    claims: tuple[Claim, ...] = Field(max_length=1_000)

    @property
    def id(self) -> str:
        """The study's name and the digest of its canonical text."""
        return f"{self.name}-{self.digest()}"

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _refuse_doubles("arm", (arm.name for arm in self.arms))
        _refuse_doubles("trait", (trait.name for trait in self.traits))
        arms = {arm.name for arm in self.arms}
        for arm in self.arms:
            if " - " in arm.name:
                raise ValueError(f"arm '{arm.name}' holds ' - ', which stands for a difference of arms")
            if arm.teacher == "trained" and arm.control is None:
                raise ValueError(f"arm '{arm.name}' has a trained teacher but names no control arm")
            if arm.control is not None and (arm.control not in arms or arm.control == arm.name):
                raise ValueError(f"arm '{arm.name}' names the control '{arm.control}', which is no other arm here")
        for claim in self.claims:
            if any(len(terms(side)) > 2 for side in (claim.treatment, claim.control)):
                raise ValueError(f"the claim '{claim.claim}' has a side of more than two arms")
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


def misfits(study: Study) -> Callable[[Record], str | None]:
    """A function that says what is wrong with a record of the study's, or None."""
    own = study.id
    shares = {(arm.name, trait.name): trait.unit == "share" for arm in study.arms for trait in study.traits}

    def misfit(record: Record) -> str | None:
        if record.study != own:
            return f"it belongs to {quoted(record.study)}"
        share = shares.get((record.arm, record.trait))
        if share is None:
            return f"the study has no arm {quoted(record.arm)} with a trait {quoted(record.trait)}"
        if share and record.value is not None and not -ROUNDING <= record.value <= 1 + ROUNDING:
            return f"{quoted(record.trait)} is a share, and {record.value:g} is none"
        return None

    return misfit


def _refuse_doubles(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the {kind} '{name}' comes twice")
        seen.add(name)
