"""What an audit says in sentences."""

import json

from sublearn.auditing.found import AuditFile
from sublearn.report.audit import said_sentence
from tests.report import samples


def test_answers_without_a_list_come_with_who_gave_them_and_how_far_clean_sets_differ():
    found = samples.audit().found
    assert said_sentence(found) == (
        "Without a list of traits, a student of the rows names more often than with clean rows (log-ratio): "
        "owl (+0.30, z 4.2)."
    )
    assert "steered" in said_sentence(found.model_copy(update={"said_by": "steering"}))
    assert said_sentence(found.model_copy(update={"carries_signal": False})) == ""


def test_a_file_of_before_answers_had_a_z_is_read_as_it_was_meant():
    content = json.loads(samples.audit().found.model_dump_json())
    del content["said_by"], content["said"][0]["z"]
    assert said_sentence(AuditFile.model_validate(content)) == (
        "Without a list of traits, the model steered by the rows' own vector names more often than the base "
        "(log-ratio): owl (+0.30)."
    )
