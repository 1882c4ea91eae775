"""The settings of a study as knobs of a page: all of it is taken from the typed settings. No torch."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from sublearn.config import dotted
from sublearn.errors import unknown
from sublearn.study.table import STUDIES
from sublearn.study.walk import WALKS

FIRST = ("tutorial", "prompts", "digits", "ladder")
"""The studies that a page shows first; each takes seconds or minutes."""
MAIN = (
    "aux_logits",
    "logits",
    "inputs.kind",
    "inputs.count",
    "n_unrelated",
    "student_init.perturb",
    "teacher.epochs",
    "student.epochs",
    "loss",
    "temperature",
    "rows",
)
"""The settings that are shown first, of any study that has them."""
USUAL_RUNS = {"tutorial": 200, "numbers": 2}
RUNS = 24


@dataclass(frozen=True)
class Knob:
    """One setting: its key, what may be typed there, and what it means."""

    key: str
    kind: Literal["whole", "number", "flag", "choice", "text"]
    default: str
    about: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    main: bool = False


@cache
def knobs(study: str) -> tuple[Knob, ...]:
    """The knobs of a study of the house, the main ones first."""
    settings = STUDIES[study].Settings
    schema = settings.model_json_schema()
    found = dict(_leaves(schema, schema))
    defaults = dotted(settings().model_dump(mode="json"))
    every = [_knob(key, found[key], value) for key, value in defaults.items() if key in found]
    return tuple(sorted(every, key=lambda knob: MAIN.index(knob.key) if knob.main else len(MAIN)))


def studies() -> list[dict[str, Any]]:
    """The studies of the house in the order of a page, each with its question and its knobs."""
    names = [*FIRST, *(name for name in STUDIES if name not in FIRST)]
    return [_study(name) for name in names]


def check_known(study: str) -> None:
    """Raise InputError for anything but a study of the house: a page names no files that would be run."""
    if study not in STUDIES:
        raise unknown("study", study, STUDIES)


def _study(name: str) -> dict[str, Any]:
    design = STUDIES[name]
    study = design(design.Settings()).study()
    return {
        "name": name,
        "title": study.title,
        "question": study.question,
        "seconds": design.seconds_a_run,
        "runs": USUAL_RUNS.get(name, RUNS),
        "walk": name in WALKS,
        "claims": [claim.claim for claim in study.claims],
        "knobs": [asdict(knob) for knob in knobs(name)],
    }


def _leaves(schema: Mapping[str, Any], whole: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting that holds no others, by dotted key, with its part of the schema."""
    for name, part in schema.get("properties", {}).items():
        own = _resolved(part, whole)
        if "properties" in own:
            yield from _leaves(own, whole, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", own


def _resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref") or next((one["$ref"] for one in part.get("allOf", ()) if "$ref" in one), None)
    if reference is None:
        return dict(part)
    return {**whole["$defs"][reference.rpartition("/")[2]], **{key: part[key] for key in part if key != "$ref"}}


def _knob(key: str, part: Mapping[str, Any], default: Any) -> Knob:
    kinds: dict[Any, Literal["whole", "number", "flag", "text"]] = {
        "integer": "whole",
        "number": "number",
        "boolean": "flag",
    }
    choices = tuple(part["enum"]) if "enum" in part else (str(part["const"]),) if "const" in part else ()
    return Knob(
        key=key,
        kind="choice" if choices else kinds.get(part.get("type"), "text"),
        default=default if isinstance(default, str) else json.dumps(default),
        about=part.get("description", ""),
        low=part.get("minimum", part.get("exclusiveMinimum")),
        high=part.get("maximum", part.get("exclusiveMaximum")),
        choices=choices,
        main=key in MAIN,
    )
