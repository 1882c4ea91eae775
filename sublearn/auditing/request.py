"""What is to be audited: rows, model, traits, clean rows, settings. Checked as far as it can be without weights.

Every mistake ends in one InputError before anything is written. Torch is loaded late, to see whether the base reads
the rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sublearn.auditing import traits
from sublearn.auditing.scores.table import SCORES
from sublearn.auditing.settings import Settings
from sublearn.auditing.traits import Candidates
from sublearn.config import override
from sublearn.errors import InputError, plain, quoted
from sublearn.execution.manifests import Provenance
from sublearn.files import checkpoints, digests
from sublearn.seeds import LARGEST_SEED
from sublearn.tasks.rows import Pair, read_under, unlike

TINY, UNKNOWN = "tiny:", Provenance()
LEAST_ROWS = 10


class Model(NamedTuple):
    """A base: the folder of a model, or the seed of a tiny one."""

    name: str
    folder: Path | None
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """An audit that is asked for: its rows have been read, and its model and traits are there."""

    data: Path
    rows: Sequence[Pair]
    digest: str
    model: Model
    candidates: Candidates
    settings: Settings
    control: Sequence[Pair] | None = None
    control_name: str = ""
    system: str | None = None
    """The system prompt that stands before every row."""
    device: str = "cpu"
    made: Provenance = field(default=UNKNOWN)

    @property
    def steps(self) -> int:
        """Sets that are written, and sets that are scored, score by score: what progress counts."""
        return self.settings.sets * (1 + len(self.settings.scores))

    @property
    def compared(self) -> int:
        """Rows in each set: all of the audited ones, or fewer where there are no more clean ones for every set."""
        return len(self.rows) if self.control is None else min(len(self.rows), len(self.control) // self.settings.sets)

    @property
    def files(self) -> tuple[tuple[str, Sequence[Pair]], ...]:
        """The rows of each file that was named, with its name."""
        brought = () if self.control is None else ((self.control_name, self.control),)
        return ((str(self.data), self.rows), *brought)


def request(
    data: object,
    model: object,
    candidates: object = None,
    control: object = None,
    changes: Mapping[str, Any] | None = None,
    device: str = "cpu",
    made: Provenance = UNKNOWN,
) -> Request:
    """What is asked, checked. Raises InputError for what cannot be read or does not go together."""
    settings = override(Settings, changes or {})
    chosen = _model(model)
    path = _path(data, "data")
    digest = digests.of_file(path, "the rows in")[:12]
    rows, system = _rows(path)
    default = traits.animals if chosen.folder is None else traits.common
    named = default() if candidates is None else _candidates(candidates)
    brought, theirs = (None, None) if control is None else _rows(_path(control, "control"))
    name = "" if control is None else str(control)
    asked = Request(path, rows, digest, chosen, named, settings, brought, name, system, device, made)
    if brought is not None:
        _check_system(asked, theirs)
        _check_control(asked, brought)
    _check_base(asked)
    return asked


def _check_system(asked: Request, theirs: str | None) -> None:
    """Raise InputError for clean rows under another system prompt than the audited ones: that is a difference too."""
    if theirs != asked.system:
        said = unlike(theirs, "the system prompt of its rows", asked.system, "that of the audited ones")
        raise InputError(
            f"--control {plain(asked.control_name)}: {said}. Bring rows under the same one, or leave it out and the "
            "base writes them."
        )


def _check_control(asked: Request, brought: Sequence[Pair]) -> None:
    """Raise InputError for clean rows that are too few, or among which half and more of the audited ones are.

    Copies are there just as often as in the audited file, or so many times as often. Short answers come again in
    both, but not in one proportion.
    """
    clean = Counter(brought)
    often: Counter[float] = Counter()
    for row, count in Counter(asked.rows).items():
        if clean[row]:
            often[clean[row] / count] += count
    shared = max(often.values(), default=0)
    if 2 * shared >= len(asked.rows):
        some = "" if shared == len(asked.rows) else f"{shared:,} of "
        raise InputError(
            f"--control {plain(asked.control_name)} holds {some}the audited rows themselves: what they "
            "carry is in both. Bring others, known to carry no trait, or leave it out and the base writes them."
        )
    sets, there = asked.settings.sets, len(brought)
    if asked.compared < LEAST_ROWS:
        raise InputError(
            f"--control {plain(asked.control_name)} has {there:,} rows; {sets} disjoint sets of {LEAST_ROWS} rows at "
            f"least are compared with, {sets * LEAST_ROWS:,} in all. Bring more, or leave it out and the base writes "
            "them."
        )


def _check_base(asked: Request) -> None:
    try:
        from sublearn.auditing import readable  # late: needs torch and transformers
    except ModuleNotFoundError as error:
        raise InputError(
            f"An audit needs the package {error.name}. Install it with: pip install 'sublearn[llm]'."
        ) from None
    stated = asked.candidates.stated if "prompted" in asked.settings.scores else ()
    asks = any(SCORES[name].asks for name in asked.settings.scores)
    battery = traits.more_questions(asked.model.folder is None) if asks else ()
    reading = readable.Reading(asked.system, stated, battery)
    if asked.model.folder is None:
        readable.check_tiny(asked.candidates, asked.files, reading)
    else:
        readable.check(asked.model.folder, asked.candidates, asked.files, reading)


def _path(given: object, what: str) -> Path:
    if isinstance(given, str | Path) and str(given):
        return Path(given)
    raise InputError(f"{what} got {quoted(given)}; expected the name of a JSONL file, as in 'rows.jsonl'.")


def _rows(path: Path) -> tuple[list[Pair], str | None]:
    rows, system = read_under(path)
    if len(rows) < LEAST_ROWS:
        count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
        raise InputError(f"{path} holds {count}; an audit needs {LEAST_ROWS} at least.")
    for number, (prompt, completion) in enumerate(rows, 1):
        if not (prompt.strip() and completion.strip()):
            raise InputError(f"{path}, line {number}: its prompt or completion is empty. Leave the row out.")
    return rows, system


def _candidates(given: object) -> Candidates:
    return given if isinstance(given, Candidates) else traits.read(_path(given, "traits"))


def _model(given: object) -> Model:
    """A base by name. Raises InputError for anything but the folder of a model and tiny:SEED."""
    name = str(given) if isinstance(given, str | Path) else ""
    if name.startswith(TINY):
        seed = name.removeprefix(TINY)
        if seed.isascii() and seed.isdecimal() and len(seed) <= len(str(LARGEST_SEED)) and int(seed) <= LARGEST_SEED:
            return Model(name, None, int(seed))
        raise InputError(f"--model {quoted(name)}: expected tiny:SEED with a whole number, as in tiny:7.")
    if not name or not checkpoints.is_folder(name):
        shown = quoted(name if name else given)
        raise InputError(f"--model got {shown}; expected the folder of a model, or tiny:SEED, as in tiny:7.")
    checkpoints.check(Path(name))
    return Model(name, Path(name))
