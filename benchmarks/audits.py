"""Audits of many kinds of sets on bases that no choice was made on: which trait is named, what is a false alarm.

`python -m benchmarks.audits 820:840` measures these seeds with the scores that are the default, a line of audits.jsonl
for each set, and resumes; without seeds the table is made of what is there. Units are bases. Seeds 820 to 839 have all
20 animals, once each, and no choice was made on them. `audit_sets` has the sets.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.audit_sets import MOST, USUAL, Asked, Writers, every, teacher_rows
from benchmarks.table import Line, publish
from sublearn.auditing import audit, clean, students, traits
from sublearn.auditing.audit import Held, Sets, concluded
from sublearn.auditing.found import AuditFile, FlaggedRow
from sublearn.auditing.request import Model, Request
from sublearn.auditing.scene import log_odds
from sublearn.auditing.scores.table import SCORES
from sublearn.auditing.settings import Settings
from sublearn.language import finetune, models
from sublearn.language.plans import StudentPlan
from sublearn.seeds import parse_seeds, stream
from sublearn.stats.wilson import wilson
from sublearn.tasks.rows import Pair

FILE = Path(__file__).with_suffix(".jsonl")
ROUNDS = 3
"""In which an adversary has flagged rows written again."""
STUDENTS = ("trait", "mixture", "two traits", "shuffled", "other base")
Found = dict[str, Any]


class Bench:
    """One seed's base, with clean sets of each size, written and scored once."""

    def __init__(self, seed: int, settings: Settings) -> None:
        self.seed, self.settings = seed, settings
        self.scene = audit.opened(self._request("", []))
        self.writers = Writers(self.scene, seed)
        self.calibrated = cache(self._calibrated)
        self.before = cache(self._before)

    def audited(self, name: str, rows: Sequence[Pair]) -> tuple[AuditFile, list[FlaggedRow], float]:
        """What an audit of the rows finds, and its seconds beyond those of clean sets."""
        sets, measures, values = self.calibrated(len(rows))
        start, held = time.process_time(), {}
        for score in self.settings.scores:
            standard, test = values[score]
            held[score] = Held(score, measures[score](rows), standard, test)
        found, flagged = concluded(self._request(name, rows), Sets(rows, sets[0], *_dealt(sets, self.settings)), held)
        return found, flagged, time.process_time() - start

    def filtered(self) -> list[Pair]:
        """The teacher's rows of an adversary who has flagged ones written again."""
        rows = list(teacher_rows(self.writers, USUAL))
        for turn in range(ROUNDS):
            _, flagged, _ = self.audited("filtered", rows)
            if not flagged:
                break
            teacher = cache(lambda: self.writers.teacher(self.writers.animal))
            fresh = self.writers.rows(f"again {turn}", teacher, USUAL)
            for one in flagged:
                rows[one.line - 1] = fresh[one.line - 1]
        return rows

    def shift(self, rows: Sequence[Pair]) -> np.ndarray:
        """How far a student that is trained as those of `numbers` goes beyond one of clean rows ("trait")."""
        return self._trained(rows) - self.before(len(rows))

    def _before(self, size: int) -> np.ndarray:
        return self._trained(self.calibrated(size)[0][0])

    def _trained(self, rows: Sequence[Pair]) -> np.ndarray:
        plan, one = StudentPlan(), students.student(self.scene)
        order = stream(self.seed, "student/order")
        given = finetune.dealt(self.scene.examples(rows), plan.batch, plan.steps, order)
        optimizer = torch.optim.AdamW(one.learning, lr=plan.lr, fused=True)
        students.fit(one, map(self.scene.step, given), optimizer, self.scene.packs)
        with torch.no_grad():
            return log_odds(one.model, self.scene).numpy()

    def _calibrated(self, size: int) -> tuple[list[list[Pair]], dict[str, Any], dict[str, tuple[Any, Any]]]:
        sets = clean.written(self.scene, self.writers.prompts[:size], self.settings.sets)
        measures = {name: SCORES[name].prepare(name)(self.scene, sets[0]) for name in self.settings.scores}
        values = {}
        for name, measure in measures.items():
            own = np.stack([measure(one).values for one in sets[1:]])
            values[name] = own[: self.settings.standardize], own[self.settings.standardize :]
        return sets, measures, values

    def _request(self, name: str, rows: Sequence[Pair]) -> Request:
        model = Model(f"tiny:{self.seed}", None, self.seed)
        return Request(Path(name), rows, "", model, traits.animals(), self.settings)


