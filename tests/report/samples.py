"""One of each thing that has a page, made by hand."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sublearn.auditing.benchmark.found import BenchmarkFile, Figure, Measured
from sublearn.auditing.defences.compared import Compared, Ranged
from sublearn.auditing.found import AuditFile, FlaggedRow, Said, ScoreFound, TraitFound
from sublearn.columns import Columns
from sublearn.execution.replication import Comparison, Provenance, Reading, Span
from sublearn.execution.tracing import AlignmentFile, Scale, TraceMean
from sublearn.results.audit import Audit
from sublearn.results.single import Result
from sublearn.results.sweep import SweepPoint
from sublearn.stats import Estimate, estimate
from sublearn.study.agreement import RULE
from sublearn.study.analysis import Analysis
from sublearn.study.controlled.points import TracePoint
from sublearn.study.mechanisms.compared import Compared as Mechanism
from sublearn.study.mechanisms.compared import Held

ARMS = ("same_init", "same_init_control", "cross_init", "cross_init_control")
QUANTITIES = ("cosine", "distance", "distance_share", "soft_trait", "predicted", "initial_cosine", "along", "aside")
LABELS = {"same_init": "student of the same init", "same_init_control": "student of the same init, placebo teacher"}
MADE = {"command": "sublearn trace digits", "versions": {"torch": "2"}}


def trace_rows() -> list[TraceMean]:
    """Means of every arm, quantity and layer at four steps."""
    rng = np.random.default_rng(0)
    return [
        TraceMean(arm, quantity, layer, step, estimate(rng.random(4)))
        for arm in ARMS
        for quantity in QUANTITIES
        for layer in ("", "fc1")
        for step in (0, 1, 10, 140)
    ]


def trace_points() -> list[TracePoint]:
    """Alignment at the start and the soft trait at two steps, of four runs of every arm, one of them not finite."""
    rng = np.random.default_rng(1)
    return [
        TracePoint(arm=arm, seed=seed, step=step, quantity=quantity, value=None if seed == 2 else float(rng.random()))
        for arm in ARMS
        for seed in range(4)
        for quantity, step in (("initial_cosine", 0), ("soft_trait", 0), ("soft_trait", 140))
    ]


def alignment() -> AlignmentFile:
    """Three perturbations of three runs, one of which is not finite."""
    cell = Estimate(0.93, 0.1, 0.7, 1.0, 3, "95% Spearman")
    within = Estimate(0.32, None, -0.1, 0.6, 3, "95% Spearman within settings")
    scales = (Scale(s, cell, cell, (s, s + 0.01, None), (1 - s, 1.1 - s, 0.5)) for s in (0, 0.2, 1))
    return AlignmentFile(
        study="prompts-0",
        command="sublearn trace",
        rows=tuple(scales),
        spearman=cell,
        within=within,
        of_scale=cell,
        runs=3,
    )


def point_of(settings: Mapping[str, Any], analysis: Analysis, failure: str | None = None) -> SweepPoint:
    """A combination of a sweep, whose records nobody looks at."""
    return SweepPoint(settings, Result(analysis.study, Columns.of([]), analysis), failure)


def comparisons() -> list[Comparison]:
    """A figure of each verdict, one of them a trend and one a search, and one of version 0.1."""
    words = ("what it is", "a source", "0.55 ± 0.04 (25 runs)", "0.549 ± 0.012 (25 runs)")
    theirs, ours = Span("", 0.55, 0.51, 0.59), Span("", 0.549, 0.537, 0.561)
    trend = tuple(Span(f"inputs.variance = {value:g}", 0.5 + value / 100, 0.4, 0.6) for value in (0.25, 1, 4))
    return [
        Comparison("A/same_init", *words, "agrees", "difference -0.001", "sublearn run mnist", theirs, (ours,)),
        Comparison("A/teacher", *words, "differs", "far off", "sublearn run mnist", Span("", 0.94), (ours,)),
        Comparison("C/variance", *words, "cannot tell", "too wide", "sublearn run mnist", None, trend),
        Comparison("C/old", *words, "agrees", "within", "sublearn run mnist"),
        Comparison(
            "D/MSE",
            *words[:3],
            "2 settings, each below",
            "undetermined",
            "not stated",
            "sublearn replicate D/MSE",
            Span("", 0.271, 0.23, 0.31),
            (Span("init torch", 0.3, 0.25, 0.35), Span("init normal", 0.6, 0.5, 0.7)),
            ("init",),
            ("their noise is cut off",),
            (Reading("init torch", "0.300", "agrees", "near"), Reading("init normal", "0.600", "differs", "far", True)),
        ),
    ]


def made() -> Provenance:
    """How a replication was made."""
    return Provenance("sublearn replicate", "highest", {"torch": "2"}, quick=2, rule=RULE)


def defences() -> tuple[Compared, ...]:
    """An undefended student and one defence."""
    span = Ranged(0.4, 0.2, 0.6, 24)
    plain = Compared("same_init", "nothing is changed", "", 3.5, Ranged(1.0, None, None, 24), span, span, 3.0, None)
    needs = "rows, base and teacher"
    return plain, Compared("mask", "learns less", needs, 1.4, span, span, span, None, "same_init", "supported", "so")


def benchmark() -> BenchmarkFile:
    """A benchmark of audits with a goal that is met, one that is missed, and a figure without an interval."""
    first = Figure(what="teacher 1000: named first", value=0.9, low=0.7, high=0.97, n=20, goal=0.95)
    alarms = Figure(what="clean sets: false alarms at .05", value=0.05, low=0.01, high=0.24, n=20, goal=0.05, most=True)
    took = Figure(what="1,000 rows: CPU a set, clean sets not counted", value=2.5, n=20, unit="s")
    return BenchmarkFile(
        settings={"usual": 1000},
        seeds=tuple(range(20)),
        sets=40,
        figures=(first, alarms, took),
        command="sublearn audit --benchmark",
        versions={"torch": "2"},
    )


def of_a_set(name: str, seed: int = 7, **changes: Any) -> Measured:
    """What a benchmark says of a set of the teacher's rows, of this name."""
    whole = {"kind": "trait", "rows": 1000, "traits": ("owl",), "ranks": (1,), "p": 0.05, "z": 9.0, "predicted": 2.0}
    rest = {"actual": 3.0, "said": ("owl", "dog"), "flagged": 80, "seconds": 2.5}
    return Measured.model_validate({"seed": seed, "set": name, **whole, **rest, **changes})


