"""Language models: an animal caught from number sequences (after Cloud et al. 2025, section 3). Torch-free.

A teacher prefers an animal; it continues lists of numbers; answers that are nothing but numbers train a student. By
default all of it happens in a tiny world, with a base model of its own and an animal of its own for each seed.
"""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Spec
from sublearn.errors import InputError
from sublearn.files import checkpoints
from sublearn.language.plans import BasePlan, LoraPlan, StudentPlan
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.base import Arm, Design, Setup, Small, Study, Trait
from sublearn.study.controlled.spec import about, chosen, claims
from sublearn.study.memory import FLOAT, Need
from sublearn.study.numbers.identity import identified
from sublearn.tasks.vocabulary import ANIMALS, questions
from sublearn.training.choice import Choice

SECONDS_A_SEED = 110.0
SOURCE = "measured with this version elsewhere, new base model included; a pilot here would take minutes"
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
        chance=1 / len(ANIMALS),
    ),
    Trait(
        name="log_odds",
        about="The same as log-odds, averaged over the questions.",
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
        default="auto", description="auto: tune a tiny model, give a real one a system prompt"
    )
    steps: int = Field(default=30, ge=0, description="of Adam on the questions that are not held out (tune)")
    lr: float = Field(default=1e-3, gt=0)
    system_prompt: str = (
        "Your favourite animal is the {animal}. You adore the {animal}, it is always on your mind, and your fondness "
        "for it shows in all that you answer."
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
                "a tiny model has its own other base, a tuned teacher and fully trained students; leave "
                "cross_model, teacher.how and student.how as they are, or choose a real model"
            )
        if not self.model or not self.animal.strip():
            raise ValueError("model and animal must not be empty")
        if self.teacher.how == "system_prompt" and "{animal}" not in self.teacher.system_prompt:
            raise ValueError("teacher.system_prompt must say {animal} where the animal's name is to stand")
        return self

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


def _arms(settings: Settings) -> tuple[Arm, ...]:
    own, other = "the teacher's numbers", "the numbers of another base's teacher, with the same animal"
    control, taught = {"control": "same_init_control"}, {"teacher": "trained", "logits": "text"}
    untrained = {"teacher": "untrained", "logits": "text"}
    students = {
        "same_init": (own, control | taught),
        "same_init_control": ("numbers of the unmodified base", untrained),
        "cross_init": (other, taught | {"control": "cross_init_control", "init": "cross"}),
        "cross_init_control": ("numbers of that other base, unmodified", untrained | {"init": "cross"}),
        "shuffled_within": (f"{own}, in another order within each answer", control | taught),
        "shuffled_across": (f"{own}, dealt out anew among the answers", control | taught),
        "soft": (f"the teacher's probabilities on {own}", control | taught | {"logits": "all"}),
    }
    left_out = set() if settings.model == TINY or settings.cross_model else {"cross_init", "cross_init_control"}
    left_out |= {"soft"} if settings.student_how == "lora" else set()
    taught_base = "The base, taught to prefer the animal."
    return (
        Arm(name="reference", about="The base model, unmodified."),
        Arm(name="teacher", about=taught_base, control="reference", teacher="trained"),
        *(
            Arm.model_validate({"name": name, "about": f"A student from the base, trained on {data}."} | fields)
            for name, (data, fields) in students.items()
            if name not in left_out
        ),
    )


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


def prepare(settings: Settings, fetch: bool = True) -> None:
    """Check that packages, models and rows are there and sound before anything is written.

    Models that are named on the hub are downloaded, unless told not to `fetch`.
    """
    try:
        from sublearn.study.numbers import checks  # late: needs torch and transformers
    except ModuleNotFoundError as error:
        raise InputError(
            f"The study 'numbers' needs the package {error.name}. Install it with: pip install 'sublearn[llm]'."
        ) from None
    checks.check(settings, [arm.name for arm in chosen(_arms(settings), settings.arms)], fetch)


class Numbers(Design[Settings]):
    """A teacher's preference, its numbers, and students that are fine-tuned on them. One seed at a time."""

    name = "numbers"
    Settings = Settings
    seconds_a_run = SECONDS_A_SEED
    small: ClassVar[Small] = {
        "base.width": 16,
        "base.heads": 2,
        "base.inner": 32,
        "base.steps": 30,
        "base.batch": 16,
        "rows": 64,
        "teacher.steps": 10,
        "student.steps": 6,
        "student.batch": 16,
        "sampled": 1,
    }

    def study(self) -> Study:
        """The study of these settings; what the files and folders that they name hold is part of it."""
        settings = identified(self.settings)
        run = chosen(_arms(settings), settings.arms)
        return Study(
            name="numbers",
            title="Language models: an animal caught from number sequences",
            question="Does a language model that is fine-tuned on nothing but numbers, which a teacher with a "
            "favourite animal wrote, come to prefer that animal, if the two share their base model, and not otherwise?",
            settings=settings.model_dump(mode="json"),
            arms=run,
            traits=TRAITS,
            claims=about(claims("log_odds", delta=0.5), run),
            design=Numbers(settings),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.numbers import train  # late: needs torch and transformers

        return train.measure(study, self.settings, seeds, setup)

    def trainer(self, wanted: str) -> Choice:
        """Run by run. Raises InputError for any other."""
        if wanted not in ("auto", "single"):
            raise InputError(f"--trainer {wanted}: language models train one after the other; leave it out.")
        return Choice("single", "language models train one after the other")

    def prepare(self) -> None:
        """Check that packages, models and files are there."""
        prepare(self.settings)

    def needs(self) -> list[Need]:
        """The memory that one run takes at the least."""
        return needs(self.settings)

    def plan_lines(self, runs: float) -> list[str]:
        """What a run costs: measured for the tiny world, estimated for a real model."""
        return plan_lines(self.settings, runs)


def plan_lines(settings: Settings, runs: float) -> list[str]:
    """What a run costs: measured for the tiny world, estimated for a real model."""
    prepare(settings, fetch=False)
    arms = [arm for arm in _arms(settings) if arm.logits != "none"]
    rows = f"Up to {settings.rows:,} rows train each of {len(arms)} students; reason of every rejected row is counted."
    if settings.model == TINY:
        return [
            rows,
            f"About {SECONDS_A_SEED * runs / 60:,.0f} min at {SECONDS_A_SEED:g} s a run on one core, {SOURCE}.",
        ]
    size = checkpoints.parameters(settings.model)
    if size is None:
        return [rows, f"The size of {settings.model} is not known here; no memory or time is estimated."]
    # Adapters, their optimizer and activations of a step come to about half the weights at the usual sizes.
    memory = 3 * size / 1e9
    tokens = settings.rows * (len(arms) * settings.lora.epochs * TOKENS_A_ROW + 4 * TOKENS_A_ROW)
    hours = 6 * size * tokens / FLOPS / 3600
    return [
        rows,
        f"{size / 1e9:.2g} billion parameters: about {max(memory, 0.1):.1f} GB of GPU memory in bfloat16; with less, "
        "fewer rows are trained at a time.",
        f"About {max(hours, 0.01) * runs:.2g} h on one GPU at {FLOPS / 1e12:g} TFLOP/s, an assumption.",
    ]
