"""Traces of a controlled study: the students' way in weight space, and alignment at the start against transfer.

It plans and sums up, and knows what a trace's folder holds; it draws nothing. Needs no torch.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from sublearn import stats
from sublearn.errors import InputError, quoted
from sublearn.execution.manifests import Facts, Provenance
from sublearn.execution.plan import Point
from sublearn.files.folders import check_made, made_by
from sublearn.files.reading import file_bytes, json_file, json_value, typed
from sublearn.files.writing import a_page, beginning, replace_text
from sublearn.records import LARGEST_VALUE, Number
from sublearn.stats import Estimate
from sublearn.study.base import Setup, Study, Trait
from sublearn.study.controlled.design import traced
from sublearn.study.controlled.points import TracePoint
from sublearn.study.jobs import Job
from sublearn.study.table import build

COSINES = "cosine", "initial_cosine"
MANIFEST, POINTS, FIGURE, PAGE = "trace.json", "trace.jsonl", "trace.svg", "trace.html"
ALIGNMENT, ALIGNMENT_FIGURE, ALIGNMENT_PAGE = "alignment.json", "alignment.svg", "alignment.html"
_OUR_JSON, _OUR_POINTS, OUR_FIGURE = beginning(b'{\n  "study": '), beginning(b'{"arm":'), beginning(b"<svg ")
_MANIFESTS = {MANIFEST: _OUR_JSON, ALIGNMENT: _OUR_JSON}
_FILES = {POINTS: _OUR_POINTS, FIGURE: OUR_FIGURE, ALIGNMENT_FIGURE: OUR_FIGURE, PAGE: a_page, ALIGNMENT_PAGE: a_page}


class TraceJob(Job, frozen=True):
    """A job that measures the students' way at some steps, one seed at a time."""

    steps: tuple[int, ...] = ()

    @property
    def largest(self) -> int:
        """A trace's runs are long, and each holds its own way."""
        return 1

    def measured(self) -> tuple[Any, ...]:
        """The points of the way (see `study.controlled.trace`)."""
        from sublearn.study.controlled.trace import trace  # late: needs torch

        return tuple(trace(self.study, self.seeds, self.steps, self.setup))


@dataclass(frozen=True)
class Traced(Point):
    """A study with seeds whose trajectories are measured at some steps."""

    steps: tuple[int, ...] = ()

    def job(self, setup: Setup) -> Job:
        """A job for its seeds."""
        return TraceJob(study=self.study, seeds=(), setup=setup, steps=self.steps)

    def check(self, device: str) -> None:
        """Raise InputError for a study or a seed that cannot be traced."""
        from sublearn.study.controlled.trace import check  # late: needs torch

        check(self.study, self.seeds, Setup(device=device))


@dataclass(frozen=True)
class TraceMean:
    """The mean over seeds of one quantity of an arm at a step; `layer` is empty for all parameters together."""

    arm: str
    quantity: str
    layer: str
    step: int
    estimate: Estimate


@dataclass(frozen=True)
class Scale:
    """Alignment at the start and transfer at the end, under one perturbation of the student's init.

    Beside both estimates stand the values of each run, None where one is not finite.
    """

    perturb: Number
    initial_cosine: Estimate
    transfer: Estimate
    cosines: tuple[Number | None, ...] = ()
    transfers: tuple[Number | None, ...] = ()


Labels = Annotated[
    dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=300)]], Field(max_length=1_000)
]


class TraceFile(BaseModel, frozen=True, extra="forbid"):
    """The content of trace.json."""

    study: str
    command: str
    versions: Facts
    rows: tuple[TraceMean, ...] = Field(min_length=1)
    labels: Labels = Field(default_factory=dict)
    """What the arms are called; an earlier version did not keep it."""

    @property
    def made(self) -> Provenance:
        """How it was made."""
        return Provenance(self.command, self.versions)


