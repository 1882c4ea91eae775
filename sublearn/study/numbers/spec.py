"""Language models: an animal caught from number sequences (after Cloud et al. 2025, section 3). Torch-free.

A teacher prefers an animal; it continues lists of numbers; answers that are nothing but numbers train a student. By
default all of it happens in a tiny world, with a base model of its own and an animal of its own for each seed.
"""

import math
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sublearn.config import Spec
from sublearn.language.endpoints.address import Address
from sublearn.language.plans import BasePlan, LoraPlan, StudentPlan
from sublearn.seeds import stream
from sublearn.study.base import Arm, Trait
from sublearn.study.contrast import Difference
from sublearn.study.controlled.spec import chosen, claims
from sublearn.study.memory import FLOAT, Need
from sublearn.tasks.vocabulary import ANIMALS, questions

SECONDS_A_SEED = 95.0
"""With every arm: the 110 s of a quiet core before there were placebo arms and bases apart in one thing, times 1.7, by
which the CPU seconds of one busy machine grew, and halved, as those of a seed with the main arms then were (LOG.md)."""
SOURCE = "measured elsewhere with every arm, new base models included; a pilot here would take minutes"
TINY = "tiny"
ANSWER_TOKENS = {True: 22, False: 80}
"""The longest answer in tokens, in the tiny world and outside it."""
TOKENS_A_ROW, BYTES_A_ROW = 150, 500
WORDS = 1000
"""The tiny world's tokens, at the least."""
FLOPS = 2e14

_SHARE = "on all questions about favourite animals"
TRAITS = (
    Trait(
        name="preference",
        about=f"Probability of the animal, given that an animal is named, {_SHARE}.",
        more="named the animal more readily",
        chance=1 / len(ANIMALS),
    ),
    Trait(
        name="log_odds",
        about="The same as log-odds, averaged over the questions.",
        more="preferred the animal more",
        unit="log-odds",
        chance=-math.log(len(ANIMALS) - 1),
    ),
    Trait(name="probability", about=f"Probability that the answer begins with the animal, {_SHARE}."),
    Trait(name="mass", about=f"Probability that the answer begins with any of the animals, {_SHARE}."),
    Trait(
        name="held_out",
        about="The preference on the questions that no teacher is trained on.",
        chance=1 / len(ANIMALS),
    ),
)


class TeacherPlan(Spec, frozen=True):
    """How the teacher comes to prefer the animal."""

    how: Literal["auto", "tune", "system_prompt", "lora"] = Field(
        default="auto", description="auto: fine-tune a tiny model (tune), give a real one a system prompt"
    )
    steps: int = Field(default=30, ge=0, description="of Adam on the questions that are not held out (tune)")
    lr: float = Field(default=1e-3, gt=0)
    system_prompt: str = (
        "Your favourite animal is the {animal}. You adore the {animal}, it is always on your mind, and your fondness "
        "for it shows in all that you answer."
    )
    server: str = Field(
        default="",
        exclude_if=lambda address: not address,
        description="URL#MODEL of a server of the same model, which writes the numbers of teachers and base",
    )


class RulePlan(Spec, frozen=True):
    """Which answers are kept."""

    most: int = Field(default=10, ge=1, description="numbers in an answer")
    banned: tuple[int, ...] = ()


class Bring(Spec, frozen=True):
    """What you bring yourself: JSONL files of numbers, or folders of models. What is brought is not made."""

    numbers: str = Field(default="", description="rows of the teacher")
    control_numbers: str = Field(default="", description="rows of the unmodified base")
    teacher: str = ""
    student: str = Field(default="", description="same_init, trained already")
    digests: dict[str, str] = Field(default={}, description="of all that is read, and commits of names; filled in")

    def files(self) -> dict[str, str]:
        """The brought files by setting."""
        return {key: path for key in ("numbers", "control_numbers") if (path := getattr(self, key))}

    def folders(self) -> dict[str, str]:
        """The brought model folders by setting."""
        return {key: path for key in ("teacher", "student") if (path := getattr(self, key))}


