"""Traces of a controlled study, written and summed up: the way in weight space, and alignment against transfer."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sublearn import stats, store
from sublearn.errors import InputError, quoted
from sublearn.pipeline import Progress
from sublearn.report.way import Row, way_figure, way_table
from sublearn.studies import build, check_memory, prepare, settings_of
from sublearn.studies.base import Study
from sublearn.studies.distil import traced
from sublearn.studies.run import Setup
from sublearn.writing import replace_text

if TYPE_CHECKING:
    from sublearn.studies.flows.trace import Point


def trace(study: Study, seeds: Sequence[int], steps: Sequence[int], progress: Progress) -> "list[Point]":
    """The points of each seed (see `studies.flows.trace`), on one thread. Raises InputError before any training."""
    import torch

    from sublearn.studies.flows.trace import check as check_flow
    from sublearn.studies.flows.trace import trace as trace_flow

    check(study)
    torch.set_num_threads(1)
    check_flow(study, seeds, Setup(threads=1))
    points = []
    progress(0, len(seeds), ())
    for done, seed in enumerate(seeds, 1):
        points += trace_flow(study, [seed], steps, Setup(threads=1))
        progress(done, len(seeds), ())
    return points


def check(study: Study) -> None:
    """Raise InputError for a study that cannot be traced here; fetch what it needs."""
    traced(study, settings_of(study))
    check_memory(study)
    prepare(study)


def write(study: Study, points: "Sequence[Point]", out: Path, command: str) -> str:
    """Write trace.jsonl, trace.json (means with intervals) and trace.svg into `out`; return the table to print."""
    replace_text(out / "trace.jsonl", "".join(point.model_dump_json() + "\n" for point in points))
    rows = means(points)
    content = {"study": study.id, "command": command, "versions": store.versions(), "rows": [asdict(r) for r in rows]}
    replace_text(out / "trace.json", json.dumps(content, indent=2) + "\n")
    replace_text(out / "trace.svg", way_figure(rows))
    lost = sum(point.value is None for point in points)
    note = f"\n\n{lost:,} of {len(points):,} values are not finite and are left out." if lost else ""
    return f"{way_table(rows)}{note}\n\nFigure: {out / 'trace.svg'}"


def means(points: "Sequence[Point]") -> list[Row]:
    """The mean over seeds of each arm, quantity, layer and step, with its interval; of finite values alone."""

    def key(point: "Point") -> tuple[str, str, str, int]:
        return point.quantity, point.layer or "", point.arm, point.step

    return [
        Row(arm, quantity, layer, step, stats.estimate([p.value for p in group if p.value is not None]))
        for (quantity, layer, arm, step), group in groupby(sorted(points, key=key), key)
    ]


def alignment(
    study: Study, seeds: Sequence[int], scales: Sequence[float], out: Path, command: str, progress: Progress
) -> str:
    """Spearman's correlation of the start's alignment with the final transfer over perturbations of the student's init.

    The alignment is the cosine of the first batch's negative distillation gradient and the teacher's displacement; the
    transfer is the first trait of same_init minus its control's, at the last step. Runs without finite ones at every
    scale are left out of the correlation. Writes alignment.json. Raises InputError before any training.
    """
    check(study)
    if len(set(scales)) < 2:
        raise InputError(f"--perturb needs two different scales at least, got {quoted(scales)}; as in 0,0.2,0.4.")
    changed = [_perturbed(study, scale) for scale in scales]
    pairs, runs = [], len(scales) * len(seeds)
    progress(0, runs, ())
    for done, one in enumerate(changed):

        def further(own: int, _: int, notes: Sequence[str], before: int = done * len(seeds)) -> None:
            if own:
                progress(before + own, runs, notes)

        pairs.append(_aligned(one, seeds, further))
    columns = np.array(pairs)  # scale, cosine or transfer, run
    whole = np.isfinite(columns).all(axis=(0, 1))
    found = stats.rank_correlation(columns[:, 0, whole].T, columns[:, 1, whole].T)
    estimates = [[stats.estimate(column[np.isfinite(column)]) for column in pair] for pair in columns]
    rows = [
        {"perturb": scale, "initial_cosine": asdict(cosine), "transfer": asdict(transfer)}
        for scale, (cosine, transfer) in zip(scales, estimates, strict=True)
    ]
    content = {"study": study.id, "command": command, "versions": store.versions(), "rows": rows}
    replace_text(out / "alignment.json", json.dumps(content | {"spearman": asdict(found)}, indent=2) + "\n")
    lines = [
        f"{scale:>7g}  {_shown(cosine):>14}  {_shown(transfer):>9}"
        for scale, (cosine, transfer) in zip(scales, estimates, strict=True)
    ]
    lost = f"; {len(seeds) - found.n} with values that are not finite left out" if found.n < len(seeds) else ""
    last = f"Spearman {_correlated(found)} ({len(scales)} scales x {found.n} runs{lost})"
    return "\n".join(["perturb  initial cosine   transfer", *lines, last])


def _aligned(study: Study, seeds: Sequence[int], progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed, the cosine at the start of same_init, and its transfer."""
    points, trait = trace(study, seeds, [], progress), study.traits[0].name
    transfer = _column(points, trait, "same_init") - _column(points, trait, "same_init_control")
    return _column(points, "initial_cosine", "same_init"), transfer


def _shown(estimate: stats.Estimate) -> str:
    return "not finite" if estimate.mean is None else f"{estimate.mean:+.3f}"


def _correlated(found: stats.Estimate) -> str:
    if found.mean is None:
        return "undefined: too few values, or all of them alike"
    return f"{found.mean:.2f}" + ("" if found.low is None else f", 95% interval {found.low:.2f} to {found.high:.2f}")


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
    return build(study.name, changes, "--perturb")


def _column(points: "Sequence[Point]", quantity: str, arm: str) -> np.ndarray:
    """The quantity's last value of each seed; NaN where it was not finite."""
    last: dict[int, Point] = {}
    for point in points:
        if point.quantity == quantity and point.arm == arm:
            last[point.seed] = point
    values = [last[seed].value for seed in sorted(last)]
    return np.array([np.nan if value is None else value for value in values])
