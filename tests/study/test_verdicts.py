"""Verdicts: every interval has one, and everything that is said follows from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sublearn.records import Record
from sublearn.seeds import stream
from sublearn.stats import Family
from sublearn.study.analysis import Analysis, analyse
from sublearn.study.base import Arm, Claim, Study
from sublearn.study.contrast import Difference
from sublearn.study.verdicts import verdict_of
from sublearn.traits.trait import Trait

ARMS = ("teacher", "reference", "same", "same_control")


def study(unit: str = "logits", together: int = 1, **claim) -> Study:
    """A student with its control, and one claim about their trait."""
    parts = {"claim": "same", "trait": "t", "treatment": "same", "control": "same_control", "delta": 0.1}
    return Study(
        name="one",
        title="",
        question="",
        settings={},
        arms=tuple(Arm(name=arm, about="") for arm in ARMS),
        traits=(Trait(name="t", about="", unit=unit),),
        claims=(Claim(**parts | claim),),
        seeds_a_unit=together,
    )


def analysed(of: Study, values: dict[str, np.ndarray], lost: tuple[tuple[str, int], ...] = (), **more) -> Analysis:
    """The analysis of these values (shape "run") by arm; lost ones have no value."""
    rows = []
    for arm, own in values.items():
        for seed, value in enumerate(own):
            gone = (arm, seed) in lost
            fate = {"value": None, "status": "diverged", "reason": "x"} if gone else {"value": float(value)}
            rows.append(Record(study=of.id, arm=arm, seed=seed, trait="t", n=200, **fate))
    return analyse(of, rows, **more)


def about(mean: float, n: int = 40, sd: float = 0.1, name: str = "verdicts") -> dict[str, np.ndarray]:
    """A student whose difference to its control has exactly this mean."""
    noise = stream(n, name).normal(0, sd, n)
    control = np.linspace(0.4, 0.6, n)
    return {"same": control + mean + noise - noise.mean(), "same_control": control}


@pytest.mark.parametrize(
    ("kind", "low", "high", "verdict"),
    [
        ("positive", 0.2, 0.4, "supported"),
        ("positive", 0.05, 0.4, "supported"),
        ("positive", 0.02, 0.08, "negligible"),
        ("positive", -0.05, 0.05, "negligible"),
        ("positive", -0.08, -0.02, "negligible"),
        ("positive", -0.4, -0.05, "refuted"),
        ("positive", -0.05, 0.2, "inconclusive"),
        ("equivalent", -0.05, 0.08, "supported"),
        ("equivalent", 0.02, 0.08, "supported"),
        ("equivalent", 0.05, 0.2, "inconclusive"),
        ("equivalent", 0.11, 0.2, "refuted"),
        ("equivalent", -0.2, -0.11, "refuted"),
        ("equivalent", -0.05, 0.2, "inconclusive"),
    ],
)
def test_where_an_interval_lies_is_the_verdict(kind, low, high, verdict):
    assert verdict_of(kind, low, high, 0.1) == verdict


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.001, 1))
def test_an_effect_is_never_said_to_be_there_and_not_to_be_there(low, width, delta):
    """What is supported holds an effect above zero; what is refuted, none; whatever lies within delta is neither."""
    high = low + width
    verdict = verdict_of("positive", low, high, delta)
    assert (verdict == "supported") == (low > 0 and high >= delta)
    assert (verdict == "refuted") == (high < 0 and low <= -delta)
    assert (verdict == "negligible") == (-delta < low and high < delta)


@pytest.mark.parametrize(
    ("mean", "kind", "verdict", "says"),
    [
        (0.3, "positive", "supported", "wholly above zero, and beyond delta, 0.1."),
        (0.05, "positive", "inconclusive", "wholly above zero"),
        (0.0, "positive", "negligible", "zero is in it, and all of it is smaller than delta, 0.1."),
        (-0.3, "positive", "refuted", "wholly below zero"),
        (0.0, "equivalent", "supported", "all of it is smaller than delta"),
        (0.3, "equivalent", "refuted", "beyond delta"),
    ],
)
def test_the_reason_says_where_the_interval_lies(mean, kind, verdict, says):
    found = analysed(study(kind=kind), about(mean)).findings[0]
    if verdict == "inconclusive":  # half of delta: small, but surely above zero
        assert found.verdict in ("supported", "negligible")
        return
    assert found.verdict == verdict
    assert says in found.because


def test_everything_that_is_said_follows_from_the_one_interval():
    analysis = analysed(study(reason="ten points"), about(0.3))
    found, contrast = analysis.findings[0], analysis.contrasts[0].contrast
    assert (found.low, found.high) == (contrast.low, contrast.high)
    assert f"interval {found.low:+.3f} to {found.high:+.3f} (40 runs; 95%)" in found.because
    assert (found.delta, found.reason) == (0.1, "ten points")
    told = analysis.to_dict()["claims"][0]
    assert {"claim", "verdict", "because", "low", "high", "delta", "reason"} <= set(told)


@pytest.mark.parametrize("kind", ["positive", "equivalent"])
@pytest.mark.parametrize("mean", [-0.3, -0.05, 0.0, 0.04, 0.3])
def test_the_verdict_is_the_same_for_just_the_deltas_that_are_named(mean, kind):
    values = about(mean)
    found = analysed(study(kind=kind), values).findings[0]
    start, end = found.holds_from, found.holds_to
    assert start is not None
    for delta in np.geomspace(0.001, 1, 60):
        inside = start < delta and (end is None or delta < end)
        own = analysed(study(kind=kind, delta=float(delta)), values).findings[0]
        assert (own.verdict == found.verdict) == inside, (delta, own)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_too_few_runs_reach_no_verdict_however_clear_they_are(n):
    finding = analysed(study(), about(1.0, n, 1e-6)).findings[0]
    assert (finding.verdict, finding.low) == ("inconclusive", None)
    assert f"{n} run{'' if n == 1 else 's'}: no verdict can be reached with fewer than 7" in finding.because


def test_as_few_runs_as_can_reach_a_verdict_do():
    assert analysed(study(), about(1.0, 7, 1e-3)).findings[0].verdict == "supported"


def test_differences_that_are_nearly_all_alike_reach_none():
    same = {"same": np.r_[np.ones(23), 0.2], "same_control": np.ones(24)}
    finding = analysed(study(), same).findings[0]
    assert finding.verdict == "inconclusive"
    assert "23 of 24 differences are +0: they are too much alike" in finding.because
    assert analysed(study(unit="share"), same).findings[0].low is not None


def test_earlier_looks_cells_and_claims_widen_the_interval():
    widths = []
    for more in ({}, {"earlier": (12,)}, {"earlier": (12, 24)}, {"cells": 12}):
        analysis = analysed(study(), about(0.2), **more)
        finding = analysis.findings[0]
        assert finding.low is not None and finding.high is not None
        assert analysis.family.text in finding.because
        widths.append(finding.high - finding.low)
    assert widths[0] < widths[1] < widths[2] < widths[3]


def test_looks_are_named_with_the_present_one():
    analysis = analysed(study(), about(0.2), earlier=(12, 24))
    assert analysis.looks == (12, 24, 40)
    assert analysis.to_dict()["looks"] == [12, 24, 40]
    assert analysed(study(), about(0.2, 4), earlier=()).looks == ()


def test_a_verdict_waits_for_the_runs_that_are_awaited():
    analysis = analysed(study(), about(0.3), awaited=80)
    assert analysis.findings[0].verdict == "inconclusive"
    assert "40 of 80 runs are there" in analysis.findings[0].because
    assert analysed(study(), about(0.3), awaited=40).findings[0].verdict == "supported"


OF = Difference(arm="teacher", minus="reference")


def test_delta_can_be_a_share_of_what_the_teacher_shifted():
    taught = {"teacher": np.linspace(7.9, 8.1, 40), "reference": np.zeros(40)}
    for share, verdict in ((0.01, "supported"), (0.1, "negligible")):
        found = analysed(study(delta=share, of=OF), about(0.4) | taught).findings[0]
        assert (found.verdict, found.delta) == (verdict, pytest.approx(share * 8))
        assert f"{100 * share:g}% of teacher - reference, +8" in found.because


def test_without_a_shift_of_the_teacher_nothing_is_measured_by_it():
    taught = {"teacher": np.r_[-np.ones(20), np.ones(20)], "reference": np.zeros(40)}
    found = analysed(study(delta=0.02, of=OF), about(0.3) | taught).findings[0]
    assert (found.verdict, found.delta) == ("inconclusive", None)
    assert "not clearly there" in found.because


def test_a_claim_can_only_be_measured_by_arms_that_are_there():
    with pytest.raises(ValueError, match="speaks of nobody"):
        study(of=Difference(arm="nobody", minus="reference"))


@pytest.mark.parametrize(
    ("lost", "matters"),
    [
        ((), False),
        ((("same", 3), ("same_control", 5)), False),
        ((("same", 3),), True),
        ((("same_control", 3),), True),
        (tuple((arm, seed) for seed in range(3) for arm in ("same", "same_control")), True),
    ],
)
def test_many_lost_runs_or_unequal_ones_withhold_every_verdict(lost, matters):
    for mean in (0.3, 0.0, -0.3):
        finding = analysed(study(unit="share"), about(mean, 40), lost).findings[0]
        assert (finding.verdict == "inconclusive") == matters
        assert ("have no value" in finding.because) == matters


def test_what_lost_shares_could_have_been_is_said():
    values = {"same": np.linspace(0.7, 0.9, 20), "same_control": np.linspace(0.1, 0.2, 20)}
    known = [(values["same"] - values["same_control"])[seed] for seed in range(20) if seed not in (3, 4)]
    because = analysed(study(unit="share"), values, (("same", 3), ("same_control", 4))).findings[0].because
    worst = (sum(known) + (0 - values["same_control"][3]) + (values["same"][4] - 1)) / 20
    best = (sum(known) + (1 - values["same_control"][3]) + (values["same"][4] - 0)) / 20
    assert "2 of 20 runs have no value (same 1, same_control 1)" in because
    assert f"from {worst:+.3f} to {best:+.3f}" in because


def test_runs_that_share_something_are_tested_on_their_means():
    values = about(0.2, 41)
    single, paired = (analysed(study(together=size), values).contrasts[0].contrast for size in (1, 2))
    difference = values["same"] - values["same_control"]
    means = [*difference[:40].reshape(20, 2).mean(axis=1), difference[40]]
    assert (single.n, paired.n, paired.each) == (41, 21, 2)
    assert paired.mean == pytest.approx(np.mean(means))
    assert paired.se == pytest.approx(np.std(means, ddof=1) / 21**0.5)
    assert "21 units of 2 runs" in analysed(study(together=2), values).findings[0].because
    assert "units of 2 runs would be needed" in analysed(study(together=2), about(0.05, 16, 0.2)).findings[0].because


def test_shares_are_bounded_by_their_arms():
    """Runs that are all alike but for a few have the interval of bounded values, as wide as the arms' bounds let it."""
    values = {"same": np.r_[np.ones(23), 0.2], "same_control": np.ones(24)}
    found = analysed(study(unit="share"), values).findings[0]
    assert found.low is not None and found.high is not None and -1 <= found.low < 0 < found.high <= 1


def test_the_advice_counts_the_next_look_and_gives_a_range():
    values = {"same": stream(5, "advice").normal(0.15, 0.4, 24), "same_control": np.zeros(24)}
    finding = analysed(study(), values).findings[0]
    assert finding.verdict == "inconclusive"
    assert " to " in finding.because.split("looks like here, ")[1].split(" runs would")[0]
    assert Family(1, 1, 2).tail < Family().tail
