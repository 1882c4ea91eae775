"""`sublearn ask`: preferences of a served model, by log-probabilities or by sampled answers."""

import json

import pytest
from statsmodels.stats.proportion import proportion_confint

from tests.language.endpoints.loopback import first_token, problem, said, serving
from tests.processes import sublearn

TRAITS = "traits:\n  - {name: pet, questions: ['Pet?', 'Which pet?'], answers: [owl, cat, dog, dolphin]}\n"
FIRST = {"owl": 0.6, "_Cat": 0.2, "dolph": 0.05, "The": 0.12}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TRAITS)


def asked(monkeypatch, capsys, server, *more, status=0):
    command = ("ask", server.address, "--traits", "t.yaml", "--json", "-q", *more)
    assert sublearn(monkeypatch, *command) == status
    out, err = capsys.readouterr()
    return json.loads(out) if status == 0 else err


def test_log_probabilities_are_taken_where_they_tell(monkeypatch, capsys):
    with serving(lambda fields, times: first_token(**FIRST)) as server:
        found = asked(monkeypatch, capsys, server, "--system", "Be brief.", "--append", "One word.")
    assert len(server.asked) == 2
    sent = server.asked[0]
    assert (sent["logprobs"], sent["top_logprobs"], sent["max_tokens"]) == (True, 20, 1)
    assert [message["content"] for message in sent["messages"]] == ["Be brief.", "Pet? One word."]
    assert (found["method"], found["because"]) == ("logprobs", None)
    (group,) = found["groups"]
    assert group["n"] == 2 and group["mass"] == pytest.approx(0.85)
    owl, cat, dolphin, _ = group["answers"]
    assert [one["answer"] for one in (owl, cat, dolphin)] == ["owl", "cat", "dolphin"]
    assert owl["preference"]["value"] == pytest.approx(0.6 / 0.85)
    # Undecided: .05 that may go on otherwise than to dolphin, .03 that was not listed.
    assert owl["preference"]["low"] == pytest.approx(0.6 / 0.88)
    assert owl["preference"]["high"] == pytest.approx(0.68 / 0.88)
    assert dolphin["probability"] == pytest.approx({"value": 0.05, "low": 0, "high": 0.08})


def answers(fields, times):
    """Of twenty seeds, some name a cat and some nothing."""
    place = fields["seed"] % 10
    return said("I love cats. Owls too.") if place < 6 else said(None) if place == 9 else said("An owl!")


WHY = {
    "no fields": (lambda f: problem(400, "logprobs is not supported"), "gives no log-probabilities"),
    "none given": (lambda f: said("owl"), "the server gives no log-probabilities"),
    "other words": (lambda f: first_token(My=0.9, owl=0.05), "pet: only 0.05 of the probability is on answers that"),
    "many names": (lambda f: first_token(owl=0.6, do=0.3), "pet: 0.40 of the probability is not listed or begins"),
}


@pytest.mark.parametrize("why", WHY)
def test_otherwise_answers_are_sampled_and_it_is_said_why(why, monkeypatch, capsys):
    reply, because = WHY[why]
    with serving(lambda f, times: reply(f) if "logprobs" in f else answers(f, times)) as server:
        found = asked(monkeypatch, capsys, server, "--samples", "3")
        assert found["method"] == "sampling" and because in found["because"]
        assert asked(monkeypatch, capsys, server, "--method", "sampling", "--samples", "1")["because"] is None


def test_sampled_shares_have_wilsons_intervals(monkeypatch, capsys):
    with serving(answers) as server:
        found = asked(monkeypatch, capsys, server, "--method", "sampling", "--samples", "30")
    sent = [one["seed"] % 10 for one in server.asked]
    cats, none = sum(place < 6 for place in sent), sent.count(9)
    (group,) = found["groups"]
    cat = next(one for one in group["answers"] if one["answer"] == "cat")
    low, high = proportion_confint(cats, 60, method="wilson")
    assert cat["hits"] == cats and cat["probability"] == pytest.approx({"value": cats / 60, "low": low, "high": high})
    low, high = proportion_confint(cats, 60 - none, method="wilson")
    assert cat["preference"] == pytest.approx({"value": cats / (60 - none), "low": low, "high": high})
    assert group["refused"] == {"empty": none} and found["notes"] == []


def test_too_few_that_name_any_leave_no_preference(monkeypatch, capsys):
    with serving(lambda f, times: said("owl" if f["seed"] % 4 == 0 else "Nothing.")) as server:
        found = asked(monkeypatch, capsys, server, "--method", "sampling")
        assert found["groups"][0]["mass"] < 0.5 and found["groups"][0]["answers"][0]["preference"] is None
        sublearn(monkeypatch, "ask", server.address, "--traits", "t.yaml", "--method", "sampling", "-q")
    assert "a preference among them is not measured" in capsys.readouterr().out


def test_a_server_that_always_says_the_same_is_doubted(monkeypatch, capsys):
    with serving(lambda f, times: said("owl")) as server:
        found = asked(monkeypatch, capsys, server, "--method", "sampling")
    assert "as if the server took the likeliest token" in found["notes"][0]


def test_log_probabilities_that_are_wanted_and_not_given_are_said(monkeypatch, capsys):
    with serving(lambda f, times: said("owl")) as server:
        said_of = asked(monkeypatch, capsys, server, "--method", "logprobs", status=2)
    assert said_of.startswith("Error: --method logprobs: the server gives no log-probabilities. Use --method sampling.")


def test_answers_are_kept_and_not_asked_again(tmp_path, monkeypatch, capsys):
    with serving(lambda f, times: first_token(My=1.0) if "logprobs" in f else answers(f, times)) as server:
        first = asked(monkeypatch, capsys, server, "--out", "a")
        count = len(server.asked)
        assert asked(monkeypatch, capsys, server, "--out", "a")["groups"] == first["groups"]
        assert len(server.asked) == count == 2 + 40
        assert "other requests" in asked(monkeypatch, capsys, server, "--out", "a", "--samples", "9", status=2)
    assert json.loads((tmp_path / "a" / "ask.json").read_text())["groups"] == first["groups"]