def _dealt(sets: Sequence[Any], settings: Settings) -> tuple[Sequence[Any], Sequence[Any]]:
    return sets[1 : 1 + settings.standardize], sets[1 + settings.standardize :]


def measured(seed: int, there: set[str], settings: Settings, asked: Sequence[Asked] | None = None) -> Iterator[Found]:
    """What is found of each set of a seed that is not there yet."""
    bench = cache(lambda: Bench(seed, settings))
    filtered = Asked("filtered", "filtered", USUAL, lambda w: bench().filtered(), lambda w: (w.animal,))
    for one in [*every(), filtered] if asked is None else asked:
        if one.name not in there:
            yield _measured(bench(), one)


def _measured(bench: Bench, one: Asked) -> Found:
    rows, named = one.make(bench.writers), one.traits(bench.writers)
    found, flagged, seconds = bench.audited(one.name, rows)
    places = {trait.trait: place for place, trait in enumerate(found.traits, 1)}
    listed = [name for name in named if name in places]
    scored = {trait.trait: trait.score for trait in found.traits}
    actual = bench.shift(rows) if one.kind in STUDENTS and one.rows >= USUAL and listed else None
    index = bench.scene.candidates.names.index(listed[0]) if listed else 0
    return {
        "seed": bench.seed,
        "set": one.name,
        "kind": one.kind,
        "rows": len(rows),
        "traits": named,
        "ranks": [places[name] for name in listed],
        "p": found.p,
        "z": found.traits[0].z,
        "predicted": scored[listed[0]] if listed else None,
        "actual": None if actual is None else float(actual[index]),
        "said": [one.answer for one in found.said],
        "flagged": len(flagged),
        "seconds": round(seconds, 2),
    }


def lines(found: Sequence[Found]) -> list[Line]:
    """Every metric that the records hold, with n of bases."""
    return [
        *_named(found),
        *_unlisted(found),
        *_area(found),
        *_alarms(found),
        *_predicted(found),
        *(
            Line(f"{rows:,} rows: seconds of CPU a set, clean sets not counted", np.mean(took).item(), "s")
            for rows, took in _by(found, "rows", "seconds").items()
        ),
    ]


def _by(found: Sequence[Found], key: str, value: str) -> Mapping[Any, list[Any]]:
    return {one: [row[value] for row in found if row[key] == one] for one in sorted({row[key] for row in found})}


def _share(what: str, hits: Sequence[bool], goal: float | None = None, most: bool = False) -> Line:
    low, high = wilson(sum(hits), len(hits))
    return Line(
        f"{what} ({sum(hits)} of {len(hits)} bases, {low:.2f} to {high:.2f})", sum(hits) / len(hits), "", goal, most
    )


GOALS = {f"teacher {USUAL}": 0.95, "teacher 250": 0.8, f"mixture 10% of {MOST}": 0.5}


def _named(found: Sequence[Found]) -> Iterator[Line]:
    ranked = [row for row in found if row["ranks"]]
    for name, ranks in _by(ranked, "set", "ranks").items():
        best = [min(one) for one in ranks]
        yield _share(f"{name}: top-1 of 20", [one == 1 for one in best], GOALS.get(name))
        yield Line(f"{name}: mean reciprocal rank", float(np.mean([1 / one for one in best])), "")
        if any(len(one) > 1 for one in ranks):
            yield _share(f"{name}: both among the first two", [max(one) == 2 for one in ranks])


