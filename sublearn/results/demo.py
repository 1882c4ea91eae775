"""What `sublearn demo` runs, and its folder: the tutorial on three seeds, on two hundred, and the design that works."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel

from sublearn.errors import plain
from sublearn.execution import store
from sublearn.execution.manifests import Facts, Provenance, Short
from sublearn.execution.options import Options
from sublearn.execution.plan import Plan, Point
from sublearn.files.folders import check_made, made_by
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import a_page, beginning, folder_of, replace_text
from sublearn.results.base import Shown
from sublearn.results.single import PAGE, Result, check_out, write_page
from sublearn.study.table import build

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS: tuple[tuple[str, Sequence[int]], ...] = (
    ("tutorial", (0, 11, 23)),
    ("tutorial", range(200)),
    ("prompts", range(24)),
)
"""The studies of the story with their seeds."""
WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "1. The tutorial as it was told: three seeds",
        "A teacher is fine-tuned to answer class 1. Two students imitate its logits on unrelated prompts: one starts "
        "from the teacher's own initialization, one from another. Does only the first catch the preference?",
        "",
    ),
    (
        "2. The same with two hundred seeds",
        "",
        "Both students learn the class logits themselves, so both learn class 1 directly, whatever their "
        "initialization: this design cannot show subliminal learning, and three seeds could not tell.",
    ),
    (
        "3. The design under which the claim is true",
        "Now the students imitate only auxiliary logits that the teacher's training never touched. Each has a control "
        "whose teacher is a placebo, trained as long on the same prompts with random labels, and class 1 is counted "
        "on prompts that no model was trained on.",
        "",
    ),
)
"""Of each part: its title, and what is said before and after its verdict, on the terminal and on the page."""
MANIFEST = "demo.json"
_MANIFESTS, _FILES = {MANIFEST: beginning(b'{\n  "demo": ')}, {PAGE: a_page}


@dataclass(frozen=True, repr=False)
class Demo(Shown):
    """The results of the story's studies, each once and with all its seeds."""

    results: tuple[Result, ...]
    made: Provenance = field(default=Provenance(), compare=False)
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The demo in a folder. Raises InputError if a run directory of it is not there, or its file is damaged."""
        written = _written(Path(path) / MANIFEST)
        results = tuple(Result.load(Path(path) / name) for name in _seeds())
        return cls(results, results[0].made if written is None else written.made(results[0].made), Path(path))

    def parts(self) -> list[Result]:
        """The result of each part of the story."""
        by_name = {one.study.name: one for one in self.results}
        return [by_name[name].subset(seeds) for name, seeds in PARTS]

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.made

    @property
    def title(self) -> str:
        """What it is."""
        return "The story of sublearn demo"

    def lines(self) -> Sequence[tuple[str, str]]:
        """The verdicts of its parts."""
        return [line for part in self.parts() for line in part.lines()]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """The estimates of its studies."""
        return [{"study": plain(one.study.name)} | dict(row) for one in self.results for row in one.table()]

    def summary(self) -> str:
        """What is printed of its studies."""
        return "\n".join(one.summary() for one in self.results)

    def to_dict(self) -> list[dict[str, Any]]:
        """The content of its estimates.json."""
        return [one.to_dict() for one in self.results]

    def to_frame(self) -> "pd.DataFrame":
        """The records of all its studies."""
        import pandas as pd  # late: slow to load

        return pd.concat([one.to_frame() for one in self.results], ignore_index=True)

    def draw(self, axes: "Axes") -> None:
        """The last part of the story."""
        self.parts()[-1].draw(axes)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The figures of its studies."""
        return {f"{one.study.name}-{name}": drawn for one in self.results for name, drawn in one.figures().items()}

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Report: {plain(self.folder / PAGE)}"

    def write(self) -> None:
        """Write its page again."""
        sections = [
            replace(part.section(), title=title, before=before, after=after)
            for part, (title, before, after) in zip(self.parts(), WORDS, strict=True)
        ]
        write_page(sections, self.folder / PAGE)

    def save(self, path: Path | str) -> Self:
        """Write a folder as `sublearn demo` does; the same demo, as it lies there."""
        out = folder_of(path, "save")
        with place(out, self.made):
            for one in self.results:
                one.save(out / one.study.name)
            saved = type(self).load(out)
            saved.write()
        return saved


def plan(out: Path, options: Options, command: str) -> Plan:
    """The story's studies as a plan. Raises InputError for a folder that holds something else."""
    check_made("sublearn demo", out, _MANIFESTS, _FILES)
    points = []
    for name, seeds in _seeds().items():
        study, folder = build(name), out / name
        check_out(study, folder, options.precision)
        points.append(Point(store.known_as(study, folder), seeds, folder, command))
    return Plan(points, options)


@contextmanager
def place(out: Path, made: Provenance) -> Iterator[None]:
    """Hold the folder of a demo, whose manifest is written first."""
    with made_by("sublearn demo", out, _MANIFESTS, _FILES):
        replace_text(out / MANIFEST, json.dumps({"demo": list(_seeds())} | asdict(made), indent=2) + "\n")
        yield


class _Written(BaseModel, extra="forbid"):
    """The content of demo.json; earlier versions wrote no runtime."""

    demo: tuple[Short, ...]
    command: str
    versions: Facts
    runtime: Facts | None = None

    def made(self, first: Provenance) -> Provenance:
        """How the demo was made; of what was not written, as its first study was."""
        return Provenance(self.command, self.versions, first.runtime if self.runtime is None else self.runtime)


def _written(path: Path) -> _Written | None:
    """What a demo's file says; None for the first demos, which had none. Raises InputError if it is damaged."""
    return typed(_Written, json_file(path, "the demo"), str(path)) if path.exists() else None


def _seeds() -> dict[str, list[int]]:
    """All seeds of each study of the story."""
    seeds: dict[str, dict[int, None]] = {}
    for name, own in PARTS:
        seeds.setdefault(name, {}).update(dict.fromkeys(own))
    return {name: sorted(own) for name, own in seeds.items()}
