import numpy as np
import pytest

from sublearn.columns import Columns
from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.study.analysis import Evidence, analyse, analyse_all
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
    assert verdicts(records(48, {"same_init": 0.4})) == ["supported", "supported", "supported"]


def test_no_trait_with_many_runs_is_negligible():
    assert verdicts(records(100, {})) == ["negligible", "supported", "negligible"]


def test_a_trait_that_crosses_refutes_the_claim_that_it_does_not():
    assert verdicts(records(24, {"same_init": 0.4, "cross_init": 0.4}))[1] == "refuted"


def test_below_zero_is_refuted():
    assert verdicts(records(24, {"same_init": -0.4}))[0] == "refuted"


def test_three_runs_are_inconclusive_and_say_how_many_are_needed():
    findings = analyse(STUDY, records(3, {"same_init": 0.1})).findings
    assert {finding.verdict for finding in findings} == {"inconclusive"}
    assert all("no verdict can be reached with fewer than 8" in finding.because for finding in findings)


def test_one_run_has_no_interval_and_no_verdict():
    analysis = analyse(STUDY, records(1, {"same_init": 0.4}))
    assert all(finding.verdict == "inconclusive" and finding.low is None for finding in analysis.findings)
    assert analysis.estimates[0].estimate.method == "interval undefined, 1 run"


def test_a_share_is_said_with_its_test_examples():
    row = analyse(STUDY, records(9, {})).estimates[0]
    assert (row.examples, row.test_error) == (10, pytest.approx(0.26, abs=0.01))
    told = analyse(STUDY, records(9, {})).to_dict()["estimates"][0]
    assert told["examples"] == 10 and {"arm", "trait", "mean", "se", "low", "high", "n", "method"} <= set(told)


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


def test_studies_at_once_give_to_the_last_digit_what_each_gives_alone():
    """Of many numbers of runs, with lost runs, looks before, units of several runs, and deltas that are measured."""
    of_shift = Claim(
        claim="part", trait="rate", treatment=BOTH[0][0], control=BOTH[0][1], delta=0.3, of=difference(*BOTH[0])
    )
    kinds = [
        STUDY,
        STUDY.model_copy(update={"claims": (*STUDY.claims, of_shift)}),
        STUDY.model_copy(update={"seeds_a_unit": 2}),
        STUDY.model_copy(update={"traits": (Trait(name="rate", about="x", unit="logits"),)}),
        STUDY.model_copy(update={"claims": ()}),
    ]
    evidence = []
    for number in range(60):
        rows = records(number // 2, {"same_init": 0.3 * (number % 4)}, 0.02 + 0.1 * (number % 3), f"at-once/{number}")
        gone = {"value": None, "status": "diverged", "reason": "x"}
        rows = [row.model_copy(update=gone) if number % 5 == 0 and row.seed % 19 == 7 else row for row in rows]
        looks = (5, 8)[: number % 3]
        study = kinds[number % len(kinds)]
        evidence.append(Evidence(study, Columns.of(rows), looks, (1, 1_000)[number % 2], 25 * (number % 7 == 0)))
    alone = [analyse(one.study, one.rows, one.earlier, one.cells, one.awaited) for one in evidence]
    together = analyse_all(evidence)
    assert [repr(one) for one in together] == [repr(one) for one in alone]
    assert {finding.verdict for one in alone for finding in one.findings} >= {"supported", "inconclusive"}
    assert [one.to_dict() for one in analyse_all(evidence[::-1])[::-1]] == [one.to_dict() for one in alone]


def test_without_a_trait_claims_are_supported_about_as_often_as_stated():
    supported = [verdicts(records(12, {}, 0.5, f"null/{i}"))[0] == "supported" for i in range(300)]
    assert np.mean(supported) <= 0.05  # one-sided 2.5% at most, and the family makes it less


def test_two_seeds_of_prompts_are_inconclusive():
    """The two seeds that version 0.1.0 called equivalent to zero, for a true effect of .43."""
    study = build("prompts")
    values = {("same_init", "trait_rate"): (0.995, 0.935), ("same_init_control", "trait_rate"): (0.99, 0.935)}
    rows = [
        Record(study=study.id, arm=arm, seed=seed, trait=trait, value=value, n=200)
        for (arm, trait), own in values.items()
        for seed, value in zip((36, 37), own, strict=True)
    ]
    findings = analyse(study, rows).findings
    assert {finding.verdict for finding in findings} == {"inconclusive"}