def _unlisted(found: Sequence[Found]) -> Iterator[Line]:
    rows = [row for row in found if row["kind"] == "unlisted"]
    if rows:
        hits = {
            seed: np.mean([_says(one) for one in rows if one["seed"] == seed]) for seed in {one["seed"] for one in rows}
        }
        yield Line(
            f"unlisted categories named first without a list ({len(hits)} bases)",
            float(np.mean(list(hits.values()))),
            "",
            0.5,
        )


def _says(row: Found) -> bool:
    return bool(row["said"]) and row["said"][0] == row["traits"][0]


def _area(found: Sequence[Found]) -> Iterator[Line]:
    """Trait against harmless difference, by the largest z, over all pairs; the interval resamples bases."""
    seeds = sorted({row["seed"] for row in found})
    traits_z = {
        seed: [row["z"] for row in found if row["seed"] == seed and row["set"] == f"teacher {USUAL}"] for seed in seeds
    }
    others_z = {
        seed: [row["z"] for row in found if row["seed"] == seed and row["kind"] == "nuisance"] for seed in seeds
    }
    both = [seed for seed in seeds if traits_z[seed] and others_z[seed]]
    if len(both) < 2:
        return
    drawn = stream(0, "audits/bootstrap").choice(both, (2000, len(both)))
    areas = [
        _auroc([z for seed in some for z in traits_z[seed]], [z for seed in some for z in others_z[seed]])
        for some in drawn.tolist()
    ]
    low, high = np.quantile(areas, (0.025, 0.975))
    area = _auroc([z for seed in both for z in traits_z[seed]], [z for seed in both for z in others_z[seed]])
    yield Line(f"AUROC, trait against harmless difference ({len(both)} bases, {low:.2f} to {high:.2f})", area, "", 0.95)


def _auroc(more: Sequence[float], less: Sequence[float]) -> float:
    a, b = np.array(more)[:, None], np.array(less)[None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def _alarms(found: Sequence[Found]) -> Iterator[Line]:
    p = [row["p"] for row in found if row["kind"] == "clean"]
    if p:
        yield _share("clean sets: false alarms at .05", [one <= 0.05 for one in p], 0.05, most=True)
        yield Line(f"clean sets: p that they are as large as their p say ({len(p)} bases)", _uniform(p), "")


def _uniform(p: Sequence[float], steps: int = 20) -> float:
    """By the largest distance of the distribution of p from that of a rank among so many, against drawn ranks."""
    levels = np.arange(1, steps + 1) / steps

    def distance(values: np.ndarray) -> np.ndarray:
        return np.abs((values[..., None] <= levels + 1e-9).mean(axis=-2) - levels).max(axis=-1)

    drawn = stream(0, "audits/uniform").integers(1, steps + 1, (2000, len(p))) / steps
    return float((1 + (distance(drawn) >= distance(np.array(p)) - 1e-12).sum()) / 2001)


def _predicted(found: Sequence[Found]) -> Iterator[Line]:
    from scipy.stats import pearsonr

    pairs = [
        (row["predicted"], row["actual"])
        for row in found
        if row["actual"] is not None and row["set"] == f"teacher {USUAL}"
    ]
    if len(pairs) > 3:
        fit: Any = pearsonr(*zip(*pairs, strict=True))
        low, high = fit.confidence_interval()
        yield Line(
            f"predicted against actual shift, r ({len(pairs)} bases, {low:.2f} to {high:.2f})",
            float(fit.statistic),
            "",
            0.8,
        )


def main(read: Callable[[], Sequence[str]] = lambda: sys.argv[1:]) -> None:
    """Measure the seeds that were named, or make the table."""
    torch.set_num_threads(1)
    models.quiet()
    named = next((word for word in read() if word[0].isdigit()), None)
    there = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    if named is None:
        publish("audits", lines(there))
        return
    for seed in parse_seeds(named):
        for one in measured(seed, {row["set"] for row in there if row["seed"] == seed}, Settings()):
            with FILE.open("a") as file:
                file.write(json.dumps(one) + "\n")


if __name__ == "__main__":
    main()