class AlignmentFile(BaseModel, frozen=True):
    """The content of alignment.json: rank correlations of transfer with alignment, over all scales and runs and within
    scales, and with the scale alone. Version 0.1 kept the first alone, and not how many runs there were.
    """

    study: str
    command: str = ""
    versions: Facts = Field(default_factory=dict)
    rows: tuple[Scale, ...]
    spearman: Estimate
    within: Estimate | None = None
    of_scale: Estimate | None = None
    runs: int | None = None

    @property
    def made(self) -> Provenance:
        """How it was made."""
        return Provenance(self.command, self.versions)


def means(points: Iterable[TracePoint], traits: Iterable[Trait] = ()) -> tuple[TraceMean, ...]:
    """The mean over seeds of each arm, quantity, layer and step, with its interval; of finite values alone.

    Intervals keep within the bounds of a cosine and of the study's shares.
    """
    bounds = dict.fromkeys(COSINES, (-1.0, 1.0)) | {trait.name: (0.0, 1.0) for trait in traits if trait.unit == "share"}

    def key(point: TracePoint) -> tuple[str, str, str, int]:
        return point.quantity, point.layer or "", point.arm, point.step

    return tuple(
        TraceMean(
            arm,
            quantity,
            layer,
            step,
            stats.estimate([p.value for p in group if p.value is not None], bounds=bounds.get(quantity)),
        )
        for (quantity, layer, arm, step), group in groupby(sorted(points, key=key), key)
    )


def perturbed(study: Study, scales: Sequence[float]) -> list[Study]:
    """The study with the student's init perturbed by each scale. Raises InputError for scales that tell nothing."""
    traced(study)
    if len(set(scales)) < 2:
        raise InputError(f"--perturb needs two different scales at least, got {quoted(scales)}; as in 0,0.2,0.4.")
    return [build(study, {"arms": ["same_init"], "student_init.perturb": scale}, "--perturb") for scale in scales]


def aligned(
    study: Study, studies: Sequence[Study], points: Sequence[Sequence[TracePoint]], made: Provenance
) -> AlignmentFile:
    """Alignment and transfer at each scale, and what transfer is correlated with, from `perturbed` studies.

    The alignment is the cosine of the first batch's negative distillation gradient and the teacher's displacement; the
    transfer is the first trait of same_init minus its control's, at the last step. Both fall with the scale of the
    noise, so that they are correlated over all scales whatever alignment does; within scales they need not be. Runs
    without finite ones at every scale are left out of the correlations.
    """
    columns = np.array([_alignment(one, own) for one, own in zip(studies, points, strict=True)])
    whole = np.isfinite(columns).all(axis=(0, 1))  # scale, cosine or transfer, run
    cosines, transfers = (columns[:, measure, whole].T for measure in (0, 1))
    rows = tuple(_scale(one, *pair) for one, pair in zip(studies, columns, strict=True))
    scales = np.broadcast_to([-row.perturb for row in rows], cosines.shape)  # less noise, as more alignment
    return AlignmentFile(
        study=study.id,
        command=made.command,
        versions=dict(made.versions),
        rows=rows,
        spearman=stats.rank_correlation(cosines, transfers),
        within=stats.rank_correlation(cosines, transfers, within=True),
        of_scale=stats.rank_correlation(scales, transfers),
        runs=columns.shape[2],
    )


def _scale(study: Study, cosines: np.ndarray, transfers: np.ndarray) -> Scale:
    cosine = stats.estimate(cosines[np.isfinite(cosines)], bounds=(-1.0, 1.0))
    transfer = stats.estimate(transfers[np.isfinite(transfers)])
    both = ([None if np.isnan(value) else value for value in own.tolist()] for own in (cosines, transfers))
    return Scale(study.settings["student_init"]["perturb"], cosine, transfer, *map(tuple, both))


def _alignment(study: Study, points: Sequence[TracePoint]) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed, the cosine at the start of same_init, and its transfer."""
    trait = study.traits[0].name
    transfer = _column(points, trait, "same_init") - _column(points, trait, "same_init_control")
    return _column(points, "initial_cosine", "same_init"), transfer


def _column(points: Sequence[TracePoint], quantity: str, arm: str) -> np.ndarray:
    """The quantity's last value of each seed; NaN where it was not finite."""
    last: dict[int, TracePoint] = {}
    for point in points:
        if point.quantity == quantity and point.arm == arm and point.step >= last.get(point.seed, point).step:
            last[point.seed] = point
    values = [last[seed].value for seed in sorted(last)]
    return np.array([np.nan if value is None else value for value in values])


