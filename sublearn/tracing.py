"""Traces of a controlled study, written and summed up: the way in weight space, and alignment against transfer."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sublearn import stats, store
from sublearn.errors import InputError
from sublearn.pipeline import Progress
from sublearn.report.way import Row, way_figure, way_table
from sublearn.studies import build
from sublearn.studies.base import Study
from sublearn.studies.run import Setup
from sublearn.writing import replace_text

if TYPE_CHECKING:
    from sublearn.studies.flows.trace import Point


def trace(study: Study, seeds: Sequence[int], steps: Sequence[int], progress: Progress) -> "list[Point]":
    """The points of each seed (see `studies.flows.trace`), on one thread."""
    import torch

    from sublearn.studies.flows.trace import trace as trace_flow

    torch.set_num_threads(1)
    points = []
    for done, seed in enumerate(seeds, 1):
        points += trace_flow(study, [seed], steps, Setup(threads=1))
        progress(done, len(seeds), ())
    return points


def write(study: Study, points: "Sequence[Point]", out: Path, command: str) -> str:
    """Write trace.jsonl, trace.json (means with intervals) and trace.svg into `out`; return the table to print."""
    replace_text(out / "trace.jsonl", "".join(point.model_dump_json() + "\n" for point in points))
    rows = means(points)
    content = {"study": study.id, "command": command, "versions": store.versions(), "rows": [asdict(r) for r in rows]}
    replace_text(out / "trace.json", json.dumps(content, indent=2) + "\n")
    replace_text(out / "trace.svg", way_figure(rows))
    return f"{way_table(rows)}\n\nFigure: {out / 'trace.svg'}"


def means(points: "Sequence[Point]") -> list[Row]:
    """The mean over seeds of each arm, quantity, layer and step, with its interval."""

    def key(point: "Point") -> tuple[str, str, str, int]:
        return point.quantity, point.layer or "", point.arm, point.step

    return [
        Row(arm, quantity, layer, step, stats.estimate([point.value for point in group]))
        for (quantity, layer, arm, step), group in groupby(sorted(points, key=key), key)
    ]


def alignment(
    study: Study, seeds: Sequence[int], scales: Sequence[float], out: Path, command: str, progress: Progress
) -> str:
    """Spearman's correlation of the start's alignment with the final transfer over perturbations of the student's init.

    The alignment is the cosine of the first batch's negative distillation gradient and the teacher's displacement; the
    transfer is the first trait of same_init minus its control's, at the last step. Writes alignment.json.
    """
    trait = study.traits[0].name
    cosines, transfers = [], []
    for done, scale in enumerate(scales, 1):
        changed = _perturbed(study, scale)
        points = trace(changed, seeds, [], lambda *_: None)
        cosines.append(_column(points, "initial_cosine", "same_init"))
        transfers.append(_column(points, trait, "same_init") - _column(points, trait, "same_init_control"))
        progress(done, len(scales), ())
    found = stats.rank_correlation(np.array(cosines).T, np.array(transfers).T)
    rows = [
        {"perturb": s, "initial_cosine": asdict(stats.estimate(c)), "transfer": asdict(stats.estimate(t))}
        for s, c, t in zip(scales, cosines, transfers, strict=True)
    ]
    content = {"study": study.id, "command": command, "versions": store.versions(), "rows": rows}
    replace_text(out / "alignment.json", json.dumps(content | {"spearman": asdict(found)}, indent=2) + "\n")
    lines = ["perturb  initial cosine   transfer"]
    lines += [
        f"{s:>7g}  {np.mean(c):>+14.3f}  {np.mean(t):>+9.3f}"
        for s, c, t in zip(scales, cosines, transfers, strict=True)
    ]
    spread = "" if found.low is None else f", 95% interval {found.low:.2f} to {found.high:.2f}"
    return "\n".join([*lines, f"Spearman {found.mean:.2f}{spread} ({len(scales)} scales x {len(seeds)} runs)"])


def whole_numbers(text: str) -> list[int]:
    """Comma-separated whole numbers from 0; InputError otherwise."""
    values = numbers(text)
    if any(value != int(value) for value in values):
        raise InputError(f"--steps got '{text}'; expected whole numbers from 0, as in 0,10,100.")
    return [int(value) for value in values]


def numbers(text: str) -> list[float]:
    """Comma-separated numbers from 0; InputError otherwise."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = [-1.0]
    if not all(0 <= value < float("inf") for value in values):
        raise InputError(f"Got '{text}'; expected numbers from 0, joined by commas, as in 0,0.2,0.4.")
    return values


def _perturbed(study: Study, scale: float) -> Study:
    from sublearn.config import dotted

    changes = dotted(study.settings) | {"student_init.perturb": scale, "arms": ["same_init"]}
    return build(study.name, changes)


def _column(points: "Sequence[Point]", quantity: str, arm: str) -> np.ndarray:
    """The quantity's last value of each seed."""
    last: dict[int, Point] = {}
    for point in points:
        if point.quantity == quantity and point.arm == arm:
            last[point.seed] = point
    return np.array([last[seed].value for seed in sorted(last)])
