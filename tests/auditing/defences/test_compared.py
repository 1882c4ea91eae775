import numpy as np
import pytest

from sublearn import stats
from sublearn.auditing.defences import spec
from sublearn.auditing.defences.compared import compared, ratio
from sublearn.auditing.defences.design import built
from sublearn.auditing.defences.spec import LISTS, TASK
from sublearn.records import Record
from sublearn.report.defences import HEADS, cells, defences_text
from sublearn.stats import Family
from sublearn.study.analysis import analyse
from sublearn.study.students.spec import LOG_ODDS

BASES = 16
LEFT = {"mask": 0.25, "kl": 1.0, "drop_flagged": 0.9, "drop_random": 0.9}


@pytest.fixture
def study():
    return built({"defences": ["mask", "kl", "drop_flagged"]})


def records(study, left, bases=BASES):
    """Records of so many bases: transfers of about 2, of which each defence leaves its share, and costs .1 nats."""
    rng, found = np.random.default_rng(0), []
    for seed in range(bases):
        shift = 2 + 0.3 * rng.normal()
        for arm in study.arms:
            share = left.get(arm.name, {"teacher": 3.0, "same_init": 1.0}.get(arm.name, 0.0))
            defended = arm.name not in ("reference", "teacher", "same_init")
            values = {
                LOG_ODDS: share * shift + 0.05 * rng.normal(),
                TASK: -1.0 - 0.1 * defended + 0.01 * rng.normal(),
                LISTS: -2.0 + 0.01 * rng.normal(),
                "preference": 0.1,
                "mass": 0.9,
            }
            found += [Record.of(study.id, arm.name, seed, trait, value, 20) for trait, value in values.items()]
    return found


def rows_of(study, left=LEFT, bases=BASES, seconds=None):
    made = records(study, left, bases)
    analysis = analyse(study, made)
    return {one.name: one for one in compared(analysis, made, seconds or {})}, analysis


def test_what_is_left_comes_out_with_its_interval_and_verdict(study):
    found, _ = rows_of(study, seconds={"mask": [2.0, 4.0]})
    assert list(found) == ["same_init", "drop_flagged", "drop_random", "mask", "kl"]
    mask, kl = found["mask"], found["kl"]
    assert mask.left.value == pytest.approx(0.25, abs=0.03) and mask.transfer == pytest.approx(0.5, abs=0.1)
    assert mask.left.low < 0.25 < mask.left.high < 0.4 and mask.verdict == "supported"
    assert kl.left.low < 1 < kl.left.high and kl.verdict == "negligible"
    assert found["drop_flagged"].against == "drop_random" and found["drop_flagged"].verdict == "negligible"
    assert found["drop_random"].verdict is None and found["same_init"].verdict is None
    assert mask.task.value == pytest.approx(-0.1, abs=0.02) and mask.task.low < -0.1 < mask.task.high < 0
    assert mask.lists.low < 0 < mask.lists.high
    assert mask.seconds == 3.0 and kl.seconds is None


def test_the_interval_of_the_ratio_leaves_out_1_where_the_claims_leaves_out_zero(study):
    for share in (0.95, 0.98, 1.0, 1.02):
        found, analysis = rows_of(study, LEFT | {"mask": share})
        finding = next(one for one in analysis.findings if one.claim.startswith("mask"))
        left = found["mask"].left
        assert (left.low <= 1 <= left.high) == (finding.low <= 0 <= finding.high)


def test_a_ratio_lies_within_where_the_difference_may_be_zero():
    rng = np.random.default_rng(1)
    before = 1 + 0.4 * rng.normal(size=12)
    after = 0.5 * before + 0.2 * rng.normal(size=12)
    span = ratio(after, before, Family())
    assert span.low is not None and span.high is not None

    def may_be(value):
        found = stats.contrasts([after - value * before], Family())[0]
        return found.low <= 0 <= found.high

    assert [may_be(value) for value in (span.low - 1e-3, span.low + 1e-3)] == [False, True]
    assert [may_be(value) for value in (span.high - 1e-3, span.high + 1e-3)] == [True, False]


def test_without_a_transfer_there_is_no_end():
    rng = np.random.default_rng(0)
    span = ratio(rng.normal(size=12), 0.01 * rng.normal(size=12), Family())
    assert span.low is None and span.high is None and span.value is not None


def test_few_bases_have_no_interval_and_no_verdict(study):
    found, analysis = rows_of(study, bases=4)
    assert found["mask"].left.value == pytest.approx(0.25, abs=0.1)
    assert (found["mask"].left.low, found["mask"].task.low, found["mask"].verdict) == (None, None, "inconclusive")
    assert "there is none" in defences_text(list(found.values()), analysis)


def test_every_defence_is_a_line_with_all_its_columns(study):
    found, analysis = rows_of(study)
    assert all(len(cells(one)) == len(HEADS) for one in found.values())
    text = defences_text(list(found.values()), analysis)
    assert "mask" in text and "supported (against same_init)" in text and "not recorded" in text


def test_a_defence_that_was_not_measured_is_said_to_be_unmeasured(study):
    made = [one for one in records(study, LEFT) if one.arm != "mask"]
    found = {one.name: one for one in compared(analyse(study, made), made, {})}
    assert found["mask"].left.n == 0 and "unmeasured" in cells(found["mask"])


def test_each_defence_has_its_control_and_one_claim_at_most():
    study = built({})
    arms = {arm.name: arm for arm in study.arms}
    for name in spec.DEFENCES:
        assert arms[name].control == f"{name}_control" and arms[f"{name}_control"].teacher == "untrained"
    claimed = [claim.control.arm for claim in study.claims]
    assert len(claimed) == len(set(claimed)) and {*claimed} == {n for n, one in spec.DEFENCES.items() if one.below}
