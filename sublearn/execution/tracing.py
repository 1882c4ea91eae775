"""Traces of a controlled study, written and summed up: the way in weight space, and alignment against transfer."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
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
from sublearn.files.writing import a_page, beginning, replace_page, replace_text
from sublearn.report.charts.trace import alignment_figure, trace_figure
from sublearn.report.page import alignment_page, trace_page
from sublearn.report.trace import Alignment, Row, Scale, alignment_table, trace_table
from sublearn.study.base import Setup, Study
from sublearn.study.controlled.spec import traced
from sublearn.study.table import build, check_memory

if TYPE_CHECKING:
    from sublearn.study.controlled.trace import Point

MANIFEST, POINTS, FIGURE, PAGE = "trace.json", "trace.jsonl", "trace.svg", "trace.html"
ALIGNMENT, ALIGNMENT_FIGURE, ALIGNMENT_PAGE = "alignment.json", "alignment.svg", "alignment.html"
_OUR_JSON, _OUR_POINTS, _OUR_FIGURE = beginning(b'{\n  "study": '), beginning(b'{"arm":'), beginning(b"<svg ")


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a trace while it is made. Raises InputError for a folder that holds something else."""
    manifests = {MANIFEST: _OUR_JSON, ALIGNMENT: _OUR_JSON}
    figures = {FIGURE: _OUR_FIGURE, ALIGNMENT_FIGURE: _OUR_FIGURE}
    return made_by(
        "sublearn trace", out, manifests, {POINTS: _OUR_POINTS, **figures, PAGE: a_page, ALIGNMENT_PAGE: a_page}
    )


def trace(study: Study, seeds: Sequence[int], steps: Sequence[int], progress: Progress) -> "list[Point]":
    """The points of each seed (see `study.controlled.trace`), on one thread. Raises InputError before any training."""
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
    """Write trace.jsonl, trace.json (means with intervals), trace.svg and trace.html into `out`; return the table."""
    found = Trace(study=study.id, command=command, versions=store.versions(), rows=tuple(means(points)))
    content = found.model_dump() | {"rows": [asdict(row) for row in found.rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")
    replace_text(out / POINTS, "".join(point.model_dump_json() + "\n" for point in points), _OUR_POINTS)
    lost = sum(point.value is None for point in points)
    note = f"{lost:,} of {len(points):,} values are not finite and are left out.\n\n" if lost else ""
    return f"{trace_table(found.rows)}\n\n{note}{draw(found, out)}"


class Trace(BaseModel, extra="forbid"):
    """The content of trace.json."""

    study: str
    command: str
    versions: dict[str, str]
    rows: tuple[Row, ...] = Field(min_length=1)


def read(out: Path) -> Trace:
    """The content of trace.json. Raises InputError for anything else."""
    path = out / MANIFEST
    return typed(Trace, json_file(path, "the trace"), str(path))


def draw(found: Trace, out: Path) -> str:
    """Write trace.svg and trace.html into `out`; return the line that says so."""
    replace_text(out / FIGURE, trace_figure(found.rows), _OUR_FIGURE)
    manifest = {"command": found.command, "versions": found.versions}
    replace_page(out / PAGE, trace_page(found.study, found.rows, manifest))
    return f"Page: {plain(out / PAGE)}"


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


def alignment(study: Study, changed: Sequence[Study], seeds: Sequence[int], progress: Progress) -> Alignment:
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
    rows = tuple(_scale(one, pair) for one, pair in zip(changed, columns, strict=True))
    return Alignment(study=study.id, versions=store.versions(), rows=rows, spearman=found, runs=len(seeds))


def _scale(study: Study, columns: np.ndarray) -> Scale:
    """One perturbation, from its runs' cosines and transfers."""
    estimates = (stats.estimate(column[np.isfinite(column)]) for column in columns)
    runs = (tuple(float(value) if np.isfinite(value) else None for value in column) for column in columns)
    scale = study.settings["student_init"]["perturb"]
    return Scale(scale, next(estimates), next(estimates), next(runs), next(runs))


def write_alignment(found: Alignment, out: Path, command: str) -> str:
    """Write alignment.json, alignment.svg and alignment.html into `out`; return the table to print."""
    found = found.model_copy(update={"command": command})
    replace_text(out / ALIGNMENT, json.dumps(found.model_dump(), indent=2) + "\n")
    return f"{alignment_table(found)}\n\n{draw_alignment(found, out)}"


def draw_alignment(found: Alignment, out: Path) -> str:
    """Write alignment.svg and alignment.html into `out`; return the line that says so."""
    if any(scale.cosines for scale in found.rows):
        replace_text(out / ALIGNMENT_FIGURE, alignment_figure(found), _OUR_FIGURE)
    replace_page(out / ALIGNMENT_PAGE, alignment_page(found))
    return f"Page: {plain(out / ALIGNMENT_PAGE)}"


def read_alignment(out: Path) -> Alignment:
    """The content of alignment.json. Raises InputError for anything else."""
    path = out / ALIGNMENT
    return typed(Alignment, json_file(path, "the alignment"), str(path))


def _aligned(study: Study, seeds: Sequence[int], progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed, the cosine at the start of same_init, and its transfer."""
    points, trait = trace(study, seeds, [], progress), study.traits[0].name
    transfer = _column(points, trait, "same_init") - _column(points, trait, "same_init_control")
    return _column(points, "initial_cosine", "same_init"), transfer


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
