import pytest

from sublearn.report import grid as grids
from sublearn.report.grid import UNBOUND, grid

LONG = "a word " * 60


def test_columns_stand_under_their_heads_and_numbers_to_the_right():
    rows = [("same_init", "0.98", "of 24 runs"), ("control", "12.5", "of 8 runs")]
    assert grid(rows, ("arm", "mean", "runs"), numeric=[1], indent=1) == [
        " arm        mean  runs",
        " same_init  0.98  of 24 runs",
        " control    12.5  of 8 runs",
    ]


def test_nothing_is_no_line():
    assert grid([]) == []


@pytest.mark.parametrize("name", ["COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_terminal_changes_nothing(name, monkeypatch):
    before = grid([("a", LONG)], ("head", "text"))
    monkeypatch.setenv(name, "30")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert grid([("a", LONG)], ("head", "text")) == before
    assert before[1] == f"  a     {LONG}".rstrip()


def test_sentences_are_wrapped_in_the_last_column_alone():
    lines = grid([("name", LONG), ("other", "short")], width=50)
    assert max(map(len, lines)) <= 50
    assert lines[0].startswith("  name   a word") and lines[1].startswith("         ")
    assert " ".join(" ".join(lines[:-1]).split()) == f"name {LONG}".strip()
    assert lines[-1] == "  other  short"


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/]", ":smile:", "\\[x]", "http://x.example 'a' 12"])
def test_texts_are_no_markup(text):
    assert grid([(text, "y")]) == [f"  {text}  y"]


@pytest.mark.parametrize("heads", [(), ("head", "heads \u8868", "")])
@pytest.mark.parametrize("numeric", [(), (1,), (0, 2)])
def test_lines_that_are_not_wrapped_are_those_of_rich(heads, numeric):
    cells = ("", "a", " b ", "caf\u00e9", "e\u0301", "\u8868\u8868", "\U0001f600 x", "[b]", "\u00b1 0.12", "-" * 200)
    rows = [[cells[(i + step * place) % len(cells)] for place in range(3)] for i in range(10) for step in (1, 3, 7)]
    assert grid(rows, heads, numeric=numeric) == grids._by_rich(rows, heads, numeric, 2, UNBOUND)


def test_texts_of_several_lines_are_left_to_rich():
    assert grid([("a\nb", "c")]) == ["  a  c", "  b"]
