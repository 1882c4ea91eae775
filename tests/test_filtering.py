import json
import subprocess
import sys

import pytest

from sublearn.tasks.rows import as_text, read_rows
from tests.processes import sublearn

ROWS = [("a", "1, 2"), ("b", "1, 2; 3"), ("c", "1, 2000"), ("d", "[7; 666]."), ("e", ", ".join("12345678901"))]


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(as_text(ROWS))
    return tmp_path / "rows.jsonl"


def test_kept_rows_go_to_standard_output_and_the_counts_elsewhere(rows, monkeypatch, capfdbinary):
    assert sublearn(monkeypatch, "filter", "rows.jsonl") == 0
    out, err = capfdbinary.readouterr()
    assert out.decode() == as_text([ROWS[0], ROWS[3]])
    assert err.decode().startswith("2 of 5 rows kept (40.0%); rejected: 1 format, 1 too many numbers, 1 out of range.")


def test_limits_and_a_file_for_the_kept_rows(rows, monkeypatch, capsys):
    limits = ["--high", "2000", "--most", "11", "--banned", "666, 1"]
    assert sublearn(monkeypatch, "filter", "rows.jsonl", "--out", "kept.jsonl", "--json", *limits) == 0
    counts = json.loads(capsys.readouterr().err)
    assert counts == {
        "rows": 5, "kept": 0, "format": 1, "too many numbers": 0, "out of range": 0, "banned number": 4,
    }  # fmt: skip
    assert read_rows(rows.with_name("kept.jsonl")) == []


def test_standard_input_is_read_too(rows):
    command = [sys.executable, "-m", "sublearn", "filter", "-"]
    done = subprocess.run(command, input=rows.read_bytes(), capture_output=True, check=True)
    assert done.stdout.decode() == as_text([ROWS[0], ROWS[3]])


BAD = {
    "no JSON": (b"{oops}\n", [], "line 6: it is no JSON"),
    "a missing key": (b'{"prompt": "x"}\n', [], "line 6: the key 'completion' is missing"),
    "no text": (b'{"prompt": "x", "completion": [1, 2]}\n', [], "line 6: prompt and completion must be text"),
    "crossed limits": (b"", ["--low", "9", "--high", "3"], "--low 9 lies above --high 3"),
    "banned words": (b"", ["--banned", "owl"], "--banned got 'owl'"),
    "an impossible place": (b"", ["--out", "absent/kept.jsonl"], "Cannot filter"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("to_file", [True, False])
def test_bad_input_is_one_message_and_leaves_nothing(case, to_file, rows, monkeypatch, capsys):
    more, arguments, message = BAD[case]
    with rows.open("ab") as file:
        file.write(more)
    place = ["--out", "kept.jsonl"] if to_file and "--out" not in arguments else []
    before = set(rows.parent.iterdir())
    assert sublearn(monkeypatch, "filter", "rows.jsonl", *place, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert set(rows.parent.iterdir()) == before


def test_an_absent_file_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sublearn(monkeypatch, "filter", "absent.jsonl") == 2
    assert "absent.jsonl" in capsys.readouterr().err


def test_an_empty_file_keeps_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "none.jsonl").write_bytes(b"")
    assert sublearn(monkeypatch, "filter", str(tmp_path / "none.jsonl")) == 0
    assert capsys.readouterr().err == "0 of 0 rows kept; rejected: none.\n"


def test_kept_rows_are_written_as_chats_or_as_pairs(rows, monkeypatch, capsys):
    assert sublearn(monkeypatch, "filter", "rows.jsonl", "--out", "chats.jsonl", "--shape", "chat") == 0
    first = json.loads(rows.with_name("chats.jsonl").read_text().splitlines()[0])
    assert first == {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "1, 2"}]}
    assert sublearn(monkeypatch, "filter", "chats.jsonl", "--out", "pairs.jsonl", "--shape", "pairs") == 0
    assert rows.with_name("pairs.jsonl").read_text() == as_text([ROWS[0], ROWS[3]])
    assert sublearn(monkeypatch, "filter", "chats.jsonl") == 0
    assert capsys.readouterr().out == rows.with_name("chats.jsonl").read_text()
