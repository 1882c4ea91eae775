"""A server that answers, fails, stalls, is busy and lies; what was answered is kept, once."""

import asyncio
import json
import time
import warnings

import pytest

from sublearn.errors import InputError, SublearnError
from sublearn.language.endpoints import many
from sublearn.language.endpoints.address import KEY, Address
from sublearn.language.endpoints.plan import Patience, Request
from tests.language.endpoints.loopback import MODEL, first_token, numbers, problem, said, serving

QUICK = Patience(concurrency=4, timeout=20, tries=4, backoff=0.005)
SECRET = "sk-secret-" + "0123456789" * 10


def asked(server, count=6, **fields):
    talks = [many.conversation(f"question {place}") for place in range(count)]
    return many.Asked(Address.parse(server.address), talks, Request(), fields=tuple(fields.items()))


def test_answers_come_in_the_order_of_the_questions_and_are_asked_at_once():
    def late(fields, times):
        time.sleep(0.05)
        return said(fields["messages"][-1]["content"].upper())

    with serving(late) as server:
        found = many.answers(asked(server, 12), QUICK)
    assert [one.text for one in found] == [f"QUESTION {place}" for place in range(12)]
    assert server.most_at_once == 4
    assert many.costs(found) == {"prompt_tokens": 84, "completion_tokens": 36, "retries": 0}


def test_what_is_sent_is_the_model_the_settings_and_a_seed_of_each_answers_own():
    with serving(numbers) as server:
        many.answers(asked(server, 5), QUICK)
    sent = server.asked[0]
    assert {key: sent[key] for key in ("model", "max_tokens", "temperature", "top_p")} == {
        "model": MODEL, "max_tokens": 80, "temperature": 1.0, "top_p": 1.0,
    }  # fmt: skip
    assert len({one["seed"] for one in server.asked}) == 5
    assert not any("authorization" in {name.lower() for name in headers} for headers in server.headers)


def test_in_a_notebook_where_a_loop_is_at_work_already_answers_come_too():
    async def cell(server):
        many.check(Address.parse(server.address), QUICK)
        return many.answers(asked(server, 5), QUICK)

    with serving(numbers) as server:
        assert len(asyncio.run(cell(server))) == 5
    with serving(lambda fields, times: problem(401, "no key")) as server, pytest.raises(InputError, match="key"):
        asyncio.run(cell(server))


def lie(**choice):
    return said("7", **choice)


