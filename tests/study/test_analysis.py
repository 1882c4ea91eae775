import numpy as np
import pytest

from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.analysis import analyse
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import Difference
from sublearn.study.table import build

ARMS = ("same_init", "same_init_control", "cross_init", "cross_init_control")
BOTH = [("same_init", "same_init_control"), ("cross_init", "cross_init_control")]


def difference(arm: str, minus: str) -> Difference:
    return Difference(arm=arm, minus=minus)


STUDY = Study(
    name="planted",
    title="t",
    question="q",
    settings={},
    arms=tuple(
        Arm(name=arm, about="x", control=None if arm.endswith("control") else f"{arm}_control", teacher="neutral")
        for arm in ARMS
    ),
    traits=(Trait(name="rate", about="x"),),
    claims=(
        Claim(claim="same", trait="rate", treatment=BOTH[0][0], control=BOTH[0][1], delta=0.1),
        Claim(claim="cross", trait="rate", treatment=BOTH[1][0], control=BOTH[1][1], delta=0.1, kind="equivalent"),
        Claim(claim="gap", trait="rate", treatment=difference(*BOTH[0]), control=difference(*BOTH[1]), delta=0.1),
    ),
)


def records(n: int, effects: dict[str, float], sd: float = 0.1, name: str = "analysis") -> list[Record]:
    rng = stream(0, name)
    values = {arm: 0.5 + effects.get(arm, 0.0) + sd * rng.standard_normal(n) for arm in ARMS}
    return [
        Record(study=STUDY.id, arm=arm, seed=seed, trait="rate", value=float(values[arm][seed]), n=10)
        for arm in ARMS
        for seed in range(n)
    ]


def verdicts(rows: list[Record]) -> list[str]:
    return [finding.verdict for finding in analyse(STUDY, rows).findings]


def test_a_planted_trait_is_found_and_its_absence_elsewhere_too():
    assert verdicts(records(24, {"same_init": 0.4})) == ["supported", "supported", "supported"]


def test_no_trait_with_many_runs_is_refuted():
    assert verdicts(records(100, {})) == ["refuted", "supported", "refuted"]


def test_a_trait_that_crosses_refutes_the_claim_that_it_does_not():
    assert verdicts(records(24, {"same_init": 0.4, "cross_init": 0.4}))[1] == "refuted"


def test_below_zero_is_refuted():
    assert verdicts(records(24, {"same_init": -0.4}))[0] == "refuted"


def test_three_runs_are_inconclusive_and_say_how_many_are_needed():
    findings = analyse(STUDY, records(3, {"same_init": 0.1})).findings
    assert {finding.verdict for finding in findings} == {"inconclusive"}
    assert all("runs would be needed" in finding.because for finding in findings[:2])


def test_one_run_has_no_interval_and_no_verdict():
    analysis = analyse(STUDY, records(1, {"same_init": 0.4}))
    assert all("undefined with 1 run" in finding.because for finding in analysis.findings)
    assert analysis.estimates[0].estimate.method == "interval undefined, 1 run"


def test_contrasts_pair_by_seed_and_leave_out_unmeasured_runs():
    rows = records(10, {"same_init": 0.4})
    missing = Record(
        study=STUDY.id, arm="same_init", seed=4, trait="rate", value=None, n=0, status="diverged", reason="loss nan"
    )
    rows = [missing if (row.arm, row.seed) == ("same_init", 4) else row for row in rows]
    analysis = analyse(STUDY, rows)
    assert [row.contrast.n for row in analysis.contrasts] == [9, 10, 9]
    value = {(row.arm, row.seed): row.value or 0.0 for row in rows}
    seeds = [seed for seed in range(10) if seed != 4]
    expected = [
        value["same_init", s] - value["same_init_control", s] - value["cross_init", s] + value["cross_init_control", s]
        for s in seeds
    ]
    assert analysis.contrasts[2].contrast.mean == pytest.approx(np.mean(expected))
    assert analysis.unmeasured == (missing,)


def test_without_a_trait_claims_are_supported_about_as_often_as_stated():
    supported = [verdicts(records(12, {}, 0.5, f"null/{i}"))[0] == "supported" for i in range(300)]
    assert np.mean(supported) <= 0.05  # one-sided 2.5% at most, and Holm makes it less


def test_two_runs_are_not_said_to_show_no_effect():
    study = build("prompts")
    rows = [
        Record(study=study.id, arm=arm, seed=seed, trait="margin", value=value + seed / 10, n=1)
        for arm, value in (("same_init", 1.0), ("same_init_control", 0.0))
        for seed in (0, 1)
    ]
    rows[0] = rows[0].model_copy(update={"value": 1.2})
    because = analyse(study, rows).findings[0].because
    assert "At least 3 runs" in because
    assert "which is none" not in because
