"""When two studies are the same: by what changes results, never by prose. Knows studies as JSON alone; torch-free."""

import json
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

from sublearn.config import dotted
from sublearn.errors import plain

PROSE = {
    "arms": ("about", "label", "group", "source"),
    "traits": ("about", "more"),
    "claims": ("claim", "reason"),
}
"""Texts of a study's parts that no result depends on, beside its title and question."""
LETTERS = 12
LONGEST_VALUE = 40
Json = Mapping[str, Any]


def asked(study: Json) -> dict[str, Any]:
    """What a study asks, without prose: its name, settings, arms, traits and claims."""
    parts = {key: [_without(row, prose) for row in study[key]] for key, prose in PROSE.items()}
    return {"name": study["name"], "settings": study["settings"], **parts}


def id_of(study: Json) -> str:
    """The study's name and a digest of what it asks."""
    return f"{study['name']}-{_digest(asked(study))}"


def first_id_of(study: Json) -> str:
    """The id that version 0.1.0 gave, which digests prose as well."""
    return f"{study['name']}-{_digest(study)}"


def changes(before: Json, now: Json) -> list[str]:
    """What differs between what two studies ask, a phrase each; nothing where only prose does."""
    return [
        *_changed("name", {"": before["name"]}, {"": now["name"]}),
        *_changed("setting", dotted(before["settings"]), dotted(now["settings"])),
        *(phrase for kind in ("arms", "traits") for phrase in _changed(kind[:-1], *_by_name(kind, before, now))),
        *_changed("claim", *_by_place(before, now)),
    ]


def _changed(kind: str, before: Json, now: Json) -> Iterator[str]:
    for key in dict.fromkeys((*before, *now)):
        named = f"{kind} {plain(key, LONGEST_VALUE)}".strip()
        if key not in now:
            yield f"{named} is there and no longer asked for"
        elif key not in before:
            yield f"{named} is new{_beside(now[key])}"
        elif before[key] != now[key]:
            yield f"{named} was {{}}, is {{}}".format(*_apart(before[key], now[key]))


def _parts(before: Any, now: Any) -> tuple[Any, Any]:
    """Of two mappings, what differs in them; anything else as it is."""
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return before, now
    flat, other = dotted(before), dotted(now)
    same = {key for key, value in flat.items() if key in other and other[key] == value}
    return _without(flat, same), _without(other, same)


def _by_name(kind: str, *studies: Json) -> list[dict[str, Any]]:
    return [{row["name"]: _without(row, (*PROSE[kind], "name")) for row in study[kind]} for study in studies]


def _by_place(*studies: Json) -> list[dict[str, Any]]:
    return [
        {str(place): _without(row, PROSE["claims"]) for place, row in enumerate(study["claims"], 1)}
        for study in studies
    ]


def _without(row: Json, keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def _start(old: str, new: str) -> int:
    """From where two texts are shown: a little before they part, if they are long."""
    if max(len(old), len(new)) <= LONGEST_VALUE:
        return 0
    parted = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return max(0, parted - LONGEST_VALUE // 4)


def _text(value: Any) -> str:
    """A value in words: of a mapping its keys and values, of a list its parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in dotted(value).items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return "none" if value is None else json.dumps(value)


def _apart(before: Any, now: Any) -> list[str]:
    """Two values where they differ; of claims that compare something else, what they compare."""
    if all(map(_is_claim, (before, now))) and _compares(before) != _compares(now):
        return [_compares(before), _compares(now)]
    old, new = map(_text, _parts(before, now))
    start = _start(old, new)
    return [_shown(old[start:]), _shown(new[start:])]


def _beside(value: Any) -> str:
    """What is said of something new: a setting's value, what a claim compares; of an arm or a trait nothing."""
    if isinstance(value, Mapping):
        return f" ({_compares(value)})" if _is_claim(value) else ""
    return f" ({_shown(value)})"


def _is_claim(value: Any) -> bool:
    return isinstance(value, Mapping) and "treatment" in value


def _compares(claim: Json) -> str:
    sides = " against ".join(plain(_side(claim[side]), LONGEST_VALUE) for side in ("treatment", "control"))
    return f"{plain(claim['trait'], LONGEST_VALUE)} of {sides}"


def _side(side: Any) -> str:
    return side if isinstance(side, str) else f"{side['arm']} minus {side['minus']}"


def _shown(value: Any) -> str:
    return plain(_text(value), LONGEST_VALUE)


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:LETTERS]
