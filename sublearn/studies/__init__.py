"""Frozen questions and how each is run: the table of studies. A new study is one file and one line here."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sublearn import devices
from sublearn.config import Spec, dotted, override, parse
from sublearn.errors import InputError, quoted, unknown
from sublearn.reading import yaml_file
from sublearn.studies.base import Study
from sublearn.studies.memory import Need, total

STUDIES = {
    "tutorial": "sublearn.studies.tutorial",
    "ladder": "sublearn.studies.ladder",
    "prompts": "sublearn.studies.prompts",
    "digits": "sublearn.studies.digits",
    "mnist": "sublearn.studies.mnist",
    "fashion-mnist": "sublearn.studies.fashion_mnist",
    "numbers": "sublearn.studies.numbers",
}
FILE_KEYS = ("study", "settings", "seeds")


def build(name: str, assignments: Mapping[str, Any] | None = None, what: str = "--set") -> Study:
    """The study `name` with some of its settings replaced by dotted key, as in {"student.lr": 1e-3}.

    Raises InputError for what does not fit; it begins with `what`.
    """
    if name not in STUDIES:
        raise unknown("study", name, STUDIES)
    module = import_module(STUDIES[name])
    return module.study(override(module.Settings, assignments or {}, what))


def settings_of(study: Study) -> Spec:
    """The study's settings as the typed values that they were built from."""
    if study.name not in STUDIES:
        raise unknown("study", study.name, STUDIES)
    return parse(import_module(STUDIES[study.name]).Settings, study.settings, f"The study {study.id}")


def flow_of(study: Study) -> str:
    """The module that runs the study; imported late, because it needs torch."""
    return import_module(STUDIES[study.name]).FLOW


def runs_at_once(study: Study, device: str) -> int:
    """How many seeds of the study make one cohort: few enough for a CPU's cache and memory, enough to fill a GPU."""
    wanted = import_module(STUDIES[study.name]).runs_at_once(settings_of(study), device)
    needed, there = total(needs(study)), devices.memory()
    if device != "cpu" or there is None or not needed:
        return wanted
    return max(1, min(wanted, there // needed))


def seconds_a_seed(study: Study) -> float:
    """A rough cost on one core, good enough to choose how many processes pay."""
    return import_module(STUDIES[study.name]).SECONDS_A_SEED


def plan_lines(study: Study, runs: float) -> list[str]:
    """What the study knows beforehand of the cost of so many runs, one after the other; nothing where runs are short.

    What is short is measured instead.
    """
    module = import_module(STUDIES[study.name])
    return module.plan_lines(settings_of(study), runs) if hasattr(module, "plan_lines") else []


def prepare(study: Study) -> None:
    """Fetch what the study needs before anything is written. Raises InputError where it cannot be had."""
    module = import_module(STUDIES[study.name])
    if hasattr(module, "prepare"):
        module.prepare(settings_of(study))


def check_memory(study: Study) -> None:
    """Raise InputError if a single run of the study cannot fit in this machine's memory, as far as can be estimated."""
    parts, there = needs(study), devices.memory()
    needed = total(parts)
    if there is None or needed <= there:
        return
    most, settings = max(parts, key=lambda part: part.bytes), dotted(study.settings)
    named = ", ".join(f"{key} {settings[key]}" for key in most.settings if key in settings)
    raise InputError(
        f"A run of {study.name} with these settings needs about {_gigabytes(needed)} of memory; this machine has "
        f"{_gigabytes(there)}. Most of it, {_gigabytes(most.bytes)}, is for {most.what} ({named}); choose smaller ones."
    )


def needs(study: Study) -> list[Need]:
    """The memory that one run of the study takes, part by part; nothing where it is not estimated."""
    module = import_module(STUDIES[study.name])
    return module.needs(settings_of(study)) if hasattr(module, "needs") else []


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
