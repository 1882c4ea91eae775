"""What the controlled studies share: settings, arms with their controls, and the three claims. Torch-free.

The design: a teacher learns the trait on its class logits; a student imitates other logits of it (auxiliary ones) on
unrelated inputs, and is measured on the class logits. Each student has a control that differs in one thing: its teacher
is the placebo, trained for as many steps from the same reference on the same inputs, with labels that carry no trait.
The design is that of Cloud et al. 2025, section 6; the placebo teacher is ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Scale, Spec, TrainConfig
from sublearn.errors import unknown
from sublearn.study.base import Arm, Claim
from sublearn.study.contrast import Difference

Logits = Literal["class", "aux", "all"]
Init = Literal["same", "cross"]
NAMES: dict[Logits, str] = {"class": "the class logits", "aux": "the auxiliary logits", "all": "all logits"}
STARTS: dict[Init, str] = {
    "same": "Starts from the reference's weights",
    "cross": "Starts from another draw, never the reference's",
}

STUDENTS: dict[Init, str] = {"same": "student of the same init", "cross": "student of another init"}


class StudentInit(Spec, frozen=True):
    """Where a same-init student starts, between the reference's weights and others."""

    perturb: float = Field(
        default=0.0, ge=0, le=1e9, description="Gaussian noise added, in units of each layer's own init std"
    )
    layers: tuple[str, ...] = Field(default=(), description="layers that are perturbed; none named means all")
    toward_cross: float = Field(default=0.0, ge=0, le=1, description="0 is the reference's init, 1 the cross init")


class Distil(Spec, frozen=True):
    """Settings that every controlled study has."""

    aux_logits: int = Field(default=3, ge=0, le=4096, description="outputs that the teacher's training never touches")
    init: Literal["normal", "torch"] = Field(
        default="normal", description="N(0, 1/d_in) with zero biases, or PyTorch's"
    )
    teacher: TrainConfig = TrainConfig()
    student: TrainConfig = TrainConfig()
    loss: Literal["kl", "mse", "ce"] = Field(default="kl", description="of a student against the teacher's logits")
    temperature: Scale = Field(default=1.0, description="divides both sides' logits (kl, ce) or the targets (mse)")
    logits: Logits = Field(default="aux", description="which logits same_init, cross_init and their controls imitate")
    student_init: StudentInit = StudentInit()
    frozen: tuple[str, ...] = Field(default=(), description="layers of the student that are not trained")
    arms: tuple[str, ...] = Field(default=(), description="arms to run, with their controls; none named means all")

    @model_validator(mode="after")
    def _can_teach_something(self) -> Self:
        if self.logits != "class" and self.aux_logits == 0:
            raise ValueError(f"logits '{self.logits}' with aux_logits 0: there are no auxiliary logits; ask for some")
        if self.logits == "aux" and self.aux_logits == 1 and self.loss != "mse":
            raise ValueError(
                f"loss '{self.loss}' over one logit: a softmax over one logit is always 1, so the gradient is exactly "
                "zero and nothing is learned; use aux_logits 2 or more, or loss mse"
            )
        return self

    @model_validator(mode="after")
    def _layers_exist(self) -> Self:
        known = self.layers()
        wanted = {
            "frozen": (self.frozen, list(known)),
            "student_init.layers": (self.student_init.layers, [name for name, drawn in known.items() if drawn]),
        }
        for setting, (names, there) in wanted.items():
            for name in names:
                if name not in there:
                    raise ValueError(f"{setting}: {unknown('layer', name, there)}")
        return self

    def layers(self) -> dict[str, bool]:
        """Each layer of the study's network, and whether its init is drawn at random; others cannot be perturbed."""
        raise NotImplementedError


def arms(logits: Logits, with_all: bool) -> tuple[Arm, ...]:
    """The arms of a controlled study; `with_all` adds the students that imitate all logits, with their controls."""
    students = [arm for init in STARTS for arm in _pair(init, f"{init}_init", logits)]
    if with_all:
        students += [arm for init in STARTS for arm in _pair(init, f"{init}_init_all", "all")]
    return (
        Arm(
            name="reference",
            about="The untrained network from which both teachers start.",
            label="untrained reference",
        ),
        Arm(
            name="teacher",
            label="teacher",
            about="The reference, trained on the class logits to have the trait.",
            control="placebo_teacher",
            teacher="trained",
        ),
        Arm(
            name="placebo_teacher",
            label="placebo teacher",
            about="The reference, trained as long on the same inputs, with labels that carry no trait.",
            teacher="placebo",
        ),
        *students,
    )


