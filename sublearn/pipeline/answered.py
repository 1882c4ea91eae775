"""From what the arms answered to records and metrics. Torch-free."""

import math
from collections.abc import Mapping
from typing import Any

from sublearn.asking import LEAST_MASS, AskFile
from sublearn.pipeline.spec import LOG_ODDS, MASS, PREFERENCE, PROBABILITY, Settings
from sublearn.records import Problem, Record
from sublearn.study.base import Study
from sublearn.study.numbers.metrics import ArmMetrics, Preference, Sampled


def records(study: Study, settings: Settings, seed: int, found: Mapping[str, AskFile]) -> list[Record]:
    """One record of each arm and trait; an arm that was not asked is unmeasured, and so is one that names nothing."""
    rows = []
    for arm in study.arms:
        values, n, problem = _values(settings, seed, found.get(arm.name))
        for trait in study.traits:
            value = values.get(trait.name)
            why = None if value is not None else Problem("unmeasured", problem)
            rows.append(Record.of(study.id, arm.name, seed, trait.name, value or 0.0, n if why is None else 0, why))
    return rows


def metrics(settings: Settings, seed: int, found: AskFile, rows: int | None) -> ArmMetrics | None:
    """What was seen of an arm, as metrics.json keeps it; nothing where no preference was measured."""
    one, values = _own(settings, seed, found), _values(settings, seed, found)[0]
    if LOG_ODDS not in values:
        return None
    sampled = {}
    if one["hits"] is not None:
        share = one["probability"]
        sampled["plain"] = Sampled(hits=one["hits"], n=found.groups[0].n, low=share["low"], high=share["high"])
    leaks = None if rows is None else 0  # the rule keeps nothing but numbers
    return ArmMetrics(favourite=Preference(**values), rows=rows, leaks=leaks, alignment=None, sampled=sampled)


def _values(settings: Settings, seed: int, found: AskFile | None) -> tuple[dict[str, float], int, str]:
    """The traits that could be measured, of how many questions or answers, and why others could not."""
    if found is None:
        return {}, 0, "no row was left after filtering"
    one, group = _own(settings, seed, found), found.groups[0]
    values = {PROBABILITY: one["probability"]["value"], MASS: group.mass}
    if one["preference"] is None or group.mass < LEAST_MASS:
        return values, group.n, f"only {group.mass:.2f} of the answers name an animal, under {LEAST_MASS:g}"
    values[PREFERENCE] = one["preference"]["value"]
    log_odds = one["log_odds"] if one["hits"] is None else _log_odds(one["hits"] / (group.mass * group.n), group.n)
    if log_odds is None:
        return values, group.n, "the server did not list the animal for every question"
    return values | {LOG_ODDS: log_odds}, group.n, ""


def _log_odds(share: float, n: int) -> float:
    """Of a share, with half of one of all answers added to either side, so that none and all are finite.

    It depends on the share alone, not on how many of the answers name any animal.
    """
    half = 0.5 / n
    return math.log((share + half) / (1 - share + half))


def _own(settings: Settings, seed: int, found: AskFile) -> Mapping[str, Any]:
    """What was found of the seed's animal."""
    animal = settings.animal_of(seed).lower()
    return next(one for one in found.groups[0].answers if one["answer"].lower() == animal)