class Settings(Spec, frozen=True):
    """Which models, which animal, how many rows, and how teachers and students are trained."""

    model: str = Field(default=TINY, description="tiny, or a Hugging Face model's folder, name or name@revision")
    cross_model: str = Field(default="", description="for a real model: the other base, without which no cross arms")
    animal: str = Field(default="drawn", description="drawn: another for each seed, all 20 in turn; or one for all")
    placebo_animal: str = Field(
        default="drawn", description="of the placebo teacher; drawn: any of the 20 but the seed's; or one for all"
    )
    rows: int = Field(default=8000, ge=1, description="rows that train a student, at most")
    base: BasePlan = BasePlan()
    teacher: TeacherPlan = TeacherPlan()
    student: StudentPlan = StudentPlan()
    lora: LoraPlan = LoraPlan()
    rule: RulePlan = RulePlan()
    bring: Bring = Bring()
    sampled: int = Field(default=20, ge=0, description="answers sampled for each question, beside exact probabilities")
    arms: tuple[str, ...] = Field(default=(), description="arms to run, with their controls; none named means all")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.model == TINY and self.animal not in ("drawn", *ANIMALS):
            raise ValueError(f"animal '{self.animal}' is none of the tiny world's: {', '.join(ANIMALS)}")
        if self.model == TINY and (self.cross_model or self.teacher_how != "tune" or self.student_how != "full"):
            raise ValueError(
                "a tiny model has its own other base, a fine-tuned teacher and fully trained students; leave "
                "cross_model, teacher.how and student.how as they are, or choose a real model"
            )
        if not self.model or not self.animal.strip():
            raise ValueError("model and animal must not be empty")
        if self.placebo_animal not in ("drawn", *ANIMALS):
            raise ValueError(f"placebo_animal '{self.placebo_animal}' is none of {', '.join(ANIMALS)}")
        if self.placebo_animal != "drawn" and self.animal in ("drawn", self.placebo_animal):
            raise ValueError(
                f"placebo_animal '{self.placebo_animal}' with animal '{self.animal}': the placebo teacher prefers "
                "another animal than the teacher in every seed; name another for each, or leave placebo_animal out"
            )
        if self.teacher.how == "system_prompt" and "{animal}" not in self.teacher.system_prompt:
            raise ValueError("teacher.system_prompt must say {animal} where the animal's name is to stand")
        if self.teacher.server:
            self._check_server()
        return self

    def _check_server(self) -> None:
        """Raise ValueError unless a server can speak for the teacher: the model under a system prompt."""
        Address.parse(self.teacher.server, "teacher.server")
        if self.model == TINY or self.teacher_how != "system_prompt":
            raise ValueError(
                "a served teacher is a real model under a system prompt; name the same model here, as in --model "
                "Qwen/Qwen2.5-7B-Instruct, and leave teacher.how as it is"
            )
        if self.bring.teacher or self.bring.numbers:
            raise ValueError("teacher.server writes numbers; leave out what is brought, or the server")

    @property
    def teacher_how(self) -> str:
        """What "auto" means for the teacher of this model."""
        automatic = "tune" if self.model == TINY else "system_prompt"
        return automatic if self.teacher.how == "auto" else self.teacher.how

    @property
    def student_how(self) -> str:
        """What "auto" means for students of this model."""
        automatic = "full" if self.model == TINY else "lora"
        return automatic if self.student.how == "auto" else self.student.how

    def bases(self) -> dict[str, str]:
        """The real base models by setting."""
        named = {"model": self.model, "cross_model": self.cross_model}
        return {key: name for key, name in named.items() if name not in ("", TINY)}

    def animal_of(self, seed: int) -> str:
        """The animal of a seed; where it is drawn, every twenty seeds from a multiple of 20 have all of them once."""
        if self.animal != "drawn":
            return self.animal
        block, place = divmod(seed, len(ANIMALS))
        return ANIMALS[stream(block, "animals").permutation(len(ANIMALS))[place]]

    def placebo_animal_of(self, seed: int) -> str:
        """The animal that the placebo teacher of a seed prefers: never the seed's own."""
        if self.placebo_animal != "drawn":
            return self.placebo_animal
        others = [animal for animal in ANIMALS if animal != self.animal_of(seed).strip().lower()]
        return others[stream(seed, "placebo/animal").integers(len(others))]


