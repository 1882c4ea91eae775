"""Teachers and rows of tiny bases, kept in the cache by what made them, so that no study makes them a second time.

Studies of other arms, students or defences need the same ones. What was brought, and real models, are not kept here.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from transformers import PreTrainedModel

from sublearn.errors import InputError
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import replace_text
from sublearn.language import artifacts, base
from sublearn.language.tokens import Dialogue
from sublearn.study.numbers.metrics import Counted
from sublearn.study.numbers.spec import ORIGINS, TINY, Origin, RowSource, Settings, Writer
from sublearn.tasks.rows import Pair
from sublearn.tasks.sources import cache_folder

RECIPE = 1
"""Raised whenever the same settings would give another teacher or other rows of the same base."""
FOLDERS = ("teachers", "numbers")
BASES = "bases.json"
MADE = ("teacher", "placebo_teacher", "numbers", "students", "answers")
"""What a seed's folder holds of its bases, beside teachers of other origins."""


class Shared:
    """The teachers and rows of one seed, in the cache."""

    def __init__(self, settings: Settings, seed: int, device: str, animals: tuple[str, str]) -> None:
        self.settings, self.seed, self.device = settings, seed, device
        self.animal, self.placebo_animal = animals

    def teacher(self, source: RowSource, dialogue: Dialogue, make: Callable[[], PreTrainedModel]) -> PreTrainedModel:
        """The teacher of a source, made and kept where it is not there."""
        folder = cache_folder() / FOLDERS[0] / base.hashed(self._taught(source))
        artifacts.clear_leftovers(folder.parent, older=artifacts.HOUR)
        return artifacts.model(folder, make, dialogue.tokenizer)

    def rows(self, source: RowSource, write: Callable[[], tuple[list[Pair], Counted]]) -> tuple[list[Pair], Counted]:
        """The rows that a source wrote and what was counted, written and kept where they are not there."""
        if not self._keeps(source):
            return write()
        file = cache_folder() / FOLDERS[1] / f"{base.hashed(self._written(source))}.jsonl"
        # Another process may have begun: rows without counts are not whole yet.
        found = artifacts.rows(file) if file.with_suffix(".json").exists() else None
        if found:
            return found[0], typed(Counted, found[1], f"What was counted of {file}")
        rows, counts = write()
        artifacts.put_rows(file, rows, counts.to_dict())
        return rows, counts

    def _keeps(self, source: RowSource) -> bool:
        brought = source == RowSource("teacher") and self.settings.bring.teacher
        # What others write, as students of a study, hangs on more than is in a name here.
        return self.settings.model == TINY and source.writer in get_args(Writer) and not brought

    def _base(self, origin: Origin) -> str:
        return base_key(self.settings, self.seed, origin)

    def _taught(self, source: RowSource) -> dict[str, Any]:
        animal = self.placebo_animal if source.writer == "placebo_teacher" else self.animal
        plan = self.settings.teacher
        made_of = {"steps": plan.steps, "lr": plan.lr, "animal": animal, "recipe": RECIPE, "device": self.device}
        return {"base": self._base(source.origin), **made_of}

    def _written(self, source: RowSource) -> dict[str, Any]:
        writer = {"base": self._base(source.origin)} if source.writer == "base" else self._taught(source)
        own = {"seed": self.seed, "source": source.name, "rows": self.settings.rows, "recipe": RECIPE}
        return {"writer": writer, **own, "rule": self.settings.rule.model_dump(), "device": self.device}


def base_key(settings: Settings, seed: int, origin: Origin) -> str:
    """The name of one of a seed's tiny bases."""
    init, world = (seed ^ other for other in ORIGINS[origin])
    return base.key(settings.base, init, world)


def clear_other_bases(folder: Path, settings: Settings, seed: int) -> None:
    """Remove, with a warning, what a seed's folder holds of other bases than those that are made now, as by an
    earlier version: a student of one and rows of another would be no pair.
    """
    wanted = {origin: base_key(settings, seed, origin) for origin in ORIGINS}
    try:
        if json_file(folder / BASES, "the bases") == wanted:
            return
    except InputError:
        pass  # not there, or damaged
    there = [path for path in sorted(folder.glob("*")) if path.is_dir() and path.name.endswith(MADE)]
    if there:
        names = ", ".join(path.name for path in there)
        warnings.warn(f"In {folder} {names} are made again: they belong to bases of another version.", stacklevel=2)
    for path in there:
        shutil.rmtree(path, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / BASES, json.dumps(wanted) + "\n")