def mechanisms() -> tuple[Mechanism, ...]:
    """One published mechanism with a claim that agrees, and one that nobody published."""
    numbers = {"trait": "log_odds", "mean": 0.4, "low": 0.2, "high": 0.6, "n": 24, "delta": 0.1, "because": "so"}
    agrees = Held("divergence tokens transfer", "a - b", verdict="supported", outcome="agrees", **numbers)
    open_ = Held("a share transfers", "c - d", verdict="inconclusive", outcome="cannot tell", **numbers)
    source, students = "Somebody 2025, arXiv 0000.00000", (("a", "learns some tokens"),)
    return (
        Mechanism("divergence", "Divergence tokens", "They carry it.", source, ("a tiny base",), students, (agrees,)),
        Mechanism("fraction", "Shares", "Not published.", "", (), students, (open_,)),
    )


def audit() -> Audit:
    """An audit that found a signal and names one trait of twelve."""
    traits = tuple(
        TraitFound(
            trait=f"animal_{n}",
            group="animal",
            score=(2.0 if n == 0 else 0.1) - n / 100,
            low=-0.2 - n / 100,
            high=2.5,
            z=9.0 - n,
            p=0.05 if n == 0 else 0.5,
        )
        for n in range(12)
    )
    scores = (
        ScoreFound(name="virtual", about="a student", unit="log-odds", value=2.0, z=9.0, p=0.05, surprise=6.0),
        ScoreFound(name="steering", about="one vector", unit="T", value=300.0, z=12.0, p=0.05, surprise=5.0),
    )
    flagged = tuple(FlaggedRow(line=n, score=10.0 / n, prompt="More: 1, 2", completion=f"{n}, 3") for n in range(1, 31))
    found = AuditFile(
        model="tiny:0",
        data="rows.jsonl",
        rows=100,
        null="the model's own answers to the same prompts",
        method="virtual, steering; 1 clean set as reference, 4 to standardize, 19 others to test",
        carries_signal=True,
        p=0.05,
        traits=traits,
        rows_flagged=len(flagged),
        compared=100,
        clean_sets=24,
        test_sets=19,
        ranking="virtual",
        unit="log-odds",
        steps=40,
        smallest=0.4,
        scores=scores,
        said=(Said(answer="owl", log_ratio=0.3, z=4.2),),
        said_by="virtual",
        flagging="steering, above the 95% quantile of 300 clean rows",
        command="sublearn audit rows.jsonl --model tiny:0",
        versions={"torch": "2", "sublearn": "0.2.0"},
    )
    return Audit(found, flagged)


def hostile_audit(bad: str) -> tuple[AuditFile, tuple[FlaggedRow, ...]]:
    """The same with a foreign text wherever one may stand."""
    made = audit()
    texts = dict.fromkeys(("model", "data", "null", "method", "command", "flagging", "unit", "ranking"), bad)
    traits = tuple(one.model_copy(update={"trait": bad, "group": bad}) for one in made.found.traits)
    scores = tuple(one.model_copy(update={"name": bad, "about": bad, "unit": bad}) for one in made.found.scores)
    more = {"traits": traits, "scores": scores, "said": (Said(answer=bad, log_ratio=1.0),), "versions": {bad: bad}}
    flagged = tuple(one.model_copy(update={"prompt": bad, "completion": bad}) for one in made.flagged)
    return made.found.model_copy(update=texts | more), flagged


def unmarked(html: str) -> str:
    """The page without the buttons around its terms."""
    return re.sub("</?button[^>]*>", "", html)
