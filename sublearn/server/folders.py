"""The run directories of one folder as values for a page: what each asks, how far it is, and what it shows so far.

Read through the same typed readers and analysed by the same code as a report's, each only when its files have changed.
"""

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sublearn.columns import Column
from sublearn.errors import InputError, plain, quoted
from sublearn.execution import live, store
from sublearn.execution.manifests import read_study
from sublearn.execution.plan import ARTIFACTS
from sublearn.files.folders import STUDY_FILE
from sublearn.files.reading import json_file
from sublearn.report.charts.figures import group
from sublearn.report.outcome import outcome
from sublearn.report.wording import (
    LEADS,
    called,
    chance_part,
    contrast_label,
    contrast_text,
    expectation,
    interval_text,
    mean_text,
    point_text,
)
from sublearn.results.single import ESTIMATES, PAGE, Result
from sublearn.server.orders import HIDDEN, Orders, Started
from sublearn.study.analysis import column, paired
from sublearn.study.base import Study
from sublearn.study.identity import changes
from sublearn.study.labels import is_student, labels

MOST_POINTS = 500
"""Points of an arm that a page draws; of more runs, every so many."""
LONGEST_NAME = 255
ONCE = "The verdict is given once, when all of them are and the run has ended."
FAILED = ("Error:", "Failed:")
Value = dict[str, Any]


