from collections.abc import Callable

import pytest

import sublearn
from sublearn.auditing.benchmark import found, metrics
from sublearn.auditing.benchmark.settings import Settings
from sublearn.execution.manifests import Provenance
from sublearn.execution.replication import Comparison, Reading, Span
from sublearn.results import demo
from sublearn.results.base import Shown
from sublearn.results.benchmark import Benchmark
from sublearn.results.demo import Demo
from sublearn.results.replication import Replication
from tests.processes import SMALL
from tests.report import samples

MADE = Provenance("sublearn test", {"torch": "2", "sublearn": "0.1.0"}, {"precision": "highest", "device": "cpu"})
TRACED = SMALL | {"teacher.epochs": 3, "student.epochs": 1}


def compared() -> Replication:
    """A figure that agrees, a trend that cannot be told, and a search that determines nothing."""
    words = "what it is", "a source", "0.55 ± 0.04 (25 runs)", "0.549 ± 0.012 (25 runs)"
    theirs, ours = Span("", 0.55, 0.51, 0.59), Span("", 0.549, 0.537, 0.561)
    trend = tuple(Span(f"inputs.variance = {value:g}", 0.5 + value / 100, 0.4, 0.6) for value in (0.25, 1, 4))
    rows = (
        Comparison("A/same_init", *words, "agrees", "difference -0.001", "sublearn run mnist", theirs, (ours,)),
        Comparison("C/variance", *words, "cannot tell", "too wide", "sublearn run mnist", None, trend),
        Comparison(
            "D/MSE",
            *words[:3],
            "1 setting, below",
            "undetermined",
            "not stated",
            "sublearn replicate D/MSE",
            theirs,
            (Span("init torch", 0.5, 0.4, 0.6),),
            ("init",),
            ("their noise is cut off",),
            (Reading("init torch", "0.500", "cannot tell", "too wide", late=True),),
        ),
    )
    return Replication(rows, 2, MADE)


def told() -> Demo:
    """The story with few seeds."""
    names = dict.fromkeys(name for name, _ in demo.PARTS)
    return Demo(tuple(sublearn.run(name, range(3), **SMALL) for name in names), MADE)


def audited() -> Benchmark:
    """The benchmark of audits with three bases."""
    sets = tuple(
        samples.of_a_set(name, seed, z=9.0 + seed, **changes)
        for seed in (7, 8, 9)
        for name, changes in (
            ("teacher 1000", {}),
            ("placebo", {"kind": "nuisance", "ranks": (), "p": 0.4 + seed / 100}),
        )
    )
    return Benchmark(found.summed(Settings(), sets, metrics.figures(sets, Settings()), MADE), sets)


MAKERS: dict[str, Callable[[], Shown]] = {
    "study.json": lambda: sublearn.run("prompts", range(3), **SMALL),
    "sweep.json": lambda: sublearn.sweep("prompts", {"hidden": [4, 6]}, range(3), n_eval=20, n_unrelated=60),
    "replication.json": compared,
    "trace.json": lambda: sublearn.trace("prompts", range(3), steps=(0, 1), **TRACED),
    "alignment.json": lambda: sublearn.trace("prompts", range(3), perturb=(0, 0.5), **TRACED),
    "demo.json": told,
    "audit.json": samples.audit,
    "benchmark.json": audited,
}
"""One small result of each kind of folder, in memory."""
_made: dict[str, Shown] = {}


@pytest.fixture(params=MAKERS)
def kind(request, monkeypatch) -> str:
    """Each kind of folder, by the file that tells what it is."""
    monkeypatch.setattr(demo, "PARTS", (("tutorial", (0,)), ("tutorial", range(3)), ("prompts", range(3))))
    return request.param


@pytest.fixture
def result(kind) -> Shown:
    """The result of that kind, made once."""
    if kind not in _made:
        _made[kind] = MAKERS[kind]()
    return _made[kind]
