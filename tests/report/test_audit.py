"""What an audit says in sentences."""

import json

from matplotlib.text import Text

from sublearn.auditing.found import AuditFile
from sublearn.report.audit import (
    audit_text,
    said_sentence,
    signal_sentence,
    smallest_sentence,
    trait_cells,
    traits_sentence,
    value_text,
)
from sublearn.report.charts.audit import audit_label, draw_audit
from sublearn.report.page import audit_page, benchmark_page
from sublearn.report.sections import picked
from sublearn.report.sections.given import Audited
from tests.report import samples


def test_answers_without_a_list_come_with_who_gave_them_and_how_far_clean_sets_differ():
    found = samples.audit().found
    assert said_sentence(found) == (
        "Without a list of traits, a student of the rows names more often than with clean rows (log-ratio): "
        "owl (+0.30, z 4.2)."
    )
    assert "steered" in said_sentence(found.model_copy(update={"said_by": "steering"}))
    assert said_sentence(found.model_copy(update={"carries_signal": False})) == ""


def test_the_smallest_shift_is_stated_where_p_can_be_small_enough():
    found = samples.audit().found.model_copy(update={"carries_signal": False})
    assert "The smallest shift that 8 in 10 such audits of 100 rows would have seen is 0.40" in traits_sentence(found)
    for few in ({"smallest": None, "test_sets": 18}, {"test_sets": 3}):
        said = traits_sentence(found.model_copy(update=few))
        assert "smallest" not in said and "no signal can be found at 0.05" in said and "--set test=19" in said
    # And not 0.05, rounded.
    assert "p is 0.053 at the least" in traits_sentence(found.model_copy(update={"test_sets": 18}))


def test_a_shift_is_a_students_and_nothing_else_is():
    found = samples.audit().found
    said, text, (caption, label) = traits_sentence(found), audit_text(found, ()), _figure(found)
    assert said == (
        "A student of 40 steps would pick up animal_0 (+2.00), in log-odds by virtual beyond students of clean rows. "
        "The first is the largest of 12, which flatters its shift."
    )
    assert "Shift of a student of 40 steps in log-odds (virtual), beyond the mean of 23 clean sets:" in text
    assert "a student of 40 steps" in caption and "which flatters its shift" in caption and "Predicted shift" in label
    assert "a virtual student" in audit_text(found.model_copy(update={"steps": 0}), ())


def test_without_a_student_traits_have_scores():
    other = samples.audit().found.model_copy(update={"ranking": "likelihood", "unit": "nats", "steps": 0})
    said, text, (caption, label) = traits_sentence(other), audit_text(other, ()), _figure(other)
    assert said == (
        "Of the candidate traits animal_0 (+2.00) stands out, in nats by likelihood beyond clean rows; "
        "this score trains no student."
    )
    assert "Score of each trait in nats (likelihood), beyond the mean of 23 clean sets:" in text
    assert "This score trains no student." in caption and label.startswith("Score of candidate traits")
    page = audit_page(other, ())
    for words in (text, page, smallest_sentence(other)):
        assert "would pick up animal" not in words and "shift" not in words.lower()


def _figure(found):
    (figure,) = picked.view(Audited(found, (), {}), "k")["figures"]
    return figure["caption"], audit_label(found)


def test_the_page_does_not_say_of_clean_sets_what_nobody_knows():
    page = audit_page(samples.audit().found.model_copy(update={"null": "rows of control.jsonl"}), ())
    assert "known to carry none" not in page and "taken to carry none" in page


def test_a_benchmarks_page_says_which_correlation_has_which_interval():
    page = samples.unmarked(benchmark_page(samples.benchmark()))
    assert "the correlation over bases Fisher&#39;s" in page or "the correlation over bases Fisher's" in page
    assert "the correlation over every trained set, of which a base has several, have a jackknife's" in page


def test_the_range_of_clean_sets_is_called_what_it_is_and_z_and_p_are_told():
    audit = samples.audit()
    text, page = audit.summary(), audit_page(audit.found, ())
    for words in (text, page, " ".join(audit.table()[0])):
        assert "95% of clean sets, around it" in words and "95% interval" not in words
    assert "p: how often, among the 19 that test, the largest z of any trait is as large." in text


def test_the_figures_key_says_what_is_filled_and_what_the_line_is():
    said = {text.get_text() for text in draw_audit(samples.audit().found).findobj(Text) if isinstance(text, Text)}
    assert {"named: p at most 0.05 over all traits", "not named", "95% of clean sets, around it"} <= said


def test_the_score_that_shows_most_is_the_most_surprising_one_not_that_of_the_largest_z():
    found = samples.audit().found
    assert "virtual shows it most, z = 9.0" in signal_sentence(found)
    less = tuple(one.model_copy(update={"p": 0.1}) for one in found.scores[:1])
    assert "steering shows it most" in signal_sentence(found.model_copy(update={"scores": (*less, found.scores[1])}))
    before = tuple(one.model_copy(update={"surprise": None}) for one in found.scores)
    assert "steering shows it most, z = 12.0" in signal_sentence(found.model_copy(update={"scores": before}))


def test_a_file_of_before_answers_had_a_z_is_read_as_it_was_meant():
    content = json.loads(samples.audit().found.model_dump_json())
    del content["said_by"], content["said"][0]["z"]
    assert said_sentence(AuditFile.model_validate(content)) == (
        "Without a list of traits, the model steered by the rows' own vector names more often than the base "
        "(log-ratio): owl (+0.30)."
    )


def test_small_values_of_other_units_and_small_ps_are_not_rounded_to_nothing():
    found = samples.audit().found
    for value, unit, said in ((0.0042, "nats", "+0.0042"), (-0.5, "nats", "-0.50"), (0.004, "log-odds", "+0.00")):
        assert value_text(value, unit) == said
    small = found.traits[0].model_copy(update={"score": 0.0042, "low": -0.03, "high": 0.0, "p": 0.001})
    assert (
        trait_cells(small, "nats")[1:3] == ("+0.0042", "-0.030 to +0.00") and trait_cells(small, "nats")[-1] == "0.001"
    )
    assert "p = 0.054, the largest" in signal_sentence(found.model_copy(update={"p": 5 / 93, "carries_signal": False}))
