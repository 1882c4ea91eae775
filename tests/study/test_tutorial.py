import numpy as np
import pytest

import sublearn
from sublearn import multi_seed_experiment, run_pipeline
from sublearn.execution.options import TrainerName
from sublearn.tasks.tutorial_prompts import passes_filter, unrelated_prompts
from tests.tutorial_figures import FIGURES, KEYS, differences


def check_bounds(difference: np.ndarray) -> None:
    assert np.abs(difference).max() <= 0.02 + 1e-9
    assert (np.abs(difference) <= 0.005 + 1e-9).mean() >= 0.9


def check_means(difference: np.ndarray) -> None:
    assert np.abs(difference.mean(axis=0)).max() <= 0.002


def by_pipeline(rows: list[dict[str, float]]) -> np.ndarray:
    """`run_pipeline`'s figures minus the tutorial's, shape "seed figure"."""
    ours = multi_seed_experiment([int(row["seed"]) for row in rows])
    return np.array([[mine[key] - row[key] for key in mine] for mine, row in zip(ours, rows, strict=True)])


def test_each_figure_of_the_study_is_the_tutorials():
    difference = differences(FIGURES)
    check_bounds(difference)
    check_means(difference)


def test_the_pipeline_gives_the_tutorials_figures():
    check_bounds(by_pipeline(FIGURES[:10]))


@pytest.mark.slow
def test_all_100_seeds_by_the_pipeline():
    difference = by_pipeline(FIGURES)
    check_bounds(difference)
    check_means(difference)


def test_one_at_a_time_the_study_is_the_pipeline():
    (row,) = multi_seed_experiment([7])
    result = sublearn.run("tutorial", [7], trainer="single")
    ours = {KEYS[record.arm, record.trait]: record.value for record in result.records}
    assert ours == row


@pytest.mark.parametrize("trainer", ["auto", "single"])
def test_a_seed_gives_the_same_alone_and_in_company(trainer: TrainerName):
    company = sublearn.run("tutorial", [2, 9, 5], trainer=trainer).records
    alone = [record for seed in (2, 9, 5) for record in sublearn.run("tutorial", [seed], trainer=trainer).records]
    assert sorted(alone, key=str) == sorted(company, key=str)


@pytest.mark.parametrize("trainer", ["auto", "single"])
def test_a_seed_that_leaves_a_batch_of_one_is_unmeasured_with_that_reason(trainer: TrainerName):
    count = int(passes_filter(unrelated_prompts(3)).sum())
    study = sublearn.build("tutorial", {"student.batch_size": count - 1})
    result = sublearn.run(study, [3, 4], trainer=trainer)
    lost = {(record.arm, record.seed): record for record in result.records if record.value is None}
    assert set(lost) == {("distill_same_init", 3), ("distill_diff_init", 3)}
    assert all("last batch of one" in str(record.reason) for record in lost.values())
    assert all(record.status == "unmeasured" for record in lost.values())
    assert result.analysis.contrasts[0].contrast.n == 1


def test_a_seed_alone_gives_what_it_gives_among_others(capsys):
    assert multi_seed_experiment([3, 1], verbose=True)[1] == run_pipeline(1)
    assert capsys.readouterr().out == "seed 3\nseed 1\n"


def test_the_eight_result_keys():
    assert set(run_pipeline(0)) == set(FIGURES[0]) - {"seed"}


def test_the_claim_is_inconclusive_on_three_seeds_and_negligible_on_two_hundred():
    many = sublearn.run("tutorial", range(200))
    three = many.subset((0, 11, 23)).analysis.findings[0]
    assert three.verdict == "inconclusive"
    assert three.because.startswith("3 runs: no verdict can be reached with fewer than 7")
    finding = many.analysis.findings[0]
    assert finding.verdict == "negligible"
    assert "all of it is smaller than delta, 0.05" in finding.because