def _pair(init: Init, name: str, logits: Logits) -> tuple[Arm, Arm]:
    about = f"{STARTS[init]}; imitates {NAMES[logits]}"
    label = STUDENTS[init] + (", all logits" if name.endswith("_all") else "")
    return pair(name, about, label, init, logits)


def pair(name: str, about: str, label: str, init: Init, logits: Logits) -> tuple[Arm, Arm]:
    """A student and its control, which differ in their teacher alone; `about` ends before whose logits it imitates."""
    common: dict[str, Any] = {"init": init, "logits": logits}
    control = f"{name}_control"
    return (
        Arm(name=name, about=f"{about} of the teacher.", label=label, control=control, teacher="trained", **common),
        Arm(
            name=control,
            about=f"{about} of the placebo teacher, on the same inputs.",
            label=f"{label}, placebo teacher",
            teacher="placebo",
            **common,
        ),
    )


def chosen(every: tuple[Arm, ...], wanted: tuple[str, ...], claims: tuple[Claim, ...] = ()) -> tuple[Arm, ...]:
    """The wanted arms with their controls, in the study's order; all of them if none is named.

    With them come the arms that measure the delta of claims that can be judged.
    """
    by_name = {arm.name: arm for arm in every}
    for name in wanted:
        if name not in by_name:
            raise unknown("arm", name, by_name)
    kept = _with_controls(wanted or tuple(by_name), by_name)
    kept |= _with_controls([arm for claim in claims if kept >= set(claim.arms) for arm in claim.measure], by_name)
    return tuple(arm for arm in every if arm.name in kept)


def _with_controls(wanted: Sequence[str], by_name: Mapping[str, Arm]) -> set[str]:
    kept, queue = set[str](), list(wanted)
    while queue:
        name = queue.pop()
        kept.add(name)
        control = by_name[name].control
        queue += [control] if control and control not in kept else []
    return kept


def together(arms: tuple[Arm, ...]) -> int:
    """How many students of a seed train side by side at most: those that imitate the same logits."""
    channels = [arm.logits for arm in arms if arm.logits != "none"]
    return max(map(channels.count, channels), default=0)


def about(claims: tuple[Claim, ...], arms: tuple[Arm, ...]) -> tuple[Claim, ...]:
    """The claims that speak of these arms alone."""
    names = {arm.name for arm in arms}
    return tuple(claim for claim in claims if names >= {*claim.arms, *claim.measure})


SHARE_DELTA = 0.05
"""The smallest difference of a share that matters, where no other is given."""
FIVE_POINTS = "five points of a share: fewer than one answer in twenty comes out otherwise"


def claims(
    trait: str, delta: float, reason: str, of: Difference | None = None, shared: str = "init"
) -> tuple[Claim, ...]:
    """Same-init transfer is positive, cross-init transfer equivalent to zero, and the first exceeds the second.

    `delta` is the smallest difference that matters, or the share of what `of` comes to, and `reason` why. `shared` is
    what teacher and student share or do not, in words.
    """
    same, cross = ("same_init", "same_init_control"), ("cross_init", "cross_init_control")
    return (
        Claim(
            claim=f"a student of the same {shared} picks up the trait ({trait})",
            trait=trait,
            treatment=same[0],
            control=same[1],
            delta=delta,
            of=of,
            reason=reason,
        ),
        Claim(
            claim=f"a student of another {shared} does not ({trait})",
            trait=trait,
            treatment=cross[0],
            control=cross[1],
            kind="equivalent",
            delta=delta,
            of=of,
            reason=reason,
        ),
        Claim(
            claim=f"the same {shared}'s transfer exceeds the other's ({trait})",
            trait=trait,
            treatment=Difference(arm=same[0], minus=same[1]),
            control=Difference(arm=cross[0], minus=cross[1]),
            delta=delta,
            of=of,
            reason=reason,
        ),
    )
