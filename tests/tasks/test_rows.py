import io
import json
import sys

import pytest

from sublearn.errors import InputError
from sublearn.tasks.number_lists import Rule
from sublearn.tasks.rows import as_text, filtered, read_rows, read_under
from tests.processes import call

GOOD = b'{"prompt": "Go on: 1", "completion": "2, 3"}\n'
BAD = {
    "no JSON": (b"{prompt}", "it is no JSON"),
    "empty line": (b"", "it is empty"),
    "a list": (b"[1, 2]", "it is no JSON object"),
    "a missing key": (b'{"prompt": "Go on"}', "the key 'completion' is missing"),
    "a number": (b'{"prompt": "Go on", "completion": 7}', "must be text"),
    "no UTF-8": (b'{"prompt": "\xff", "completion": "7"}', "it is no JSON"),
}


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = [("Go on: 1; 2", "3; 4"), ("naïve “quotes”\n", "7")]
    (tmp_path / "rows.jsonl").write_text(as_text(rows), encoding="utf-8")
    assert read_rows(tmp_path / "rows.jsonl") == rows


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_row_is_named_by_its_line(case, tmp_path):
    line, message = BAD[case]
    (tmp_path / "rows.jsonl").write_bytes(GOOD + line + b"\n")
    with pytest.raises(InputError, match=r"line 2") as error:
        read_rows(tmp_path / "rows.jsonl")
    assert message in str(error.value)


def chat(*messages: tuple[str, object]) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in messages]}) + "\n"


UNDER = chat(("system", "Be brief."), ("user", "Go on: 1"), ("assistant", "2"))


def test_one_system_prompt_may_stand_before_every_row_where_it_is_asked_for(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(UNDER * 2)
    assert read_under(file) == ([("Go on: 1", "2")] * 2, "Be brief.")
    with pytest.raises(InputError, match=r"line 1: a chat of other messages than one of the user .*audits alone"):
        read_rows(file)
    file.write_text(chat(("user", "Go on: 1"), ("assistant", "2")) + GOOD.decode())
    assert read_under(file) == ([("Go on: 1", "2"), ("Go on: 1", "2, 3")], None)
    file.write_text("")
    assert read_under(file) == ([], None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            UNDER.replace("brief", "long"),
            "prompt goes on with 'long.' from letter 4, and that of the first row with 'b",
        ),
        (UNDER.replace("brief.", "brief.\\n"), r"goes on with '\n' from letter 10, and that of the first row with ''"),
        (GOOD.decode(), "its system prompt is none, and that of the first row 'Be brief.'"),
        (UNDER.replace("Be brief.", " "), "its system prompt is empty"),
        (chat(("system", 7), ("user", "Go on"), ("assistant", "2")), "the content of a message must be text; exp"),
        (chat(("system", None), ("user", "Go on"), ("assistant", "2")), "the content of a message must be text"),
        (UNDER.replace("brief", "\\ud800"), "a text holds half of a surrogate pair; expected"),
        (chat(*[("system", "Be brief.")] * 2, ("user", "1"), ("assistant", "2")), "with or without a system prompt"),
        (chat(("system", "Be brief."), ("assistant", "2")), "a chat of other messages"),
        (chat(("system", "Be brief."), *[("user", "1"), ("assistant", "2")] * 2), "a chat of other messages"),
    ],
)
def test_rows_under_other_system_prompts_are_named_by_their_line(line, said, tmp_path):
    (tmp_path / "rows.jsonl").write_text(UNDER + line)
    with pytest.raises(InputError, match=r"line 2") as error:
        read_under(tmp_path / "rows.jsonl")
    assert said in str(error.value)


def test_a_filter_reads_answers_alone_and_keeps_what_comes_before_them():
    parts = [{"type": "text", "text": "Go on: 1"}]  # as hosted fine-tuning has them too
    lines = [UNDER.encode(), chat(("system", "Be brief."), ("user", parts), ("assistant", "2")).encode()]
    kept = io.BytesIO()
    assert filtered(lines, kept, Rule(), "x") == {"kept": 2}
    assert kept.getvalue() == b"".join(lines)
    with pytest.raises(InputError, match="cannot be written as pairs"):
        filtered([UNDER.encode()], kept, Rule(), "x", "pairs")


def test_an_absent_file_is_said(tmp_path):
    with pytest.raises(InputError, match="Cannot read the rows"):
        read_rows(tmp_path / "absent.jsonl")


def test_kept_rows_pass_as_they_came_and_all_are_counted():
    lines = [GOOD, b'{"prompt": "", "completion": "1, 2; 3", "more": 1}\n', b'{"completion":"1000","prompt":""}']
    kept = io.BytesIO()
    assert filtered(lines, kept, Rule(), "x") == {"kept": 1, "format": 1, "out of range": 1}
    assert kept.getvalue() == GOOD


PEAKS = """
import io, json, tracemalloc
from sublearn.tasks.number_lists import Rule
from sublearn.tasks.rows import filtered

class Nowhere(io.RawIOBase):
    def write(self, data):
        return len(data)

def lines(count):
    return (json.dumps({"prompt": "Go on", "completion": f"{i % 999}, 2"}).encode() for i in range(count))

def peak(count):
    tracemalloc.start()
    assert filtered(lines(count), Nowhere(), Rule(), "x")["kept"] == count
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return memory

peak(10)
print(peak(200), peak(20_000))
"""


def test_memory_does_not_grow_with_the_number_of_rows():
    """In a process of its own: a thread that another test's package left behind would be measured too."""
    done = call([sys.executable, "-c", PEAKS])
    assert done.returncode == 0, done.stderr
    few, many = map(int, done.stdout.split())
    assert many < few + 20_000
