"""Frozen questions and how each is run: the table of studies. A new study is one file and one line here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sublearn import devices
from sublearn.config import dotted, override
from sublearn.errors import InputError, quoted, unknown
from sublearn.files.reading import yaml_file
from sublearn.study.alignment.design import Alignment
from sublearn.study.base import Design, Study
from sublearn.study.images.design import Digits, FashionMnist, Mnist
from sublearn.study.ladder.design import Ladder
from sublearn.study.layers.design import Layers
from sublearn.study.memory import total
from sublearn.study.numbers.design import Numbers
from sublearn.study.prompts.design import Prompts
from sublearn.study.source import is_file, loaded, offered_studies, study_in
from sublearn.study.tutorial.design import Tutorial

STUDIES: dict[str, type[Design[Any]]] = {
    design.name: design
    for design in (Tutorial, Ladder, Prompts, Digits, Mnist, FashionMnist, Layers, Alignment, Numbers)
}
FILE_KEYS = ("study", "settings", "seeds")


def build(study: str | Study, assignments: Mapping[str, Any] | None = None, what: str = "--set") -> Study:
    """A study with some of its settings replaced by dotted key, as in {"student.lr": 1e-3}.

    It is named: one of `studies()`, or `FILE.py` or `FILE.py:NAME` for a guest's; or given. Raises InputError for what
    does not fit; it begins with `what`.
    """
    _check_kinds(study, assignments)
    if isinstance(study, Study):
        return study.designed.changed(assignments, what).study() if assignments else study
    if study in STUDIES:
        return STUDIES[study](override(STUDIES[study].Settings, assignments or {}, what)).study()
    if is_file(study):
        return build(study_in(study), assignments, what)
    offered = offered_studies()
    if study not in offered:
        raise unknown("study", study, [*STUDIES, *offered])
    return build(loaded(offered[study]), assignments, what)


def _check_kinds(study: object, assignments: object) -> None:
    """Raise InputError for what is neither a study nor the name of one, and for settings that are no mapping."""
    if not isinstance(study, Study | str):
        raise InputError(
            f"study got {quoted(study)}; expected a name that sublearn.studies() lists, a text as 'my_study.py:name', "
            "or what sublearn.build or sublearn.distillation gave."
        )
    if assignments is not None and not (
        isinstance(assignments, Mapping) and all(isinstance(key, str) for key in assignments)
    ):
        raise InputError(
            f"Settings got {quoted(assignments)}; expected values by the setting's name, as in {{'student.lr': 1e-3}}."
        )


def studies() -> dict[str, str]:
    """Every study by name with its title: the house's own, and those that installed packages offer."""
    own = {name: design.title for name, design in STUDIES.items()}
    return own | {name: f"offered by {entry.value}" for name, entry in offered_studies().items() if name not in own}


def settings_of(study: Study) -> Any:
    """The study's settings as the typed values that it was built from."""
    return study.designed.settings


def runs_at_once(study: Study, device: str) -> int:
    """How many seeds of the study make one cohort: few enough for a CPU's cache and memory, enough to fill a GPU."""
    wanted = study.designed.runs_at_once(device)
    needed, there = total(study.designed.needs()), devices.memory()
    if device != "cpu" or there is None or not needed:
        return wanted
    return max(1, min(wanted, there // needed))


def check_memory(study: Study) -> None:
    """Raise InputError if a single run of the study cannot fit in this machine's memory, as far as can be estimated."""
    parts, there = study.designed.needs(), devices.memory()
    needed = total(parts)
    if there is None or needed <= there:
        return
    most, settings = max(parts, key=lambda part: part.bytes), dotted(study.settings)
    named = ", ".join(f"{key} {settings[key]}" for key in most.settings if key in settings)
    raise InputError(
        f"A run of {study.name} with these settings needs about {_gigabytes(needed)} of memory; this machine has "
        f"{_gigabytes(there)}. Most of it, {_gigabytes(most.bytes)}, is for {most.what} ({named}); choose smaller ones."
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def read_file(path: Path, with_grid: bool = False) -> tuple[str, dict[str, Any], str | None, dict[str, list[Any]]]:
    """A study file (YAML with the keys study, settings, seeds) as name, dotted settings and seeds text.

    A sweep's file has the key grid as well: dotted keys to lists of values.
    """
    content = yaml_file(path, "the study file")
    if not isinstance(content, dict) or not isinstance(content.get("study"), str):
        raise InputError(f"{path} must be a mapping with the key 'study', as in 'study: tutorial'.")
    keys = (*FILE_KEYS, "grid") if with_grid else FILE_KEYS
    for key in content:
        if key not in keys:
            raise unknown(f"key in {path}", str(key), keys)
    settings = content.get("settings") or {}
    if not isinstance(settings, dict):
        raise InputError(f"{path}: 'settings' must be a mapping, got {quoted(settings)}.")
    seeds = content.get("seeds")
    text = None if seeds is None else _seeds_text(path, seeds)
    return content["study"], dotted(settings), text, _grid(path, content.get("grid") or {})


def _grid(path: Path, grid: Any) -> dict[str, list[Any]]:
    if not isinstance(grid, dict) or not all(isinstance(values, list) and values for values in grid.values()):
        raise InputError(f"{path}: 'grid' must map each key to a list of values, got {quoted(grid)}.")
    return {str(key): values for key, values in grid.items()}


def _seeds_text(path: Path, seeds: Any) -> str:
    parts = seeds if isinstance(seeds, list) else [seeds]
    if not all(isinstance(part, (int, str)) and not isinstance(part, bool) for part in parts):
        raise InputError(f"{path}: 'seeds' got {quoted(seeds)}; expected whole numbers, as in 0:24 or [0, 11, 23].")
    return ",".join(map(str, parts))