def steps_in(text: str) -> tuple[int, ...]:
    """The steps in a text, joined by commas. Raises InputError for anything but whole numbers from 0."""
    values = _numbers(text)
    if values is None or any(value != int(value) for value in values):
        raise InputError(f"--steps got {quoted(text)}; expected whole numbers from 0, as in 0,10,100.")
    return tuple(int(value) for value in values)


def scales_in(text: str) -> tuple[float, ...]:
    """The scales in a text, joined by commas. Raises InputError for anything but numbers from 0."""
    values = _numbers(text)
    if values is None:
        raise InputError(f"--perturb got {quoted(text)}; expected numbers from 0, as in 0,0.2,0.4.")
    return values


def checked_steps(steps: object) -> tuple[int, ...]:
    """The steps of a list. Raises InputError for anything but whole numbers from 0."""
    values = _listed(steps)
    if values is None or any(value != int(value) for value in values):
        raise InputError(f"steps got {quoted(steps)}; expected a list of whole numbers from 0, as in [0, 10, 100].")
    return tuple(int(value) for value in values)


def checked_scales(scales: object) -> tuple[float, ...]:
    """The scales of a list. Raises InputError for anything but numbers from 0."""
    values = _listed(scales)
    if values is None:
        raise InputError(f"perturb got {quoted(scales)}; expected a list of numbers from 0, as in [0, 0.2, 0.4].")
    return values


def _numbers(text: str) -> tuple[float, ...] | None:
    """The finite numbers from 0 in a text; None if there is anything else in it."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return values if all(0 <= value < float("inf") for value in values) else None


def _listed(given: object) -> tuple[float, ...] | None:
    """The finite numbers from 0 in a list; None if there is anything else in it, or it is no list."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return None
    values: tuple[Any, ...] = tuple(given)
    usable = all(
        isinstance(one, int | float | np.number) and not isinstance(one, bool) and 0 <= one <= LARGEST_VALUE
        for one in values
    )
    return tuple(float(one) for one in values) if usable else None


def place(out: Path) -> AbstractContextManager[None]:
    """Hold the folder of a trace while it is made. Raises InputError for a folder that holds something else."""
    return made_by("sublearn trace", out, _MANIFESTS, _FILES)


def check_out(out: Path) -> None:
    """Raise InputError as `place` does. It writes nothing."""
    check_made("sublearn trace", out, _MANIFESTS, _FILES)


def write_trace(found: TraceFile, points: Sequence[TracePoint], out: Path) -> None:
    """Write trace.json and trace.jsonl into `out`."""
    content = found.model_dump() | {"rows": [asdict(row) for row in found.rows]}
    replace_text(out / MANIFEST, json.dumps(content, indent=2) + "\n")
    replace_text(out / POINTS, "".join(point.model_dump_json() + "\n" for point in points), _OUR_POINTS)


def read_trace(out: Path) -> TraceFile:
    """The content of trace.json. Raises InputError for anything else."""
    path = out / MANIFEST
    return typed(TraceFile, json_file(path, "the trace"), str(path))


def read_points(out: Path) -> tuple[TracePoint, ...]:
    """The points in trace.jsonl; none where it is not there. Raises InputError for anything else."""
    path = out / POINTS
    if not path.exists():
        return ()
    lines = file_bytes(path, "the points of the trace").splitlines()
    places = (f"{path}, line {number}" for number in range(1, len(lines) + 1))
    return tuple(typed(TracePoint, json_value(line, place), place) for line, place in zip(lines, places, strict=True))


def write_alignment(found: AlignmentFile, out: Path) -> None:
    """Write alignment.json into `out`."""
    replace_text(out / ALIGNMENT, json.dumps(found.model_dump(), indent=2) + "\n")


def read_alignment(out: Path) -> AlignmentFile:
    """The content of alignment.json. Raises InputError for anything else."""
    path = out / ALIGNMENT
    return typed(AlignmentFile, json_file(path, "the alignment"), str(path))
