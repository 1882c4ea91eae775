"""How the study `numbers` is made from its settings, checked and measured. Torch-free; `train` trains."""

from collections.abc import Sequence
from typing import ClassVar

from sublearn.errors import InputError
from sublearn.files import checkpoints
from sublearn.records import Record
from sublearn.study.base import Design, Setup, Small, Study
from sublearn.study.controlled.spec import about
from sublearn.study.memory import Need
from sublearn.study.numbers.identity import identified
from sublearn.study.numbers.spec import (
    CLAIMS,
    FLOPS,
    SECONDS_A_SEED,
    SOURCE,
    TINY,
    TOKENS_A_ROW,
    TRAITS,
    Settings,
    chosen_arms,
    needs,
    seeds_a_unit,
)
from sublearn.training.choice import Choice


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
    checks.check(settings, [arm.name for arm in chosen_arms(settings)], fetch)


class Numbers(Design[Settings]):
    """A teacher's preference, its numbers, and students that are fine-tuned on them. One seed at a time."""

    name = "numbers"
    title = "Language models: an animal caught from number sequences"
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
        run = chosen_arms(settings)
        return Numbers(settings).asking(
            title=self.title,
            question="Does a language model that is fine-tuned on nothing but numbers, which a teacher with a "
            "favourite animal wrote, come to prefer that animal, if the two share their base model, and not otherwise?",
            arms=run,
            traits=TRAITS,
            claims=about(CLAIMS, run),
            seeds_a_unit=seeds_a_unit(settings, run),
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
    arms = [arm for arm in chosen_arms(settings) if arm.logits != "none"]
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
    copies = sum(arm.teacher in ("trained", "placebo") and arm.logits == "none" for arm in chosen_arms(settings))
    memory = (3 + 2 * copies * (settings.teacher_how == "lora")) * size / 1e9
    tokens = settings.rows * (len(arms) * settings.lora.epochs * TOKENS_A_ROW + 4 * TOKENS_A_ROW)
    hours = 6 * size * tokens / FLOPS / 3600
    return [
        rows,
        f"{size / 1e9:.2g} billion parameters: about {max(memory, 0.1):.1f} GB of GPU memory in bfloat16; with less, "
        "fewer rows are trained at a time.",
        f"About {max(hours, 0.01) * runs:.2g} h on one GPU at {FLOPS / 1e12:g} TFLOP/s, an assumption.",
    ]
