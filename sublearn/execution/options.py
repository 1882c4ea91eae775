"""How studies are run, which must not change what comes out: one class, and what each of its parts may be.

Commands declare their options from it, so it imports nothing that is slow to load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, get_args

from sublearn.errors import InputError, quoted, unknown
from sublearn.execution.pace import Stage
from sublearn.training.choice import TRAINER_NAMES, TrainerName

if TYPE_CHECKING:
    from sublearn.devices import Precision

Device = Literal["auto", "cpu", "cuda"]
EngineName = Literal["local", "ray"]
PRECISIONS = ("highest", "high", "medium")
Progress = Callable[[int, int, Sequence[str]], object]
"""Called with (runs done, runs in all, notes) before the work and as it goes."""
OnStage = Callable[[Stage], object]
"""Called with what is being done, some times a second at most."""
LONGEST_NUMBER = 9
"""Digits of a shard's numbers."""


class Shard(NamedTuple):
    """The i-th of n parts of the seeds, for processes that know nothing of each other."""

    number: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A shard from text. Raises InputError for anything else.

        >>> Shard.parse("3/8")
        Shard(number=3, parts=8)
        """
        first, slash, count = text.partition("/")
        whole = all(part.isascii() and part.isdecimal() and len(part) <= LONGEST_NUMBER for part in (first, count))
        return cls(int(first), int(count)).checked(text) if slash and whole else cls(0, 0).checked(text)

    @classmethod
    def of(cls, given: object) -> Self:
        """A shard from itself, from (i, n) or from text. Raises InputError for anything else."""
        if isinstance(given, str):
            return cls.parse(given)
        pair = tuple(given) if isinstance(given, tuple | list) else ()
        if len(pair) != 2 or not all(isinstance(part, int) and not isinstance(part, bool) for part in pair):
            raise InputError(f"--shard got {quoted(given)}; expected (i, n) or 'i/n' with i from 1 to n, as in (3, 8).")
        return cls(*pair).checked()

    def checked(self, text: str | None = None) -> Self:
        """Itself. Raises InputError, which quotes the text that it came from, if there is no such part."""
        if not 1 <= self.number <= self.parts:
            shown = f"{self.number}/{self.parts}" if text is None else quoted(text)
            raise InputError(f"--shard {shown} is out of range; expected i/n with i from 1 to n, as in 3/8.")
        return self

    @property
    def name(self) -> str:
        """As in the names of its own files: "3of8"."""
        return f"{self.number}of{self.parts}"

    def share(self, seeds: Sequence[int], turn: int = 0) -> list[int]:
        """The shard's own seeds of the study of this number: neighbouring ones, as many as others have but for one.

        Of several studies the parts are dealt out anew for each, so that with few seeds each all shards have work.
        """
        part = (self.number - 1 + turn + turn // self.parts) % self.parts
        return list(seeds)[len(seeds) * part // self.parts : len(seeds) * (part + 1) // self.parts]


def _about(text: str, choices: Sequence[str] = (), **more: str) -> dict[str, Any]:
    return {"about": text, "choices": tuple(choices), **more}


@dataclass(frozen=True)
class Options:
    """How studies are run. Raises InputError for values that there are not."""

    device: str = field(
        default="auto",
        metadata=_about("Where models are trained; auto is a GPU where there is one.", get_args(Device)),
    )
    engine: EngineName = field(
        default="local", metadata=_about("local: in processes here; ray: on a cluster.", get_args(EngineName))
    )
    trainer: TrainerName = field(
        default="auto",
        metadata=_about(
            "cohort: runs stacked, by rules; vmap: stacked, any model; single: run by run; auto: the fastest that can.",
            TRAINER_NAMES,
        ),
    )
    precision: Precision = field(
        default="highest",
        metadata=_about(
            "Of float32 matrix products, in PyTorch's words; high and medium are faster where the hardware has them.",
            PRECISIONS,
        ),
    )
    jobs: int = field(default=1, metadata=_about("Processes of one thread each.  [default: the cores]"))
    shard: Shard | tuple[int, int] | str | None = field(
        default=None, metadata=_about("Run the i-th of n parts, for Slurm arrays.", metavar="I/N")
    )
    trackers: Sequence[str] | str = field(
        default=(), metadata=_about("Follow it in tensorboard or wandb.", metavar="NAME")
    )
    progress: Progress | None = None
    on_stage: OnStage | None = None

    def __post_init__(self) -> None:
        for own in fields(self):
            choices = own.metadata.get("choices")
            if choices and getattr(self, own.name) not in choices:
                raise unknown(own.name, str(getattr(self, own.name)), choices)
        if isinstance(self.jobs, bool) or not isinstance(self.jobs, int) or self.jobs < 1:
            raise InputError(f"--jobs {quoted(self.jobs)}: expected a whole number of at least 1.")
        if self.shard is not None:
            object.__setattr__(self, "shard", Shard.of(self.shard))
        if self.progress is not None and not callable(self.progress):
            raise InputError(
                f"progress got {quoted(self.progress)}; expected a function (runs done, runs in all, notes)."
            )
        if self.on_stage is not None and not callable(self.on_stage):
            raise InputError(f"on_stage got {quoted(self.on_stage)}; expected a function of one Stage.")
        object.__setattr__(self, "trackers", self._checked_trackers())

    def _checked_trackers(self) -> tuple[str, ...]:
        """The trackers, of which one may be named alone."""
        one = isinstance(self.trackers, str) or not isinstance(self.trackers, Iterable)
        given: tuple[Any, ...] = (self.trackers,) if one else tuple(self.trackers)
        if not all(isinstance(name, str) for name in given):
            raise InputError(f"trackers got {quoted(self.trackers)}; expected names, as in ['tensorboard'].")
        if given:
            from sublearn.execution.trackers import TRACKERS  # late: `sublearn --help` needs none

            for name in given:
                if name not in TRACKERS:
                    raise unknown("tracker", name, TRACKERS)
        return given

    @property
    def shard_name(self) -> str | None:
        """The name of the shard's own files, if there is one."""
        return Shard.of(self.shard).name if self.shard else None

    def share(self, seeds: Sequence[int], turn: int = 0) -> Sequence[int]:
        """Those of the seeds of the study of this number that are run here."""
        return Shard.of(self.shard).share(seeds, turn) if self.shard else seeds

    def tell(self, done: int, total: int, notes: Sequence[str] = ()) -> None:
        """Hand on how many runs of all are done."""
        if self.progress is not None:
            self.progress(done, total, notes)

    def tell_stage(self, name: str, done: float, total: int) -> None:
        """Hand on what is being done."""
        if self.on_stage is not None:
            self.on_stage(Stage(name, done, total))

    @classmethod
    def split(cls, keywords: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """Keywords as options, and the rest of them, which are settings."""
        names = {own.name for own in fields(cls)}
        own = cls(**{name: value for name, value in keywords.items() if name in names})
        return own, {name: value for name, value in keywords.items() if name not in names}


def option(name: str) -> Field[Any]:
    """The part of Options of that name, with what is said about it."""
    return next(own for own in fields(Options) if own.name == name)