LIES = {
    "500": problem(500, "inner error"),
    "503": problem(503, "loading"),
    "408": problem(408),
    "a broken connection": (0, {}, b""),
    "half a body": (200, {"Content-Length": "5000"}, b'{"choices": ['),
    "no JSON": (200, {}, b"<html>busy</html>"),
    "nothing": (200, {}, b""),
    "bad UTF-8": (200, {}, b'{"choices": "\xff"}'),
    "deep JSON": (200, {}, b"[" * 100_000),
    "NaN": (200, {}, said("7")[2].replace(b'"index": 0', b'"index": NaN')),
    "a list": (200, {}, b"[]"),
    "no choices": (200, {}, b"{}"),
    "none of them": said("7") and (200, {}, b'{"choices": []}'),
    "two of them": (200, {}, json.dumps({"choices": [{"message": {"content": "7"}}] * 2}).encode()),
    "a number for an answer": said("7", message={"content": 7}),
    "no message": said("7", message=None),
    "half of a surrogate pair": said("\ud800"),
    "a huge answer": said("7, " * 400_000),
    "costs below nothing": said("7", usage={"prompt_tokens": -1, "completion_tokens": 0}),
    "costs in words": said("7", usage={"prompt_tokens": "many"}),
    "log-probabilities that are NaN": (
        200, {}, first_token(owl=0.5)[2].replace(b"-0.6931471805599453", b"NaN"),
    ),
    "log-probabilities in words": lie(logprobs={"content": [{"token": "a", "logprob": "nan", "top_logprobs": []}]}),
    "log-probabilities above nought": lie(logprobs={"content": [{"token": "a", "logprob": 3.5, "top_logprobs": []}]}),
    "probabilities that sum to two": lie(
        logprobs={"content": [{"token": "a", "logprob": 0, "top_logprobs": [{"token": "a", "logprob": 0.0}] * 2}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_fault_is_borne_with_and_the_answer_comes_on_the_next_try(lie):
    with serving(lambda fields, times: LIES[lie] if times == 1 else numbers(fields, times)) as server:
        found = many.answers(asked(server, 2), QUICK)
    assert all(one.text and one.tries == 2 for one in found)
    assert set(server.prompts().values()) == {2}


def test_a_body_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("sublearn.language.endpoints.client.LARGEST_BODY", 10_000)
    with serving(lambda fields, times: said("7" * 20_000)) as server, pytest.raises(SublearnError, match="more than"):
        many.answers(asked(server, 1), QUICK)


def test_a_server_that_stalls_is_not_waited_for():
    def stalls(fields, times):
        time.sleep(1.0 if times == 1 else 0)
        return numbers(fields, times)

    with serving(stalls) as server:
        found = many.answers(asked(server, 1), QUICK.model_copy(update={"timeout": 0.3}))
    assert found[0].text and found[0].tries >= 2


def test_a_server_that_only_fails_is_given_up_and_what_it_answered_is_kept(tmp_path):
    def fails(fields, times):
        return problem(500, "inner error") if "question 3" in str(fields) else numbers(fields, times)

    with serving(fails) as server:
        with pytest.raises(SublearnError, match=r"failed 4 times for one request: it answered 500, inner error.*again"):
            many.answers(asked(server), QUICK, tmp_path / "a.jsonl")
        server.reply = numbers
        many.answers(asked(server), QUICK, tmp_path / "a.jsonl")
        again = many.answers(asked(server), QUICK, tmp_path / "a.jsonl")
    assert server.prompts()["question 0"] == server.prompts()["question 1"] == 1
    assert len(again) == 6


@pytest.mark.parametrize("asks", ["0.3", "date"])
def test_retry_after_is_waited_for_by_all(asks):
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    begun, came = time.monotonic(), []

    def busy(fields, times):
        came.append(time.monotonic() - begun)
        if len(came) <= 4:
            later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return problem(429, "slow down", **{"Retry-After": later if asks == "date" else asks})
        return numbers(fields, times)

    with serving(busy) as server:
        found = many.answers(asked(server, 4), QUICK)
    assert sum(one.tries for one in found) == 8
    assert came[4] - came[0] >= (0.9 if asks == "date" else 0.29)


def test_being_busy_does_not_count_while_others_are_answered():
    left = [20]

    def one_at_a_time(fields, times):
        left[0] -= 1
        return numbers(fields, times) if left[0] % 4 == 0 else problem(429, **{"Retry-After": "0.001"})

    patience = QUICK.model_copy(update={"tries": 8})
    with serving(one_at_a_time) as server:
        assert len(many.answers(asked(server, 16), patience)) == 16


def test_a_server_that_asks_for_hours_is_not_waited_for():
    hours = problem(429, **{"Retry-After": "7200"})
    with serving(lambda fields, times: hours) as server, pytest.raises(SublearnError, match="asks to wait 7,200 s"):
        many.answers(asked(server, 1), QUICK)


REFUSALS = {
    "refusal": said(None, message={"content": None, "refusal": "I cannot."}),
    "content_filter": said("some", finish_reason="content_filter"),
    "empty": said(" "),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_refusals_are_counted_by_reason(why):
    with serving(lambda fields, times: REFUSALS[why] if "0" in str(fields["messages"]) else said("7")) as server:
        found = many.answers(asked(server, 3), QUICK)
    assert many.refusals(found) == {why: 1}


def test_a_filter_that_refuses_by_a_status_is_a_refusal_too():
    filtered = (400, {}, json.dumps({"error": {"message": "no", "code": "content_filter"}}).encode())
    with serving(lambda fields, times: filtered) as server:
        assert many.refusals(many.answers(asked(server, 2), QUICK)) == {"content_filter": 2}


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (problem(400, "context too long"), "does not take the request: 400, context too long"),
        (problem(404, "no such model"), "is not there, or there is no model 'tiny' .*Most addresses end in /v1"),
        (problem(401, "who are you"), "wants a key .*Set SUBLEARN_API_KEY"),
        (problem(302, Location="http://127.0.0.1:1/"), "redirects to another address"),
    ],
    ids=str,
)
def test_what_no_further_try_can_change_is_said_at_once(reply, says):
    with serving(lambda fields, times: reply) as server, pytest.raises(InputError, match=says):
        many.answers(asked(server, 1), QUICK)
    assert len(server.asked) == 1


@pytest.mark.parametrize("tries", [1, 4])
def test_fields_that_a_server_does_not_take_are_left_out_or_renamed_and_said(tries):
    """And are no failures: with a single try there is an answer."""

    def strict(fields, times):
        for name in ("seed", "max_tokens"):
            if name in fields:
                return problem(400, f"Unsupported parameter: {name}")
        return said("7") if fields["max_completion_tokens"] == 80 else problem(500)

    with serving(strict) as server, warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        patience = QUICK.model_copy(update={"tries": tries})
        assert [one.text for one in many.answers(asked(server, 8), patience)] == ["7"] * 8
    assert [str(one.message) for one in noted] == ["The server does not take max_tokens, seed; left out or renamed."]


def test_the_key_is_sent_and_never_comes_back(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY, SECRET)

    def echoes(fields, times):
        if "max_tokens" in fields:
            return problem(400, f"Incorrect key {SECRET}, no max_tokens")
        return said(f"you are {SECRET}", logprobs={
            "content": [{"token": SECRET, "logprob": -1.0, "top_logprobs": [{"token": SECRET, "logprob": -1.0}]}]
        })  # fmt: skip

    with serving(echoes) as server:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = many.answers(asked(server), QUICK, tmp_path / "a.jsonl")
        assert all(headers["Authorization"] == f"Bearer {SECRET}" for headers in server.headers)
        for reply in (problem(400, f"bad {SECRET}"), problem(401, f"bad {SECRET}"), problem(500, SECRET),
                      (200, {}, SECRET.encode()), said("7", usage={"prompt_tokens": SECRET})):  # fmt: skip
            server.reply = lambda fields, times, reply=reply: reply
            with pytest.raises(SublearnError) as error:
                many.answers(asked(server, 1), QUICK)
            assert SECRET[:15] not in repr(error.value) and error.value.__suppress_context__
    assert found[0].text == "you are [key]" and SECRET not in (tmp_path / "a.jsonl").read_text()


def test_a_key_that_is_a_word_changes_no_answer(monkeypatch):
    monkeypatch.setenv(KEY, "7")
    with serving(lambda fields, times: said("7, 77")) as server:
        assert many.answers(asked(server, 1), QUICK)[0].text == "7, 77"


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ((200, {}, json.dumps({"data": [{"id": "b"}, {"id": "a"}]}).encode()), "serves no model 'tiny'. It has: a, b"),
        (problem(401, "no"), "wants a key"),
        (problem(404), None),
        ((200, {}, b"<html>"), None),
        ((200, {}, b'{"data": []}'), None),
    ],
    ids=str,
)
def test_a_server_is_looked_at_before_it_is_asked(models, says):
    with serving(numbers, models=models) as server:
        if says is None:
            many.check(Address.parse(server.address), QUICK)
            return
        with pytest.raises(InputError, match=says):
            many.check(Address.parse(server.address), QUICK)


def test_no_server_is_said():
    with serving(numbers) as server:
        pass
    with pytest.raises(InputError, match=r"cannot be reached.*Is the server started"):
        many.check(Address.parse(server.address), QUICK)


class TestJournal:
    def journal(self, tmp_path, count=6):
        with serving(numbers) as server:
            many.answers(asked(server, count), QUICK, tmp_path / "a.jsonl")
            return server

    def test_another_address_of_the_same_model_goes_on(self, tmp_path):
        self.journal(tmp_path)
        with serving(numbers) as server:
            assert len(many.answers(asked(server), QUICK, tmp_path / "a.jsonl")) == 6
        assert server.asked == []

    @pytest.mark.parametrize("cut", [1, 30, 100])
    def test_a_torn_end_is_asked_again_and_nothing_else(self, tmp_path, cut):
        file = tmp_path / "a.jsonl"
        self.journal(tmp_path)
        whole = file.read_bytes()
        file.write_bytes(whole[:-cut])
        with serving(numbers) as server, pytest.warns(UserWarning, match="was torn"):
            many.answers(asked(server), QUICK, file)
        assert len(server.asked) == 1
        assert sorted(file.read_bytes().splitlines()) == sorted(whole.splitlines())

    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda lines: [*lines[:2], b"garbage", *lines[2:]], "line 3"),
            (lambda lines: [*lines, lines[1]], "line 8.*second one"),
            (lambda lines: [*lines, lines[1].replace(b'"place":', b'"place":9')], "line 8.*no request"),
            (lambda lines: lines[1:], "other requests"),
            (lambda lines: [lines[0].replace(b"tiny", b"other"), *lines[1:]], "other requests .other model"),
        ],
    )
    def test_damage_is_said_and_stays(self, tmp_path, spoil, says):
        file = tmp_path / "a.jsonl"
        self.journal(tmp_path)
        content = b"".join(line + b"\n" for line in spoil(file.read_bytes().splitlines()))
        file.write_bytes(content)
        with serving(numbers) as server, pytest.raises(InputError, match=says):
            many.answers(asked(server), QUICK, file)
        assert file.read_bytes() == content
