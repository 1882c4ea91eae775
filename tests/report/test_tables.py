import pytest

from sublearn.report.describe import study_text
from sublearn.report.tables import arms_table, contrasts_table, estimates_table, verdict_lines
from sublearn.report.wording import called, examples_text, interval_text, mean_text, number, seeds_text, sentence
from sublearn.stats import Contrast, Estimate
from sublearn.study.analysis import analyse
from sublearn.study.table import build


def estimate(mean, half, n=24):
    return Estimate(mean, half / 2, mean - half, mean + half, n, "95% t-interval")


def test_a_number_comes_with_its_n_unit_and_method():
    assert sentence(estimate(0.5, 0.03), "share", 0.5) == "0.50 ± 0.03 (95% CI, 24 runs; chance 0.50)"
    assert sentence(estimate(0.5, 0.03), "logits") == "0.50 ± 0.03 logits (95% CI, 24 runs)"
    paired = Contrast(0.5, 0.01, 0.47, 0.53, 24, 0.0001, 2.0, "95% paired t-interval, 10,000-draw sign-flip p")
    assert sentence(paired) == "+0.50 ± 0.03 (95% CI, 24 runs, paired; p = 0.0001, effect size +2.00)"


def test_one_run_and_no_run():
    one = Estimate(0.965, None, None, None, 1, "interval undefined, 1 run")
    none = Estimate(None, None, None, None, 0, "interval undefined, 0 runs")
    assert sentence(one) == "0.965 (interval undefined, 1 run)"
    assert sentence(none, "share", 0.5) == "unmeasured (0 runs)"
    assert interval_text(none) == "undefined, 0 runs"


@pytest.mark.parametrize(
    ("mean", "half", "shown"),
    [
        (0.731, 0.032, "0.73 ± 0.03"),
        (0.006, 0.003, "0.006 ± 0.003"),
        (0.99904, 0.00088, "0.9990 ± 0.0009"),
        (1.0, 0.0, "1.00 ± 0.00"),
        (0.965, 0.0, "0.965 ± 0.000"),
        (-0.001, 0.2, "0.00 ± 0.20"),
        (123.4, 5.6, "123.40 ± 5.60"),
    ],
)
def test_as_many_decimals_as_the_interval_deserves(mean, half, shown):
    assert mean_text(estimate(mean, half)) == shown


def test_there_is_no_negative_zero():
    assert number(-0.0001) == "0.00" and number(-0.0001, signed=True) == "+0.00" and number(-0.01) == "-0.01"


def test_seeds_are_said_in_ranges():
    assert seeds_text([3, 1, 2, 9, 10, 20]) == "1 to 3, 9, 10, 20"


def test_arms_are_called_by_their_labels_where_those_say_more():
    study = build("prompts")
    shown = arms_table(called(study))
    assert shown.splitlines()[:2] == ["Arms", "  reference           Untrained reference"]
    assert "\n  same_init_control   Student of the same init, placebo teacher\n" in shown
    assert "placebo_teacher" not in shown
    assert arms_table(called(study.model_copy(update={"arms": study.arms[1:3]}))) == ""
    assert "  same_init           Student of the same init. Starts from" in study_text(study)
    assert "  teacher             The reference, trained" in study_text(study)


def test_every_estimate_has_a_line(sample):
    analysis, _ = sample(24)
    text = estimates_table(analysis)
    for row in analysis.estimates:
        trait = next(trait for trait in analysis.study.traits if trait.name == row.trait)
        line = f"  {row.arm:<18}  {sentence(row.estimate, trait.unit, trait.chance, examples_text(row))}"
        assert line in text.splitlines()
    assert "Unmeasured" not in text


def test_unmeasured_runs_are_listed_with_reason_and_not_counted(sample):
    text = estimates_table(sample(10, diverged=(2, 5))[0])
    assert "same_init, trait_rate: diverged, loss was not finite (2 seeds: 2, 5)" in text
    assert text.count("95% CI, 8 runs") == 2


def test_nothing_measured_is_no_zero(sample):
    study = sample(1)[0].study
    analysis = analyse(study, [])
    assert estimates_table(analysis).count("unmeasured (0 runs)") == 10
    assert contrasts_table(analysis).count("unmeasured (0 runs)") == len(analysis.contrasts)
    assert "0.00" not in estimates_table(analysis) + contrasts_table(analysis)


def test_every_contrast_has_a_line(sample):
    analysis, _ = sample(24)
    lines = contrasts_table(analysis).splitlines()
    nested = "(same_init - same_init_control) - (cross_init - cross_init_control)"
    assert sum(line.strip().startswith(nested) for line in lines) == 1
    for row in analysis.contrasts:
        unit = "share" if row.trait == "trait_rate" else "logits"
        assert any(line.endswith(f"  {sentence(row.contrast, unit)}") for line in lines)
    assert len(lines) == 1 + 2 + len(analysis.contrasts)


def test_no_control_no_contrast(sample):
    arm = sample(1)[0].study.arms[2]
    assert "nothing to compare" in contrasts_table(sample(2, arms=(arm,), claims=())[0])


def test_verdicts_come_with_their_reason(sample):
    analysis, _ = sample(24)
    text = " ".join(verdict_lines(analysis).split())
    for finding in analysis.findings:
        assert f"{finding.verdict.upper()} {finding.claim} {finding.because}" in text
    assert max(map(len, verdict_lines(analysis).splitlines())) <= 100
    assert verdict_lines(sample(2, claims=())[0]) == "The study makes no claim."


def test_control_characters_do_not_reach_the_terminal(sample):
    analysis, _ = sample(2, question="q")
    arms = tuple(arm.model_copy(update={"name": f"{arm.name}\x1b[31m", "control": None}) for arm in analysis.study.arms)
    text = estimates_table(sample(2, arms=(arms[2],), claims=())[0])
    assert "\x1b" not in text and "same_init_control [31m" in text
