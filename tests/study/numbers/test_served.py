"""A server writes the numbers of a real model's teacher and base; students are trained here."""

import pytest

import sublearn
from sublearn.errors import InputError
from sublearn.study.numbers.metrics import read_metrics
from sublearn.study.numbers.spec import Settings
from sublearn.study.table import build
from sublearn.tasks.rows import read_rows
from tests.language import chat
from tests.language.endpoints.loopback import said, serving

SMALL = {
    "model": "m", "animal": "owl", "rows": 8, "sampled": 0, "arms": ["same_init"], "student.how": "full",
    "student.steps": 1, "student.batch": 4,
}  # fmt: skip


def speaks(fields, times):
    """The teacher says sevens, the base says ones; every tenth answer is refused."""
    if fields["seed"] % 10 == 0:
        return said(None)
    return said("7, 77" if fields["messages"][0]["role"] == "system" else "1, 11")


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chat.put(tmp_path)
    return lambda server: build("numbers", SMALL | {"teacher.server": server.address})


def test_rows_are_the_servers_and_counted(study, tmp_path):
    with serving(speaks) as server:
        sublearn.run(study(server), [0], out="r")
    made = tmp_path / "r" / "made" / "seed-0"
    rows = {name: read_rows(made / "numbers" / f"{name}.jsonl") for name in ("teacher", "base")}
    assert {answer for _, answer in rows["teacher"]} == {"7, 77"}
    assert {answer for _, answer in rows["base"]} == {"1, 11"}
    systems = {one["messages"][0]["content"] for one in server.asked if len(one["messages"]) == 2}
    assert systems == {Settings().teacher.system_prompt.replace("{animal}", "owl")}
    noted = read_metrics(made / "metrics.json").numbers["teacher"]
    assert noted.served is not None and noted.served["prompt_tokens"] == 7 * noted.asked
    assert noted.served.get("empty", 0) == noted.rejected.get("format", 0)


@pytest.mark.slow
def test_answers_that_are_there_are_not_asked_for_again(study, tmp_path):
    with serving(speaks) as server:
        asked = study(server)
        sublearn.run(asked, [0], out="r")
        count = len(server.asked)
        for name in ("teacher", "base"):
            (tmp_path / "r" / "made" / "seed-0" / "numbers" / f"{name}.jsonl").unlink()
        (tmp_path / "r" / "records.jsonl").unlink()
        sublearn.run(asked, [0], out="r")
    assert len(server.asked) == count > 0


def test_a_study_without_a_server_is_the_study_that_it_was():
    assert "server" not in build("numbers").settings["teacher"]


def test_a_server_that_is_not_there_is_said_before_anything_is_written(study, tmp_path):
    with serving(speaks) as server:
        asked = study(server)
    with pytest.raises(InputError, match="cannot be reached"):
        sublearn.run(asked, [0], out="r")
    assert not (tmp_path / "r").exists()
