"""What a study is: arms with their controls, traits, claims, and how it is prepared and measured. Torch-free."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from sublearn.config import Spec, override
from sublearn.devices import Precision
from sublearn.errors import InputError, quoted
from sublearn.records import LARGEST_VALUE, Record
from sublearn.study.contrast import Difference, Name, Side, terms
from sublearn.study.identity import asked, id_of
from sublearn.study.memory import Need
from sublearn.training.choice import ASKED, BY_RULES, Choice, TrainerName
from sublearn.traits.trait import Trait

Teacher = Literal["none", "trained", "placebo", "untrained", "neutral"]
"""What an arm learns from, or is; "neutral" is what version 0.1.0 called an untrained teacher."""
Verdict = Literal["supported", "negligible", "refuted", "inconclusive"]
Text = Annotated[str, Field(max_length=2_000)]
Label = Annotated[str, Field(max_length=100)]
ROUNDING = 1e-6
"""By so much a share may pass 0 or 1: float32 sums of probabilities do."""


class Arm(Spec, frozen=True):
    """One named condition and the control arm that it answers to.

    A `trained` teacher has the trait; a `placebo` one was trained just as long, from the same reference, on the same
    inputs with labels that carry no trait, or another one; an `untrained` one is the reference itself. `init` says
    where the model starts: the reference's own weights ("same") or another draw ("cross"). `logits` are those that the
    student imitates; "text" means what the teacher says, not its logits, and then `init` is that of the teacher's base.

    For readers: `label` is what it is called, a noun without an article, such as "student of the same init"; `group`
    says to which of several like groups of arms it belongs; `source` who taught it, where that is no arm of the study.
    """

    name: Name
    about: Text
    label: Label = ""
    group: Label = ""
    source: Label = ""
    control: Name | None = None
    teacher: Teacher = "none"
    init: Literal["same", "cross"] = "same"
    logits: Literal["none", "class", "aux", "all", "text"] = "none"


class Claim(Spec, frozen=True):
    """What the study says must come out: `treatment` minus `control` on a trait, paired by seed.

    Either side is an arm or a `Difference` of two. "positive" means above zero; "equivalent" means zero within `delta`,
    the smallest difference that matters. Where `of` names a difference, `delta` is a share of its mean on the trait,
    as it comes out in the same records: so much of what the teacher itself shifted. `reason` says why that is small
    enough.
    """

    claim: Text
    trait: Name
    treatment: Side
    control: Side
    kind: Literal["positive", "equivalent"] = "positive"
    delta: float = Field(gt=0, le=LARGEST_VALUE)
    of: Difference | None = None
    reason: Text = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that the claim compares."""
        return tuple(arm for side in (self.treatment, self.control) for arm, _ in terms(side))

    @property
    def measure(self) -> tuple[str, ...]:
        """The arms whose difference `delta` is a share of."""
        return (self.of.arm, self.of.minus) if self.of else ()


