"""Traces of a controlled study, written and summed up: the way in weight space, and alignment against transfer."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, Field

from sublearn import stats
from sublearn.config import dotted
from sublearn.errors import InputError, plain, quoted
from sublearn.execution import store
from sublearn.execution.pipeline import Progress
from sublearn.files.folders import made_by
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import beginning, replace_text
from sublearn.report.grid import grid
from sublearn.report.way import Row, way_figure, way_table
from sublearn.stats import Estimate
from sublearn.study.base import Setup, Study
from sublearn.study.controlled.spec import traced
from sublearn.study.table import build, check_memory

if TYPE_CHECKING:
    from sublearn.study.controlled.trace import Point

MANIFEST, ALIGNMENT, POINTS, FIGURE = "trace.json", "alignment.json", "trace.jsonl", "trace.svg"
_OUR_JSON, _OUR_POINTS, _OUR_FIGURE = beginning(b'{\n  "study": '), beginning(b'{"arm":'), beginning(b"<svg ")


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a trace while it is made. Raises InputError for a folder that holds something else."""
    manifests = {MANIFEST: _OUR_JSON, ALIGNMENT: _OUR_JSON}
    return made_by("sublearn trace", out, manifests, {POINTS: _OUR_POINTS, FIGURE: _OUR_FIGURE})


def trace(study: Study, seeds: Sequence[int], steps: Sequence[int], progress: Progress) -> "list[Point]":
    """The points of each seed (see `studies.flows.trace`), on one thread. Raises InputError before any training."""
    import torch

    from sublearn.study.controlled.trace import check as check_flow
    from sublearn.study.controlled.trace import trace as trace_flow

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
    traced(study)
    check_memory(study)
    study.designed.prepare()


