"""What audits find of a base's sets: one base with its clean sets of each size, written and scored once.

Knows the sets and how an audit concludes; no folder and no table.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sublearn import stages
from sublearn.auditing import audit, clean, students, traits
from sublearn.auditing.audit import Held, Sets, concluded
from sublearn.auditing.benchmark.found import RECIPE, ByScore, Measured
from sublearn.auditing.benchmark.sets import Asked, every, trains
from sublearn.auditing.benchmark.settings import Settings
from sublearn.auditing.benchmark.writers import Writers
from sublearn.auditing.found import AuditFile, FlaggedRow
from sublearn.auditing.request import Model, Request
from sublearn.auditing.scene import log_odds
from sublearn.auditing.scores.table import SCORES, Measure
from sublearn.auditing.scores.table import Measured as Scored
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair


@dataclass(frozen=True)
class Heard:
    """What an audit said: its file, flagged rows, all traits in each score's order, and seconds beside clean sets'."""

    found: AuditFile
    flagged: Sequence[FlaggedRow]
    orders: Mapping[str, Sequence[str]]
    seconds: float

    def ranks(self, names: Sequence[str], score: str) -> tuple[int, ...]:
        """The places of these traits by a score; none if it ranks no traits."""
        order = self.orders.get(score, ())
        return tuple(order.index(name) + 1 for name in names if name in order)


class Bench:
    """One seed's base, with clean sets of each size, written and scored once."""

    def __init__(self, seed: int, settings: Settings) -> None:
        self.seed, self.settings = seed, settings
        self.scene = audit.opened(self._request("", []))
        self.writers = Writers(self.scene, seed, settings)
        self.calibrated = cache(self._calibrated)
        self.before = cache(self._before)

    def audited(self, name: str, rows: Sequence[Pair]) -> Heard:
        """What an audit of the rows finds."""
        sets, measures, values = self.calibrated(len(rows))
        start, held = time.process_time(), dict[str, Held]()
        for score in self.settings.scores:
            held[score] = Held.of(score, measures[score](rows), values[score], self.settings.standardize)
        found, flagged = concluded(self._request(name, rows), Sets(rows, sets[0], *_dealt(sets, self.settings)), held)
        took, names = time.process_time() - start, self.scene.candidates.names
        orders = {score: _ordered(one, names) for score, one in held.items() if SCORES[score].names_traits}
        return Heard(found, flagged, orders, took)

    def filtered(self, rows: Sequence[Pair]) -> list[Pair]:
        """The teacher's rows of an adversary who has flagged ones written again."""
        rows, count = list(rows), len(rows)
        for turn in range(self.settings.rounds):
            flagged = self.audited("filtered", rows).flagged
            if not flagged:
                break
            teacher = cache(lambda: self.writers.teacher(self.writers.animal))
            fresh = self.writers.rows(f"again {turn}", teacher, count)
            for one in flagged:
                rows[one.line - 1] = fresh[one.line - 1]
        return rows

    def shift(self, rows: Sequence[Pair]) -> np.ndarray:
        """How far a student trained as those of `numbers` goes beyond the mean of those of clean rows ("trait")."""
        return self._trained(rows) - self.before(len(rows))

    def _before(self, size: int) -> np.ndarray:
        some = self.calibrated(size)[0][: self.settings.clean_students]
        return np.mean([self._trained(rows) for rows in some], axis=0)

    def _trained(self, rows: Sequence[Pair]) -> np.ndarray:
        one = students.trained(self.scene, rows, self.settings.student, stream(self.seed, "student/order"))
        with torch.no_grad(), one.at_work():
            return log_odds(one.model, self.scene).numpy()

    def _calibrated(self, size: int) -> tuple[list[list[Pair]], dict[str, Measure], dict[str, list[Scored]]]:
        sets = clean.written(self.scene, self.writers.prompts[:size], self.settings.sets)
        measures = {name: SCORES[name].prepare(name)(self.scene, sets[0]) for name in self.settings.scores}
        return sets, measures, {name: [measure(one) for one in sets[1:]] for name, measure in measures.items()}

    def _request(self, name: str, rows: Sequence[Pair]) -> Request:
        model = Model(f"tiny:{self.seed}", None, self.seed)
        return Request(Path(name), rows, "", model, traits.animals(), self.settings)


def _ordered(held: Held, names: Sequence[str]) -> list[str]:
    order = np.argsort(-held.scale.z(held.audited.values), kind="stable")
    return [names[int(place)] for place in order]


def _dealt(sets: Sequence[Any], settings: Settings) -> tuple[Sequence[Any], Sequence[Any]]:
    return sets[1 : 1 + settings.standardize], sets[1 + settings.standardize :]


def measured(seed: int, there: set[str], settings: Settings) -> Iterator[Measured]:
    """What is found of each set of a seed that is not there yet."""
    bench = cache(lambda: Bench(seed, settings))
    for one in every(settings):
        if one.name not in there:
            with stages.stage(f"base {seed}, {one.name}"):
                found = _measured(bench(), one)
            yield found


def _measured(bench: Bench, one: Asked) -> Measured:
    rows, named = one.make(bench.writers), one.traits(bench.writers)
    if one.kind == "filtered":
        rows = bench.filtered(rows)
    heard = bench.audited(one.name, rows)
    found, ranking = heard.found, bench.settings.ranking
    shifts = {trait.trait: trait.score for trait in found.traits}
    listed = [name for name in named if name in shifts]
    trained = trains(one, bench.settings) and bool(listed)
    return Measured(
        seed=bench.seed,
        set=one.name,
        kind=one.kind,
        rows=len(rows),
        traits=named,
        ranks=heard.ranks(listed, ranking),
        p=found.p,
        z=found.traits[0].z,
        predicted=shifts[listed[0]] if listed else None,
        actual=float(bench.shift(rows)[bench.scene.candidates.names.index(listed[0])]) if trained else None,
        said=tuple(said.answer for said in found.said),
        flagged=len(heard.flagged),
        seconds=round(heard.seconds, 2),
        scores=tuple(
            ByScore(name=score.name, z=score.z, p=score.p, ranks=heard.ranks(listed, score.name))
            for score in found.scores
        ),
        recipe=RECIPE,
    )
