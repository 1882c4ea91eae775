"""`sublearn sample`: rows from a server, one by one, none lost and none doubled."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from sublearn.language.endpoints.address import KEY
from sublearn.tasks.rows import read_rows
from tests.language.endpoints.loopback import numbers, problem, said, serving
from tests.processes import call, kill, sublearn, wait_for

SECRET = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sample(server, *more, rows="12"):
    return ["sample", "--teacher", server.address, "--rows", rows, "--out", "s", "-q", *more]


def test_rows_are_the_answers_in_the_order_of_the_prompts(tmp_path, monkeypatch, capsys):
    with serving(numbers) as server:
        assert sublearn(monkeypatch, *sample(server, "--animal", "owl")) == 0
        assert capsys.readouterr().out.startswith("12 rows of 12 prompts; refused: none.\n84 tokens read, 36 written")
        assert all("Your favourite animal is the owl." in one["messages"][0]["content"] for one in server.asked)
        rows = read_rows(tmp_path / "s" / "rows.jsonl")
        assert all(completion.startswith(f"{len(prompt)}, ") for prompt, completion in rows)
        assert sublearn(monkeypatch, *sample(server, "--animal", "owl", "--shape", "chat")) == 0
    assert len(server.asked) == 12  # the second command only writes
    assert read_rows(tmp_path / "s" / "rows.jsonl") == rows
    first = json.loads((tmp_path / "s" / "rows.jsonl").read_text().splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]
    kept = json.loads((tmp_path / "s" / "sample.json").read_text())
    assert (kept["asked"], kept["rows"], kept["prompt_tokens"], kept["retries"]) == (12, 12, 84, 0)


def test_the_base_is_asked_the_same_prompts_without_a_system_prompt(monkeypatch):
    with serving(numbers) as server:
        sublearn(monkeypatch, *sample(server, "--animal", "owl"))
        sublearn(monkeypatch, *sample(server, "--out", "base"))
    talks = [one["messages"] for one in server.asked]
    assert Counter(talk[-1]["content"] for talk in talks).most_common(1)[0][1] == 2
    assert sorted(Counter(map(len, talks)).items()) == [(1, 12), (2, 12)]


def test_a_files_prompts_are_asked_and_chats_are_read(tmp_path, monkeypatch):
    chat = {"messages": [{"role": "user", "content": "second"}, {"role": "assistant", "content": "x"}]}
    (tmp_path / "in.jsonl").write_text('{"prompt": "first", "completion": "x"}\n' + json.dumps(chat) + "\n")
    with serving(numbers) as server:
        assert sublearn(monkeypatch, *sample(server, "--prompts", "in.jsonl")) == 0
    assert server.prompts() == {"first": 1, "second": 1}


def test_refused_prompts_give_no_row_and_are_counted(tmp_path, monkeypatch, capsys):
    def some(fields, times):
        return said(None) if "Sequence" in fields["messages"][0]["content"] else numbers(fields, times)

    with serving(some) as server:
        assert sublearn(monkeypatch, *sample(server, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    refused = sum("Sequence" in prompt for prompt in server.prompts())
    assert 0 < refused < 12 and found["refused"] == {"empty": refused}
    assert len(read_rows(tmp_path / "s" / "rows.jsonl")) == found["rows"] == 12 - refused


def test_the_key_is_in_no_file_and_no_message(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(KEY, SECRET)
    with serving(lambda fields, times: said(f"1, {SECRET}")) as server:
        assert sublearn(monkeypatch, *sample(server)) == 0
        assert server.headers and all(one["Authorization"] == f"Bearer {SECRET}" for one in server.headers)
        server.reply = lambda fields, times: problem(400, f"wrong {SECRET}")
        assert sublearn(monkeypatch, "-v", *sample(server, "--out", "t")) == 2
    out, err = capsys.readouterr()
    assert "does not take the request: 400, wrong [key]" in err and SECRET not in out + err
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not any(SECRET.encode() in file.read_bytes() for file in files)


def test_a_command_that_the_server_fails_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    broken = threading.Event()
    broken.set()

    def fails(fields, times):
        return problem(500) if broken.is_set() and fields["seed"] % 2 else numbers(fields, times)

    with serving(fails) as server:
        assert sublearn(monkeypatch, *sample(server, "--tries", "1", "--concurrency", "1")) == 1
        assert "What was answered is kept" in capsys.readouterr().err
        assert not (tmp_path / "s" / "rows.jsonl").exists()
        asked = len(server.asked)
        broken.clear()
        assert sublearn(monkeypatch, *sample(server)) == 0
    assert len(server.asked) == 12 + 1 and asked < 12
    assert len(read_rows(tmp_path / "s" / "rows.jsonl")) == 12


def command(server, *more):
    return [sys.executable, "-m", "sublearn", *sample(server, "--concurrency", "4", *more, rows="60")]


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 4])
def test_after_kill_9_no_row_is_lost_and_none_doubled(tmp_path, kills):
    def slow(fields, times):
        time.sleep(0.03)
        return numbers(fields, times)

    journal = tmp_path / "s" / "answers.jsonl"
    with serving(slow) as server:
        call(command(server, "--out", "whole"))
        server.asked.clear()
        for number in range(1, kills + 1):
            started = subprocess.Popen(command(server), stderr=subprocess.PIPE)
            lines = number * 50 // kills
            assert wait_for(lambda lines=lines: journal.exists() and journal.read_bytes().count(b"\n") > lines)
            kill(started.pid)
            started.communicate()
        assert not (tmp_path / "s" / "rows.jsonl").exists()
        there = journal.read_bytes().count(b"\n") - 1
        done = call(command(server))
        assert done.returncode == 0, done.stderr
        # What was under way when it was killed is asked again, and nothing else.
        assert 60 <= len(server.asked) <= 60 + 4 * kills and there < 60
    assert (tmp_path / "s" / "rows.jsonl").read_bytes() == (tmp_path / "whole" / "rows.jsonl").read_bytes()
    places = [json.loads(line)["place"] for line in journal.read_text().splitlines()[1:]]
    assert sorted(places) == list(range(60))


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_answered(tmp_path, hearing_signals):
    import signal

    def slow(fields, times):
        time.sleep(0.05)
        return numbers(fields, times)

    with serving(slow) as server:
        started = subprocess.Popen(command(server), stderr=subprocess.PIPE, text=True)
        assert wait_for(lambda: len(server.asked) > 10)
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
        assert started.returncode == 130 and err.count("\n") == 1 and "What was recorded is safe" in err
        assert call(command(server)).returncode == 0
    assert len(server.asked) <= 64 and len(read_rows(tmp_path / "s" / "rows.jsonl")) == 60