def write(study: Study, points: "Sequence[Point]", out: Path, command: str) -> str:
    """Write trace.jsonl, trace.json (means with intervals) and trace.svg into `out`; return the table to print."""
    rows = means(points)
    content = {"study": study.id, "command": command, "versions": store.versions(), "rows": [asdict(r) for r in rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")
    replace_text(out / POINTS, "".join(point.model_dump_json() + "\n" for point in points), _OUR_POINTS)
    lost = sum(point.value is None for point in points)
    note = f"{lost:,} of {len(points):,} values are not finite and are left out.\n\n" if lost else ""
    return f"{way_table(rows)}\n\n{note}{draw(rows, out)}"


def read(out: Path) -> tuple[Row, ...]:
    """The means in trace.json. Raises InputError for anything else."""
    path = out / MANIFEST
    return typed(_Trace, json_file(path, "the trace"), str(path)).rows


def draw(rows: Sequence[Row], out: Path) -> str:
    """Write trace.svg into `out`; return the line that says so."""
    replace_text(out / FIGURE, way_figure(rows), _OUR_FIGURE)
    return f"Figure: {plain(out / FIGURE)}"


class _Trace(BaseModel, extra="forbid"):
    """The content of trace.json."""

    study: str
    command: str
    versions: dict[str, str]
    rows: tuple[Row, ...] = Field(min_length=1)


def means(points: "Sequence[Point]") -> list[Row]:
    """The mean over seeds of each arm, quantity, layer and step, with its interval; of finite values alone."""

    def key(point: "Point") -> tuple[str, str, str, int]:
        return point.quantity, point.layer or "", point.arm, point.step

    return [
        Row(arm, quantity, layer, step, stats.estimate([p.value for p in group if p.value is not None]))
        for (quantity, layer, arm, step), group in groupby(sorted(points, key=key), key)
    ]


def perturbed(study: Study, scales: Sequence[float]) -> list[Study]:
    """The study with the student's init perturbed by each scale. Raises InputError for scales that tell nothing."""
    traced(study)
    if len(set(scales)) < 2:
        raise InputError(f"--perturb needs two different scales at least, got {quoted(scales)}; as in 0,0.2,0.4.")
    changes = dotted(study.settings) | {"arms": ["same_init"]}
    return [build(study.name, changes | {"student_init.perturb": scale}, "--perturb") for scale in scales]


def alignment(study: Study, changed: Sequence[Study], seeds: Sequence[int], progress: Progress) -> "Alignment":
    """Spearman's correlation of the start's alignment with the final transfer over `changed`, from `perturbed`.

    The alignment is the cosine of the first batch's negative distillation gradient and the teacher's displacement; the
    transfer is the first trait of same_init minus its control's, at the last step. Runs without finite ones at every
    scale are left out of the correlation. Raises InputError before any training.
    """
    pairs, runs = [], len(changed) * len(seeds)
    progress(0, runs, ())
    for done, one in enumerate(changed):

        def further(own: int, _: int, notes: Sequence[str], before: int = done * len(seeds)) -> None:
            if own:
                progress(before + own, runs, notes)

        pairs.append(_aligned(one, seeds, further))
    columns = np.array(pairs)  # scale, cosine or transfer, run
    whole = np.isfinite(columns).all(axis=(0, 1))
    found = stats.rank_correlation(columns[:, 0, whole].T, columns[:, 1, whole].T)
    rows = [
        Scale(
            one.settings["student_init"]["perturb"], *(stats.estimate(column[np.isfinite(column)]) for column in pair)
        )
        for one, pair in zip(changed, columns, strict=True)
    ]
    return Alignment(study=study.id, rows=tuple(rows), spearman=found, runs=len(seeds))


def write_alignment(found: "Alignment", out: Path, command: str) -> str:
    """Write alignment.json into `out`; return the table to print."""
    head = {"study": found.study, "command": command, "versions": store.versions()}
    replace_text(out / ALIGNMENT, json.dumps(head | found.model_dump(), indent=2) + "\n")
    return alignment_table(found)


def read_alignment(out: Path) -> "Alignment":
    """The content of alignment.json. Raises InputError for anything else."""
    path = out / ALIGNMENT
    return typed(Alignment, json_file(path, "the alignment"), str(path))


def alignment_table(found: "Alignment") -> str:
    """Plain text: alignment and transfer at each scale, and their correlation."""
    cells = [(f"{row.perturb:g}", _shown(row.initial_cosine), _shown(row.transfer)) for row in found.rows]
    lines = grid(cells, ("perturb", "initial cosine", "transfer"), numeric=(0, 1, 2), indent=0)
    few, runs = found.spearman.n, found.runs or found.spearman.n
    lost = f"; {runs - few} with values that are not finite left out" if few < runs else ""
    last = f"Spearman {_correlated(found.spearman)} ({len(cells)} scales x {few} runs{lost})"
    return "\n".join([*lines, last])


@dataclass(frozen=True)
class Scale:
    """Alignment at the start and transfer at the end, under one perturbation of the student's init."""

    perturb: float
    initial_cosine: Estimate
    transfer: Estimate


class Alignment(BaseModel, frozen=True):
    """Alignment against transfer over perturbations, with their rank correlation; the content of alignment.json."""

    study: str
    rows: tuple[Scale, ...]
    spearman: Estimate
    runs: int | None = None


def _aligned(study: Study, seeds: Sequence[int], progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed, the cosine at the start of same_init, and its transfer."""
    points, trait = trace(study, seeds, [], progress), study.traits[0].name
    transfer = _column(points, trait, "same_init") - _column(points, trait, "same_init_control")
    return _column(points, "initial_cosine", "same_init"), transfer


def _shown(estimate: Estimate) -> str:
    return "not finite" if estimate.mean is None else f"{estimate.mean:+.3f}"


def _correlated(found: Estimate) -> str:
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


def _column(points: "Sequence[Point]", quantity: str, arm: str) -> np.ndarray:
    """The quantity's last value of each seed; NaN where it was not finite."""
    last: dict[int, Point] = {}
    for point in points:
        if point.quantity == quantity and point.arm == arm:
            last[point.seed] = point
    values = [last[seed].value for seed in sorted(last)]
    return np.array([np.nan if value is None else value for value in values])