class Study(Spec, frozen=True):
    """A frozen question (settings, arms, traits and claims) together with its design: how it is prepared and measured.

    What it asks gives its id, prose does not; seeds are not in it, nor is the design. A study that was read from a run
    directory has no design: it can be reported, not run.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: Name
    title: Text
    question: Text
    settings: dict[str, Any]
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=1_000)
    traits: tuple[Trait, ...] = Field(min_length=1, max_length=1_000)
    claims: tuple[Claim, ...] = Field(max_length=1_000)
    seeds_a_unit: int = Field(default=1, ge=1, le=1_000)
    """So many neighbouring seeds, counted from 0, share something that they do not draw: together they are one unit."""
    design: Any = Field(default=None, exclude=True, repr=False)
    _known_as: str | None = PrivateAttr(default=None)

    @property
    def id(self) -> str:
        """The study's name and a digest of what it asks, or the id under which an earlier version made its records."""
        return self._known_as or id_of(self.model_dump(mode="json"))

    @property
    def source(self) -> StudySource | None:
        """Where a guest's study was defined, as far as it can be known."""
        return self.design.provenance() if isinstance(self.design, Design) else None

    def known_as(self, id: str) -> Study:
        """The same study, whose records bear this id."""
        study = self.model_copy()
        study._known_as = id  # pyright: ignore[reportAttributeAccessIssue]
        return study

    def asks_what(self, other: Study) -> bool:
        """Whether it asks what another study asks, in whichever words."""
        return asked(self.model_dump(mode="json")) == asked(other.model_dump(mode="json"))

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, however they are measured."""
        return isinstance(other, Study) and self.canonical() == other.canonical()

    def __hash__(self) -> int:
        return hash(self.canonical())

    @property
    def designed(self) -> Design[Any]:
        """The design. Raises InputError for a study that has none."""
        if not isinstance(self.design, Design):
            raise InputError(
                f"The study '{self.name}' says what is asked and not how it is measured. Make it by "
                "sublearn.build(...) or sublearn.distillation(...)."
            )
        if self.design.settings.model_dump(mode="json") != self.settings:
            raise InputError(
                f"The settings of the study '{self.name}' are not those that it is measured with. Change them by "
                "sublearn.build(study, {key: value})."
            )
        return self.design

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _refuse_doubles("arm", (arm.name for arm in self.arms))
        _refuse_doubles("trait", (trait.name for trait in self.traits))
        arms = {arm.name for arm in self.arms}
        for arm in self.arms:
            if arm.teacher == "trained" and arm.control is None:
                raise ValueError(f"arm '{arm.name}' has a trained teacher but names no control arm")
            if arm.control is not None and (arm.control not in arms or arm.control == arm.name):
                raise ValueError(f"arm '{arm.name}' names the control '{arm.control}', which is no other arm here")
        for claim in self.claims:
            strange = [arm for arm in (*claim.arms, *claim.measure) if arm not in arms]
            if strange or claim.trait not in {trait.name for trait in self.traits}:
                raise ValueError(f"the claim '{claim.claim}' speaks of {(strange or [claim.trait])[0]}, unknown here")
        return self


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


class Setup(Spec, frozen=True):
    """How a job is run, which must not change what comes out: device, float32 matrix precision, trainer.

    `trainer` is auto, or one of the table in `training.trainers`. `keep` is the folder for what a measurement
    makes on its way (rows, models), so that it can be looked at and resumed.
    """

    device: str = "cpu"
    precision: Precision = "highest"
    trainer: TrainerName = "auto"
    threads: int | None = Field(default=None, ge=1)
    keep: str | None = None


@dataclass(frozen=True)
class StudySource:
    """Where a guest's study is defined: by which name, in a file with its SHA-256 or in a module of a package."""

    name: str
    file: str = ""
    digest: str = ""
    module: str = ""
    package: str = ""
    version: str = ""

    def to_dict(self) -> dict[str, str]:
        """What study.json keeps of it: of a file its name, not where it lay."""
        if self.package:
            return {"package": self.package, "version": self.version, "study": f"{self.module}:{self.name}"}
        return {"file": Path(self.file).name, "study": self.name, "sha256": self.digest}


S = TypeVar("S", bound=Spec)
Small = Mapping[str, Any]
"""Settings by dotted key."""


@dataclass(frozen=True)
class Design(ABC, Generic[S]):
    """One kind of study with its settings: the study that they make, what it needs, and how it is measured.

    Subclasses are torch-free; `measure` imports what trains when it is called.
    """

    settings: S
    source: StudySource | None = field(default=None, kw_only=True)
    """Where it is defined, if it is a guest's."""
    name: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[Spec]]
    seconds_a_run: ClassVar[float]
    """A rough cost on one core, from which the number of processes is chosen."""
    small: ClassVar[Small] = {}
    """Settings under which a run takes a moment, to try the study out; its results mean nothing."""

    @abstractmethod
    def study(self) -> Study:
        """The study of these settings."""

    def asking(
        self,
        *,
        title: str,
        question: str,
        arms: tuple[Arm, ...],
        traits: tuple[Trait, ...],
        claims: tuple[Claim, ...],
        name: str = "",
        seeds_a_unit: int = 1,
    ) -> Study:
        """A study that asks this with the design's settings and is measured by it; its name is the design's own."""
        return Study(
            name=name or self.name,
            title=title,
            question=question,
            settings=self.settings.model_dump(mode="json"),
            arms=arms,
            traits=traits,
            claims=claims,
            seeds_a_unit=seeds_a_unit,
            design=self,
        )

    def changed(self, assignments: Mapping[str, Any], what: str) -> Self:
        """The same design with some settings changed by dotted key. Raises InputError that begins with `what`."""
        return replace(self, settings=override(type(self.settings), assignments, what, self.settings))

    @abstractmethod
    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """One record for each arm, trait and seed."""

    def runs_at_once(self, device: str) -> int:
        """How many seeds make one cohort: few enough for a CPU's cache, enough to fill a GPU."""
        del device
        return 1

    def trainer(self, wanted: str) -> Choice:
        """The trainer that is taken where this one is asked for, and why. Raises InputError for one that cannot be."""
        return Choice("cohort", BY_RULES) if wanted == "auto" else Choice(wanted, ASKED)

    def prepare(self) -> None:
        """Fetch and check what the study needs, before anything is written. Raises InputError where it is not there."""
        return None

    def check_sent(self) -> None:
        """Raise InputError if the study cannot be measured in other processes."""
        return None

    def provenance(self) -> StudySource | None:
        """Where a guest's study was defined, as far as it can be known; None for one of the house's."""
        return self.source

    def needs(self) -> list[Need]:
        """The memory that one run takes, part by part; nothing where it is not estimated."""
        return []

    def plan_lines(self, runs: float) -> list[str]:
        """What is known beforehand of the cost of so many runs, one after the other; nothing where runs are short.

        What is short is measured instead.
        """
        del runs
        return []
