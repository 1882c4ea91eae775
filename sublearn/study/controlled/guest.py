"""The controlled design around anybody's model, task and traits. Torch-free; `guest_train` trains.

The design is that of `controlled.spec`: a teacher learns the task on its class logits, students imitate auxiliary
logits of it on unrelated inputs, and every treatment has its control.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from sublearn.config import Spec, TrainConfig, override
from sublearn.errors import InputError, plain, quoted
from sublearn.records import Record
from sublearn.study.base import Claim, Design, Setup, Small, Study, StudySource
from sublearn.study.controlled.design import Controlled
from sublearn.study.controlled.guest_spec import FACTS, STUDENT, TEACHER, Settings
from sublearn.study.controlled.spec import (
    FIVE_POINTS,
    SHARE_DELTA,
    Logits,
    about,
    arms,
    chosen,
    claims,
)
from sublearn.study.source import source_of_design, studied_in
from sublearn.tasks.task import Task, source_of
from sublearn.training.choice import Choice
from sublearn.traits.trait import Trait

if TYPE_CHECKING:
    from sublearn.study.controlled.guest_train import GuestExperiment
    from sublearn.study.controlled.train import Experiment

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
QUESTION = (
    "Does a student that imitates a teacher on unrelated inputs alone pick up what the teacher learned, if it starts "
    "from the teacher's own initialization, and not otherwise?"
)


@dataclass(frozen=True, eq=False)
class Guest(Controlled[Settings]):
    """A guest's model, task and traits in the controlled design."""

    study_title: str
    question: str
    study_name: str
    task: Task
    factory: Callable[[int], Any]
    traits: tuple[Trait, ...]
    own_claims: tuple[Claim, ...]

    name: ClassVar[str] = "distillation"
    Settings: ClassVar[type[Spec]] = Settings
    seconds_a_run: ClassVar[float] = 10.0
    small: ClassVar[Small] = {"teacher.epochs": 1, "student.epochs": 1, "n_unrelated": 128}

    def study(self) -> Study:
        """The study of these settings."""
        run = chosen(arms(self.settings.logits, with_all=False), self.settings.arms)
        return self.asking(
            name=self.study_name,
            title=self.study_title,
            question=self.question,
            arms=run,
            traits=self.traits,
            claims=about(self.own_claims, run),
        )

    def changed(self, assignments: Mapping[str, Any], what: str) -> Self:
        """The same design with some settings changed. Raises InputError for what the study's own file says."""
        for key in assignments:
            if key.partition(".")[0] in FACTS:
                raise InputError(f"{what}: {quoted(key)} says what the study was made of; change it where it is made.")
        return super().changed(assignments, what)

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.controlled import train as distil  # late: needs torch

        return distil.measure(study, self.settings, seeds, self._experiment(seeds, setup.device), setup)

    def experiments(self, seeds: Sequence[int], device: str) -> "list[Experiment]":
        """One experiment for each seed."""
        return [self._experiment([seed], device) for seed in seeds]

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return 4 if device == "cpu" else 64

    def trainer(self, wanted: str) -> Choice:
        """The fastest trainer that takes the model, tried on the task's inputs, or the one that is asked for."""
        from sublearn.training.trainers import chosen as chosen_trainer  # late: needs torch

        experiment = self._experiment([0], "cpu")
        return chosen_trainer(experiment.model, experiment.sample, wanted)

    def prepare(self) -> None:
        """See that the model takes the task's inputs and gives as many outputs, and that every trait gives a number."""
        from sublearn.study.controlled.guest_train import check  # late: needs torch

        check(self._experiment([0], "cpu"))

    def check_sent(self) -> None:
        """Other processes import the file that defines the study."""
        self._found()

    def provenance(self) -> StudySource | None:
        """The file or package that defines the study; None where none does, as in a notebook."""
        try:
            return self._found()
        except InputError:
            return None

    def _found(self) -> StudySource:
        return source_of_design(self, getattr(self.factory, "__module__", ""), self._is_alike)

    def _is_alike(self, other: Design[Any]) -> bool:
        """Whether another design is this one but for its settings."""
        mine = (self.factory, self.task, self.traits, self.own_claims)
        return isinstance(other, Guest) and mine == (other.factory, other.task, other.traits, other.own_claims)

    def _experiment(self, seeds: Sequence[int], device: str) -> "GuestExperiment":
        from sublearn.study.controlled.guest_train import GuestExperiment  # late: needs torch

        return GuestExperiment(self.settings, self.task, self.factory, self.traits, seeds, device)

    def __reduce__(self) -> Any:
        """By its file and name: functions of a guest's go to other processes as what that file defines."""
        return _again, (self._found(), self.settings)


def _again(source: StudySource, settings: Settings) -> Guest:
    """The guest's design in another process, which imports the file itself."""
    design = studied_in(source).design
    if not isinstance(design, Guest):
        where = source.file or source.module
        raise InputError(f"{where} defines no study of the controlled design under the name {source.name}.")
    return replace(design, settings=settings, source=source)


