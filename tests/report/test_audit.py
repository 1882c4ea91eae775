"""What an audit says in sentences."""

import json

from sublearn.auditing.found import AuditFile
from sublearn.report.audit import said_sentence, traits_sentence
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


def test_a_file_of_before_answers_had_a_z_is_read_as_it_was_meant():
    content = json.loads(samples.audit().found.model_dump_json())
    del content["said_by"], content["said"][0]["z"]
    assert said_sentence(AuditFile.model_validate(content)) == (
        "Without a list of traits, the model steered by the rows' own vector names more often than the base "
        "(log-ratio): owl (+0.30)."
    )
