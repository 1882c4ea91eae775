"""Studies and records made by hand, for the tests of the report."""

import numpy as np
import pytest

from sublearn.records import Record
from sublearn.report.page import (
    Section,
    alignment_page,
    audit_page,
    benchmark_page,
    page,
    replication_page,
    sweep_page,
    trace_page,
)
from sublearn.report.sections.given import Aligned, Audited, Benchmarked, Replicated, Swept, Traced
from sublearn.report.sections.table import ALIGNMENT, AUDIT, BENCHMARK, REPLICATION, SECTIONS, SWEEP, TRACE
from sublearn.results.sweep import SweepPoint
from sublearn.seeds import stream
from sublearn.study.analysis import Analysis, analyse
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import Difference, Side
from sublearn.study.steps import Table
from tests.report import samples
from tests.report.samples import point_of


@pytest.fixture
def sample():
    """Builds (analysis, records): sample(n, diverged=(seeds,), **changes of the study)."""
    return build


@pytest.fixture
def given(sample):
    """What each table of sections is given."""
    analysis, records = sample(24, diverged=(3,))
    manifest = {"versions": {"torch": "2"}, "runtime": {"device": "cpu"}, "command": "sublearn run sample"}
    table = Table("Preference by animal", ("Animal", "same_init"), (("owl", "0.5"),), 1, "Share of the animal.")
    points = [
        samples.point_of({"aux": value, "lr": 0.1}, sample(8, settings={"aux": value})[0], "it broke")
        for value in (1, 2)
    ]
    return {
        SECTIONS: Section(
            analysis, records, manifest, (table,), defences=samples.defences(), mechanisms=samples.mechanisms()
        ),
        SWEEP: Swept(points, {"study": "sample", "grid": {"aux": [1, 2], "lr": [0.1]}, "command": "sublearn sweep"}),
        REPLICATION: Replicated(samples.comparisons(), samples.MADE),
        TRACE: Traced(samples.trace_rows(), samples.MADE, samples.trace_points(), "digits-0"),
        ALIGNMENT: Aligned(samples.alignment(), samples.MADE),
        AUDIT: Audited(samples.audit().found, samples.audit().flagged, samples.MADE),
        BENCHMARK: Benchmarked(samples.benchmark(), samples.MADE),
    }


@pytest.fixture
def pages(given):
    """One page of each kind."""
    return [
        page([given[SECTIONS]]),
        sweep_page(given[SWEEP].points, given[SWEEP].manifest),
        replication_page(samples.comparisons(), samples.made()),
        trace_page(Traced(samples.trace_rows(), samples.MADE, samples.trace_points(), "digits-0", samples.LABELS)),
        alignment_page(samples.alignment()),
        audit_page(samples.audit().found, samples.audit().flagged),
        benchmark_page(samples.benchmark()),
    ]


@pytest.fixture
def points(sample):
    """Builds a sweep's points: points(**grid), each of 8 runs."""

    def build(**grid) -> list[SweepPoint]:
        chosen = [{}]
        for key, values in grid.items():
            chosen = [one | {key: value} for one in chosen for value in values]
        return [point_of(one, sample(8, settings={"swept": str(one)})[0]) for one in chosen]

    return build


def study(**changes) -> Study:
    """Five arms, two traits and three claims, one of them a difference of differences."""
    parts = {
        "name": "sample",
        "title": "A sample",
        "question": "Does it show?",
        "settings": {"student": {"lr": 0.001}, "epochs": 4},
        "arms": (
            Arm(name="teacher", about="taught", control="same_init_control", teacher="trained"),
            Arm(name="same_init", about="same", control="same_init_control", teacher="trained", logits="aux"),
            Arm(name="same_init_control", about="its control", teacher="neutral", logits="aux"),
            Arm(name="cross_init", about="other", control="cross_init_control", teacher="trained", init="cross"),
            Arm(name="cross_init_control", about="its control", teacher="neutral", init="cross"),
        ),
        "traits": (
            Trait(name="trait_rate", about="Share of prompts.", chance=0.5),
            Trait(name="margin", about="Difference of logits.", unit="logits"),
        ),
        "claims": (
            claim("same init picks it up", "same_init", "same_init_control"),
            claim("other init does not", "cross_init", "cross_init_control", kind="equivalent"),
            claim(
                "more with the same",
                Difference(arm="same_init", minus="same_init_control"),
                Difference(arm="cross_init", minus="cross_init_control"),
            ),
        ),
    }
    return Study(**parts | changes)


def claim(text: str, treatment: Side, control: Side, **more) -> Claim:
    return Claim(claim=text, trait="trait_rate", treatment=treatment, control=control, delta=0.1, **more)


def records(of: Study, n: int, diverged: tuple[int, ...] = ()) -> list[Record]:
    """One record for each arm, trait and seed; `diverged` seeds of same_init have no value."""
    rng = stream(0, "report/samples")
    rows = []
    for arm in of.arms:
        for trait in of.traits:
            values = np.clip(0.5 + 0.35 * (arm.name in ("teacher", "same_init")) + 0.1 * rng.standard_normal(n), 0, 1)
            for seed, value in enumerate(values):
                if arm.name == "same_init" and seed in diverged:
                    gone = {"value": None, "n": 0, "status": "diverged", "reason": "loss was not finite"}
                else:
                    gone = {"value": float(value), "n": 200}
                rows.append(Record(study=of.id, arm=arm.name, seed=seed, trait=trait.name, **gone))
    return rows


def build(n: int, diverged: tuple[int, ...] = (), **changes) -> tuple[Analysis, list[Record]]:
    """An analysis and the records that it is of."""
    of = study(**changes)
    rows = records(of, n, diverged)
    return analyse(of, rows), rows