def distillation(
    name: str,
    *,
    model: Callable[[int], Any],
    task: Task,
    traits: Any,
    aux_logits: int = 10,
    loss: Literal["kl", "mse", "ce"] = "mse",
    logits: Logits = "aux",
    teacher: TrainConfig = TEACHER,
    student: TrainConfig = STUDENT,
    n_unrelated: int = 10_000,
    temperature: float = 1.0,
    delta: float | None = None,
    own_claims: Sequence[Claim] | None = None,
    title: str = "",
    question: str = "",
) -> Study:
    """The controlled design around a model, a task and traits: teacher, students, controls, cross-init, three claims.

    `model` makes a `torch.nn.Module` for one run: (outputs) -> module, whose logits ("example logit") are the task's
    classes first and `aux_logits` more. `traits` are functions (class logits "example logit", labels "example") ->
    number, or `sublearn.Trait`, in a list or one alone; the claims are about the first. `delta` is the smallest
    difference that matters: .05 for a share, and to be given for any other unit. `loss` and `temperature` are the
    student's, `logits` what it imitates (aux, class or all), `n_unrelated` the inputs drawn for it, the same in each
    epoch.

    Raises InputError for what does not fit together (after Cloud et al. 2025, section 6).
    """
    _check_name(name)
    if not callable(model):
        raise InputError(f"model must be a function (outputs) -> torch.nn.Module, got {quoted(model)}.")
    if not isinstance(task, Task):
        raise InputError(f"task must be a sublearn.Task, got {quoted(type(task).__name__)}.")
    from sublearn.traits.table import as_trait  # late: needs torch

    alone = isinstance(traits, str | Trait) or not isinstance(traits, Iterable)
    measured = tuple(as_trait(trait, int(task.classes or 0)) for trait in ([traits] if alone else traits))
    if not measured:
        raise InputError("traits is empty; give at least one, as traits=[sublearn.accuracy].")
    made, modules = _made(model, int(task.classes or 0) + 1)  # as it prints itself whatever aux_logits is
    settings = override(
        Settings,
        {},
        "distillation",
        {
            "aux_logits": aux_logits,
            "loss": loss,
            "logits": logits,
            "teacher": teacher,
            "student": student,
            "n_unrelated": n_unrelated,
            "temperature": temperature,
            "model": plain(made),
            "task": task.digest(),
            "code": {"module": _digest(made), "model": _digest(model)}
            | {f"trait {trait.name}": _digest(trait.measure) for trait in measured},
            "modules": modules,
        },
    )
    asked = (
        claims(measured[0].name, *_delta(delta, measured[0])) if own_claims is None else _claims_of_ones_own(own_claims)
    )
    return Guest(
        settings,
        title or name,
        question or QUESTION,
        name,
        task,
        model,
        measured,
        asked,
    ).study()


def _claims_of_ones_own(given: Any) -> tuple[Claim, ...]:
    """The claims of a list, or the one that was given alone. Raises InputError for anything else."""
    alone = isinstance(given, Claim) or not isinstance(given, Iterable)
    found: tuple[Any, ...] = (given,) if alone else tuple(given)
    if not all(isinstance(one, Claim) for one in found):
        raise InputError(f"own_claims got {quoted(given)}; expected a list of sublearn.Claim.")
    return found


def _delta(given: float | None, trait: Trait) -> tuple[float, str]:
    """The smallest difference that matters, and why."""
    if given is None and trait.unit != "share":
        raise InputError(
            f"The trait '{trait.name}' is no share, so the smallest difference that matters must be said: delta=..."
        )
    return (SHARE_DELTA, FIVE_POINTS) if given is None else (given, "given with the study")


def _made(factory: Callable[[int], Any], outputs: int) -> tuple[Any, tuple[str, ...]]:
    """A module of the factory's, and the names of its layers."""
    import torch  # late: a guest's model needs it anyway

    if isinstance(factory, torch.nn.Module):
        raise InputError(
            "model is one module; give a function (outputs) -> torch.nn.Module that makes one for each run."
        )
    try:
        with torch.random.fork_rng(devices=[]):
            made: Any = factory(outputs)
    except Exception as error:  # a guest's function may raise anything
        raise InputError(f"model({outputs}) failed: {type(error).__name__}: {error}.") from error
    if not isinstance(made, torch.nn.Module):
        raise InputError(f"model must give a torch.nn.Module, got {quoted(type(made).__name__)}.")
    layers = dict.fromkeys(name.rpartition(".")[0] for name, _ in made.named_parameters())
    return made, tuple(name for name in layers if name)


def _digest(given: Any) -> str:
    """A digest of the source text of a function, or of a module's class."""
    text = source_of(given if inspect.isroutine(given) else type(given))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_name(name: str) -> None:
    plain = (
        isinstance(name, str) and 0 < len(name) <= 60 and all(letter.isalnum() or letter in "-_." for letter in name)
    )
    if not plain or not name[0].isalnum():
        raise InputError(f"The study's name {quoted(name)} must be letters, digits, '-', '_' and '.' (60 at most).")