@dataclass
class Folders:
    """The run directories below one folder, with the orders that lie there."""

    folder: Path
    orders: Orders = field(init=False)
    turn: RLock = field(default_factory=RLock)
    """Held while folders are read: they are read once, for all who look."""
    known: dict[str, tuple[object, Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.orders = Orders(self.folder)

    def names(self) -> list[str]:
        """Every run directory, and what was asked and has none yet; the newest first."""
        there = [path.parent for path in self.folder.glob(f"*/{STUDY_FILE}")]
        found = {path.name: _time(path / STUDY_FILE) for path in there if not path.name.startswith(".")}
        asked = {name: _time(self.folder / name / STUDY_FILE) for name in self.orders.names()}
        return sorted(asked | found, key=lambda name: -(asked | found)[name])

    def path(self, name: str) -> Path:
        """The run directory of this name. Raises InputError for a name that leads elsewhere."""
        if not name or name.startswith(".") or set(name) & set("/\\\0") or len(name) > LONGEST_NAME:
            raise InputError(f"{quoted(name)} names no run directory.")
        return self.folder / name

    def rows(self) -> list[Value]:
        """A line on each, for the list."""
        keys = ("name", "version", "state", "said", "title", "study", "done", "asked", "verdicts", "report", "rows")
        return [{key: value.get(key) for key in keys} for value in map(self.view, self.names())]

    def view(self, name: str) -> Value:
        """Everything that a page shows of one. Raises InputError for a name under which nothing is there."""
        folder = self.path(name)
        with self.turn:
            running = self.orders.is_running(name)
            seen = (running, self.orders.said(name), _files(folder), _time(folder.parent / HIDDEN / f"{name}.json"))
            if name not in self.known or self.known[name][0] != seen:
                self.known[name] = (seen, self._read(name, folder, running))
            version, value = (seen, _seen_of(folder.glob(live.ALL))), self.known[name][1]
            return {"name": name, "version": f"{hash(version):x}", **value, **_live(folder, running)}

    def compared(self, first: str, second: str) -> Value:
        """Two of them, and what differs between what they ask."""
        values = [self.view(name) for name in (first, second)]
        studies = [self._study(name) for name in (first, second)]
        before, now = (study.model_dump(mode="json") if study else None for study in studies)
        return {"runs": values, "differences": changes(before, now)[:40] if before and now else []}

    def _study(self, name: str) -> Study | None:
        """What is asked there; None where that cannot be read."""
        folder = self.path(name)
        try:
            if os.path.exists(folder / STUDY_FILE):
                return read_study(folder).study
            started = self.orders.started(name)
            return started.order.asked() if started else None
        except InputError:
            return None

    def _read(self, name: str, folder: Path, running: bool) -> Value:
        try:
            started, said = self.orders.started(name), self.orders.said(name)
            if not os.path.exists(folder / STUDY_FILE):
                return _awaited(started, said, running, folder)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a record that is being written
                found = store.load(folder)
                return _value(found, started, said, running)
        except InputError as error:
            if isinstance(error, NothingThere):
                raise
            return {"state": "damaged", "said": str(error), "title": "", "study": "", "done": 0, "asked": 0}


class NothingThere(InputError):
    """Raised for a name under which there is nothing."""


def _awaited(started: Started | None, said: str, running: bool, folder: Path) -> Value:
    """Of an order whose run directory is not there yet."""
    if started is None:
        raise NothingThere(f"There is no run directory {folder}.")
    study = started.order.asked()
    state = "starting" if running else "failed" if said.startswith(FAILED) else "stopped"
    return {
        **_about(study, started, folder),
        "state": state,
        "said": said,
        "done": 0,
        "asked": started.order.runs,
        "estimates": {},
        "claims": [],
        "outcome": "",
        "verdicts": [],
        "report": False,
        "rows": False,
    }


def _value(found: store.Run, started: Started | None, said: str, running: bool) -> Value:
    complete = found.complete_seeds()
    wanted = complete | (set(range(started.order.runs)) if started else set())
    left = len(wanted) - len(complete)
    # A verdict that is seen is a look, which has its price and is written down by the run. Until then there is none.
    pending = running or left > 0 or _reported(found.path) != set(found.records.seed.tolist())
    result = Result.of_run(found, awaited=len(wanted) if pending else 0)
    state = "running" if running else "done" if not pending else "failed" if said.startswith(FAILED) else "stopped"
    claims = _claims(result, f"{len(complete):,} of {len(wanted):,} runs are there. {ONCE}" if pending else "")
    return {
        **_about(found.study, started, found.path),
        "command": started.order.command(found.path) if started else plain(found.manifest.command, 2_000),
        "state": state,
        "said": said,
        "done": len(complete),
        "asked": len(wanted),
        "estimates": _estimates(result),
        "claims": claims,
        "outcome": outcome(result.analysis, result.records),
        "verdicts": [claim["verdict"] for claim in claims],
        "report": os.path.exists(found.path / PAGE),
        "rows": any(found.path.glob(f"{ARTIFACTS}/seed-*/numbers/*.jsonl")),
    }


def _reported(folder: Path) -> set[int]:
    """The seeds whose verdicts were written out; none where that cannot be read."""
    try:
        seen = json_file(folder / ESTIMATES, "the estimates") if os.path.exists(folder / ESTIMATES) else {}
        return set(seen["seeds"])
    except (InputError, KeyError, TypeError):
        return set()


def _about(study: Study, started: Started | None, folder: Path) -> Value:
    """What a study asks."""
    return {
        "study": study.name,
        "id": study.id,
        "title": study.title,
        "question": study.question,
        "command": started.order.command(folder) if started else "",
        "order": started.order.model_dump(mode="json") if started else None,
        "traits": [
            {**trait.model_dump(mode="json"), "level": chance_part(trait.chance) or "zero"} for trait in study.traits
        ],
        "arms": _arms(study),
    }


def _arms(study: Study) -> list[Value]:
    """What each arm is, and what it is called: as in a report."""
    names = called(study)
    return [
        {
            "name": arm.name,
            "label": names[arm.name],
            "about": arm.about,
            "control": arm.control,
            "group": group(arm),
            "student": is_student(arm),
        }
        for arm in study.arms
    ]


def _estimates(result: Result) -> Value:
    """Of each trait every arm's mean with its interval, and a point a run."""
    values = result.records.measured
    found: Value = {trait.name: {} for trait in result.study.traits}
    for row in result.analysis.estimates:
        found[row.trait][row.arm] = {
            "mean": row.estimate.mean,
            "low": row.estimate.low,
            "high": row.estimate.high,
            "n": row.estimate.n,
            "text": mean_text(row.estimate),
            "points": _points(column(values, row.arm, row.trait)),
        }
    return found


def _claims(result: Result, pending: str) -> list[Value]:
    """Each claim with its interval and, unless something is `pending`, its verdict."""
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in result.analysis.contrasts}
    values, names = result.records.measured, labels(result.study)
    found = []
    for claim, finding in zip(result.study.claims, result.findings, strict=True):
        contrast = contrasts[claim.treatment, claim.control, claim.trait]
        found.append(
            {
                "claim": claim.claim,
                "trait": claim.trait,
                "kind": claim.kind,
                "contrast": contrast_text(claim.treatment, claim.control),
                "label": contrast_label(claim.treatment, claim.control, result.study, names),
                "expectation": expectation(claim, finding),
                "verdict": "awaited" if pending else finding.verdict,
                "lead": "" if pending else LEADS[finding.verdict],
                "because": pending or finding.because,
                "mean": contrast.mean,
                "low": contrast.low,
                "high": contrast.high,
                "n": contrast.n,
                "text": point_text(contrast),
                "interval": interval_text(contrast),
                "family": result.analysis.family.text,
                "delta": finding.delta,
                "points": _points(paired(values, claim.treatment, claim.control, claim.trait)),
            }
        )
    return found


def _live(folder: Path, running: bool) -> Value:
    """How the losses fall, and what is at work now; nothing where that cannot be read."""
    try:
        found = live.read(folder)
    except InputError:
        found = live.Training()
    return {
        "curves": [curve.model_dump(mode="json") for curve in found.curves],
        "now": found.now.model_dump(mode="json") if found.now and running else None,
    }


def _points(own: Column) -> list[list[float]]:
    """Each run's seed and value; of many runs every so many."""
    step = -(-len(own.seeds) // MOST_POINTS) or 1
    return [[int(seed), float(f"{value:.6g}")] for seed, value in zip(*_every(own, step), strict=True)]


def _every(own: Column, step: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return own.seeds[::step], own.values[::step]


def _files(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Which of a run directory's files are there, how large, and when they were written."""
    views = {path.name for path in folder.glob(live.ALL)}
    names = [*folder.glob("*.json"), *folder.glob("*.jsonl"), folder / PAGE]
    return _seen_of(path for path in names if path.name not in views)


def _seen_of(paths: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in paths:
        try:
            about = path.stat()
        except (OSError, ValueError):
            continue
        found.append((path.name, about.st_size, about.st_mtime_ns))
    return tuple(sorted(found))


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 2**63
