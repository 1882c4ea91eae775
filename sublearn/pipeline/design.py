"""How the study `distill` is made, checked, planned and measured. Torch-free; models are in processes of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sublearn.config import override
from sublearn.errors import InputError
from sublearn.files import checkpoints, hub
from sublearn.pipeline import memory, spec
from sublearn.pipeline.how import How
from sublearn.pipeline.memory import Shape
from sublearn.pipeline.servers import shown
from sublearn.pipeline.spec import STUDENTS, Settings
from sublearn.pipeline.throughput import UNMEASURED, Throughput
from sublearn.records import Record
from sublearn.study.base import Design, Setup, Small, Study
from sublearn.study.numbers import spec as numbers
from sublearn.tasks.vocabulary import questions
from sublearn.training.choice import Choice

NAME = "distill"


@dataclass(frozen=True)
class Distill(Design[Settings]):
    """A prompted teacher's numbers, LoRA students, and what all prefer: a server, a training and a server a seed."""

    how: How = field(default_factory=partial(How, "transformers"))
    measured: Throughput | None = None
    dry: bool = False
    """Whether it is planned alone: then neither programs nor weights need be here."""
    name = NAME
    title = "A model of any size, end to end: an animal caught from number sequences"
    Settings = Settings
    seconds_a_run = 3600.0
    small: ClassVar[Small] = {"prompts": 40, "rows": 16, "lora.batch": 8, "lora.epochs": 1, "ask.samples": 1}

    def study(self) -> Study:
        """The study of these settings; what the model's files hold is part of it."""
        writer = "" if self.how.writer is None else self.how.writer.model
        settings = self.settings.model_copy(update={"writer": writer})
        if not settings.identity:
            settings = settings.model_copy(update={"identity": _identity(settings.model, self.dry)})
        run = spec.arms()
        return replace(self, settings=settings).asking(
            title=self.title,
            question="Does a language model that is fine-tuned on nothing but numbers, which itself wrote under a "
            "system prompt with a favourite animal, come to prefer that animal?",
            arms=run,
            traits=spec.TRAITS,
            claims=spec.claims(run),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.pipeline import work  # late: needs httpx2, and torch for what is kept

        if setup.keep is None:
            raise InputError("The study 'distill' is run in a run directory; name one.")
        model, on_gpu = self.folder(), setup.device == "cuda"
        return [
            record
            for seed in seeds
            for record in work.SeedWork(
                study, self.settings, model, seed, Path(setup.keep) / f"seed-{seed}", self.how, on_gpu
            ).records()
        ]

    def trainer(self, wanted: str) -> Choice:
        """trl's, whatever is asked for."""
        del wanted
        return Choice("single", f"LoRA by trl under accelerate, {self.how.gpus} at once")

    def prepare(self) -> None:
        """Check programs, GPUs, the model, its tokenizer and its chat template; fetch a model that is on the hub."""
        if self.dry:
            return
        self.how.check()
        try:
            from sublearn.language.endpoints import many  # late: of another extra
            from sublearn.study.numbers import checks  # late: needs torch and transformers
        except ModuleNotFoundError as error:
            raise InputError(
                f"The study 'distill' needs the package {error.name}. Install it with: pip install "
                "'sublearn[llm,endpoints]'."
            ) from None
        own, model = self.settings, self.folder()
        plan = {"how": "system_prompt", "system_prompt": own.system_prompt}
        checks.check(numbers.Settings.model_validate({"model": str(model), "animal": own.animal, "teacher": plan}))
        if self.how.writer is not None:
            many.check(self.how.writer, self.how.patience)

    def plan_lines(self, runs: float) -> list[str]:
        """Stages, commands, memory and time."""
        return [*self._stages(), *self._commands(), *self._memory(), *self._time(runs)]

    def _stages(self) -> Iterator[str]:
        own = self.settings
        steps = own.lora.steps(own.rows)
        share = own.lora.batch // self.how.gpus
        yield f"1 sampling: teacher and base each answer {own.prompts:,} prompts; 2 the rule keeps lists of numbers."
        yield (
            f"3 training: {len(STUDENTS)} students on up to {own.rows:,} rows each, {steps:,} steps of "
            f"{own.lora.batch} rows, {share} on each of {self.how.gpus}."
        )
        asked = len(questions("animal")) * own.ask.samples
        yield f"4 asking: {asked:,} answers of each of 4 arms; 5 records and report. What is whole is kept."

    def _commands(self) -> Iterator[str]:
        model, rank = self.settings.model, self.settings.lora.r
        adapters = {arm: f"students/{arm}" for arm in STUDENTS}
        on_gpu = self.how.kind == "vllm" or _gpu_here()
        yield "Commands of a seed:"
        if self.how.writer is None:
            yield f"  {shown(self.how.served(model, {}, rank, on_gpu).at('PORT'))}"
        else:
            yield f"  (rows are asked of {self.how.writer})"
        yield f"  {shown(self.how.training('LESSON.json', 'PORT', on_gpu))}   (twice)"
        yield f"  {shown(self.how.served(model, adapters, rank, on_gpu).at('PORT'))}"
        if self.how.kind == "transformers":
            yield "  (and once more for each student, merged into the base: this server cannot name adapters)"

    def _memory(self) -> list[str]:
        shape = self.shape()
        if shape is None:
            return [f"Memory: {self.settings.model} is in no folder here, so that its sizes are not known."]
        size = f"{shape.parameters / 1e9:.3g} billion parameters in bfloat16, {shape.layers} layers."
        return [size, *memory.lines(shape, self.settings.lora, self.how)]

    def _time(self, runs: float) -> list[str]:
        return [UNMEASURED] if self.measured is None else list(self.measured.lines(self.settings, self.how, runs))

    def shape(self) -> Shape | None:
        """The model's sizes, if its configuration is in a folder here."""
        if not checkpoints.is_folder(self.settings.model):
            return None
        folder = Path(self.settings.model)
        known = checkpoints.parameters(self.settings.model) if _has_weights(folder) else None
        return Shape.of(checkpoints.configuration(folder), known)

    def folder(self) -> Path:
        """The model's folder; a name on the hub is downloaded. Raises InputError for one that has changed."""
        return hub.same_folder(self.settings.model, self.settings.identity)


def built(
    assignments: Mapping[str, Any], how: How, measured: Throughput | None = None, dry: bool = False, what: str = "--set"
) -> Study:
    """The study with some of its settings replaced by dotted key. Raises InputError for what does not fit."""
    settings = override(Settings, assignments, what, Settings(model=assignments["model"]))
    how.check_batch(settings.lora.batch)
    return Distill(settings, how=how, measured=measured, dry=dry).study()


def _identity(model: str, dry: bool) -> str:
    """What identifies a model, once it is sound; a dry run asks no hub, and looks at no weights."""
    if not checkpoints.is_folder(model):
        return "" if dry else hub.identity(model)
    checkpoints.configuration(Path(model))
    if not dry:
        checkpoints.check(Path(model))
    return hub.identity(model)


def _has_weights(folder: Path) -> bool:
    return any(name in checkpoints.files(folder) for name in (checkpoints.WEIGHTS, checkpoints.INDEX))


def _gpu_here() -> bool:
    import torch  # late: slow

    return torch.cuda.is_available()