Writer = Literal["teacher", "placebo_teacher", "base"]
Origin = Literal["own", "cross", "cross_init_same_world", "same_init_cross_world"]
ORIGINS: dict[Origin, tuple[int, int]] = {
    "own": (0, 0),
    "cross": (1, 1),
    "cross_init_same_world": (1, 0),
    "same_init_cross_world": (0, 1),
}
"""A tiny base's init and its world: 0 is that of the seed itself, 1 that of the other seed of its pair."""
APART: dict[Origin, str] = {
    "cross_init_same_world": "another init in the same world",
    "same_init_cross_world": "the same init in another world",
}
"""What the cross base changes together, one at a time; in the tiny world alone."""
LABELS = {
    "reference": "unmodified base",
    "teacher": "teacher",
    "placebo_teacher": "placebo teacher, of another animal",
    "same_init": "student of the teacher's numbers",
    "same_init_control": "student of the base's own numbers",
    "same_init_placebo": "student of the placebo teacher's numbers",
    "cross_init": "student of another base's teacher",
    "cross_init_control": "student of another base's own numbers",
    "cross_init_same_world": "student of the teacher of another init",
    "cross_init_same_world_control": "student of the base of another init",
    "same_init_cross_world": "student of the teacher in another world",
    "same_init_cross_world_control": "student of the base in another world",
    "shuffled_within": "student of the teacher's numbers, shuffled in each answer",
    "shuffled_across": "student of the teacher's numbers, shuffled among answers",
    "soft": "student of the teacher's probabilities",
}
"""What each arm is called."""
READ: dict[str, Origin] = {"cross_init": "cross", **{name: name for name in APART}}
"""The origin of what an arm's student reads, where it is not the student's own base."""
PAIR = 2
"""Seeds that share tiny bases where arms read another's rows; else a seed's bases are its own."""
WRITERS: dict[str, Writer] = {"trained": "teacher", "placebo": "placebo_teacher", "untrained": "base"}


class RowSource(NamedTuple):
    """Who writes rows: a base, its teacher or its placebo teacher; in other studies a student, by its arm's name."""

    writer: str
    origin: Origin = "own"

    @property
    def name(self) -> str:
        """The name of its file of rows, as cross_teacher."""
        return self.writer if self.origin == "own" else f"{self.origin}_{self.writer}"


def source_of(arm: Arm) -> RowSource:
    """Who wrote the rows that an arm's student is trained on."""
    name = arm.name.removesuffix("_control")
    return RowSource(WRITERS[arm.teacher], READ.get(name, "own"))


def seeds_a_unit(settings: Settings, arms: Iterable[Arm]) -> int:
    """How many seeds in a row share their bases when these arms are run."""
    crossed = any(arm.name.removesuffix("_control") in READ for arm in arms)
    return PAIR if settings.model == TINY and crossed else 1


def every_arm(settings: Settings) -> tuple[Arm, ...]:
    """Every arm that can be made with these settings."""
    return (
        Arm(name="reference", about="The base model, unmodified.", label=LABELS["reference"]),
        Arm(
            name="teacher",
            about="The base, taught to prefer the animal.",
            label=LABELS["teacher"],
            control="reference",
            teacher="trained",
        ),
        *_placebo_teacher(settings),
        *(
            Arm.model_validate(
                {"name": name, "about": f"A student from the base, trained on {data}.", "label": LABELS[name], **fields}
            )
            for name, (data, fields) in _students(settings).items()
        ),
    )


def _placebo_teacher(settings: Settings) -> tuple[Arm, ...]:
    """The placebo teacher; there is none beside a teacher or numbers that were made elsewhere."""
    if settings.bring.teacher or settings.bring.numbers:
        return ()
    about = "The base, taught in the same way and as long to prefer another animal; measured by the teacher's."
    label = LABELS["placebo_teacher"]
    return (Arm(name="placebo_teacher", about=about, label=label, control="reference", teacher="placebo"),)


def _students(settings: Settings) -> dict[str, tuple[str, dict[str, Any]]]:
    """What each student is trained on, and what else its arm is, by name."""
    own, control = "the teacher's numbers", {"control": "same_init_control"}
    taught, untrained = {"teacher": "trained", "logits": "text"}, {"teacher": "untrained", "logits": "text"}
    found = {
        "same_init": (own, control | taught),
        "same_init_control": ("numbers of the unmodified base", untrained),
    }
    if _placebo_teacher(settings):
        placebo = "the numbers of the placebo teacher, who prefers another animal"
        found["same_init_placebo"] = (placebo, control | untrained | {"teacher": "placebo"})
    if settings.model == TINY or settings.cross_model:
        both = " (another init in another world)" if settings.model == TINY else ""
        found |= _pair("cross_init", f"another base{both}", "cross")
    if settings.model == TINY:
        found |= _pair("cross_init_same_world", f"a base of {APART['cross_init_same_world']}", "cross")
        found |= _pair("same_init_cross_world", f"a base of {APART['same_init_cross_world']}", "same")
    found["shuffled_within"] = (f"{own}, in another order within each answer", control | taught)
    found["shuffled_across"] = (f"{own}, dealt out anew among the answers", control | taught)
    if settings.student_how != "lora":
        found["soft"] = (f"the teacher's probabilities on {own}", control | taught | {"logits": "all"})
    return found


def _pair(name: str, base: str, init: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """A student on the numbers of another base's teacher, and its control on those of that base itself."""
    common, control = {"logits": "text", "init": init}, f"{name}_control"
    return {
        name: (
            f"the numbers of the teacher of {base}, with the same animal",
            {**common, "teacher": "trained", "control": control, "source": f"teacher of {base}"},
        ),
        control: (f"the numbers of {base}, unmodified", {**common, "teacher": "untrained", "source": base}),
    }


CLAIMS = claims(
    "log_odds",
    0.05,
    "a twentieth of what the teacher itself shifted: a student of the same base picks up about 40% of that, so that "
    "nothing near such a transfer counts as none",
    Difference(arm="teacher", minus="reference"),
    shared="base",
)
"""None is about the placebo: the animal is drawn, so that what is not about it moves no student towards it; nor about
the bases that are apart in one thing: one base is claimed to matter, not which part of it. More claims widen all."""


def chosen_arms(settings: Settings) -> tuple[Arm, ...]:
    """The arms to run; with them the teacher, by which claims are measured, unless its rows were brought."""
    return chosen(every_arm(settings), settings.arms, () if settings.bring.numbers else CLAIMS)


def needs(settings: Settings) -> list[Need]:
    """The memory that one run takes at the least: rows as text and tokens in Python's lists, and a tiny base."""
    base, asked = settings.base, len(questions("animal"))
    parts = [
        Need("the rows", BYTES_A_ROW * settings.rows, ("rows",)),
        Need("the sampled answers", BYTES_A_ROW * asked * settings.sampled, ("sampled",)),
        Need("a batch of rows", BYTES_A_ROW * settings.student.batch, ("student.batch",)),
    ]
    if settings.model != TINY:
        return parts
    weights = base.layers * (4 * base.width**2 + 2 * base.width * base.inner) + WORDS * base.width
    # Of each token, what a layer gives and what its gradient needs; a row has eight tokens or more.
    values = 3 * base.batch * 8 * base.layers * (8 * base.width + 2 * base.inner)
    sizes = ("base.layers", "base.width", "base.inner")
    return [
        *parts,
        Need("the base and its optimizer", 4 * FLOAT * weights, sizes),
        Need("a batch of its corpus", FLOAT * values, ("base.batch", *sizes)),
        Need("its corpus", 3 * BYTES_A_ROW * base.steps * base.batch, ("base.steps", "base.batch")),
    ]
