import io
import re
import sys

import pytest

from sublearn.cli import progress
from sublearn.cli.progress import following
from sublearn.execution import replication
from sublearn.execution.options import Options
from sublearn.execution.pace import Stage
from sublearn.results.replication import replicate
from sublearn.results.single import run
from sublearn.study.published import FigureSource, Published
from tests.processes import SET as SMALL_SET
from tests.processes import SMALL, sublearn, wait_for

RUN = ["run", "tutorial", *SMALL_SET]
CODE = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """What is to be seen on it at last, line by line; knows the few codes that a bar needs."""
        lines, row, column, text, place = [""], 0, 0, self.getvalue(), 0
        while place < len(text):
            code = CODE.match(text, place)
            if code:
                number, kind = code[1], code[2]
                row -= int(number or 1) if kind == "A" else 0
                if kind == "K":
                    lines[row] = ""
                place = code.end()
                continue
            if text[place] == "\n":
                row, column = row + 1, 0
                lines += [""] * (row - len(lines) + 1)
            elif text[place] == "\r":
                column = 0
            else:
                lines[row] = f"{lines[row]:<{column}}"[:column] + text[place] + lines[row][column + 1 :]
                column += 1
            place += 1
        return [line.rstrip() for line in lines]


SOURCE = FigureSource(who="somebody", read="text")


def on_a_terminal(monkeypatch) -> Terminal:
    """A terminal that both streams lead to, until the test ends."""
    found = Terminal()
    monkeypatch.setattr(sys, "stdout", found)
    monkeypatch.setattr(sys, "stderr", found)
    for name, value in {"TERM": "xterm", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_lines_that_are_said_meanwhile_stand_on_lines_of_their_own(monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    with following("prompts") as shown:
        shown.update(0, 4, ())
        for done in (1, 2):
            shown.say(f"AGREES {done}\n[not] :markup:")
            shown.update(done, 4, ["a cohort was halved"])
        assert any("prompts" in line and "2 of 4 runs, 0:00, about" in line for line in terminal.screen())
    assert [line for line in terminal.screen() if line] == [
        text
        for done in (1, 2)
        for text in (f"AGREES {done}", "[not] :markup:", "Warning: a cohort was halved")
    ]  # fmt: skip


def test_verdicts_of_a_replication_are_not_glued_to_the_bar(monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    small = {**SMALL, "teacher.epochs": 1}
    rows = [
        Published(
            name=f"T/{arm}",
            what=arm,
            source=SOURCE,
            study="prompts",
            settings=small,
            arm=arm,
            trait="trait_rate",
            value=0.5,
            runs=2,
        )
        for arm in ("teacher", "same_init")
    ]
    monkeypatch.setattr(replication, "chosen", lambda *_: rows)
    assert sublearn(monkeypatch, "replicate", "--jobs", "1") == 0
    told = [line for line in terminal.screen() if "theirs" in line]
    assert [
        re.match(r"(AGREES|DIFFERS|CANNOT TELL) +(T/\w+) +theirs 0\.50, spread unknown \(runs unknown\); ours", line)[2]
        for line in told
    ] == [
        "T/teacher",
        "T/same_init",
    ]


def test_the_runs_of_a_replication_count_once_and_all_at_once(tmp_path):
    seen = []
    rows = [
        Published(
            name=f"T/{arm}{runs}",
            what=arm,
            source=SOURCE,
            study="tutorial",
            settings=SMALL,
            arm=arm,
            trait="accuracy",
            value=1,
            runs=runs,
        )
        for arm, runs in (("teacher", 2), ("baseline", 3))
    ]
    options = Options(progress=lambda done, total, _: seen.append((done, total)))
    replicate(rows, tmp_path, options)
    assert seen == [(0, 3), (3, 3)]
    seen.clear()
    replicate(rows, tmp_path, options)
    assert seen == [(3, 3)]


def test_a_run_tells_its_total_before_its_first_job_and_what_was_found(tmp_path):
    seen = []
    for n in (2, 5):
        run("tutorial", range(n), tmp_path / "run", progress=lambda *now: seen.append(now))
    assert seen == [(0, 2, ()), (2, 2, ()), (2, 5, ()), (5, 5, ())]


def test_a_command_given_again_says_how_many_runs_were_found(monkeypatch, capsys):
    for arguments, said in (
        (["--seeds", "0:3"], None),
        (["--seeds", "0:5"], "3 of 5 runs are already done."),
        (["--seeds", "0:5"], "5 of 5 runs are already done."),
        (["--seeds", "0:7", "-q"], None),
    ):
        assert sublearn(monkeypatch, *RUN, *arguments, "--out", "run") == 0
        told = [line for line in capsys.readouterr().err.splitlines() if "already" in line]
        assert told == ([said] if said else [])


def test_a_sweep_given_again_says_how_many_runs_were_found(monkeypatch, capsys):
    sweep = ["sweep", "tutorial", *SMALL_SET, "--grid", "hidden=4,5", "--out", "sweep"]
    for seeds, said in (("0:2", None), ("0:5", "4 of 10 runs are already done."), ("0:5", "10 of 10 runs are")):
        assert sublearn(monkeypatch, *sweep, "--seeds", seeds) == 0
        err = capsys.readouterr().err
        assert (said in err) if said else ("already" not in err)


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    told = []

    def has_told() -> bool:
        told.extend(capsys.readouterr().err.splitlines())
        return any(line.startswith("digits: 1 of 8 runs, 0:0") for line in told)

    with following("digits") as shown:
        shown.update(0, 8, ())
        shown.update(1, 8, ())
        assert wait_for(has_told, 30)
    assert all(line.startswith("digits: ") for line in told)


def test_a_line_fits_a_narrow_terminal_and_loses_the_stage_first(monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "72")
    with following("replicate") as shown:
        shown.update(0, 2_000, ())
        for done, stage in ((0, "base"), (3, "a stage that is long")):
            shown.stage(Stage(stage, done + 0.5, 2_000))
        shown.update(3, 2_000, ())
    (line,) = {line for line in terminal.getvalue().splitlines() if "3 of 2,000 runs, 0:00, about" in line}
    assert len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)) <= 72


@pytest.mark.parametrize("verbose", [False, True])
def test_under_v_each_stage_is_told_as_it_begins(verbose, monkeypatch, capsys):
    monkeypatch.setattr(progress, "VERBOSE_S", 0)
    flags = ["-v"] if verbose else []
    assert sublearn(monkeypatch, *RUN, "--seeds", "0:2", *flags) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tutorial: ")]
    stages = [line.partition("(")[2].rstrip(")") for line in told]
    assert stages == (["loading", "teacher", "students 1 to 2 of 2"] if verbose else [])
    assert all(line.startswith("tutorial: 0 of 2 runs, 0:") for line in told)


def test_before_the_work_and_after_it_no_line_is_told(monkeypatch, capsys):
    for reach in ((), ((8, 8),)):
        with following("digits") as shown:
            for done, total in reach:
                shown.pace.reach(done, total)
            shown.beat()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_leaves_warnings_and_results(quiet, monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    with following("digits", quiet, "Note: too few") as shown:
        shown.update(1, 2, ["it is late"])
        shown.say("result")
    seen = [line for line in terminal.screen() if line]
    rest = ["Warning: it is late", "result"]
    assert seen == (rest if quiet else ["Note: too few", "1 of 2 runs are already done.", *rest])


def test_quiet_runs_print_nothing_on_standard_error(monkeypatch, capsys):
    assert sublearn(monkeypatch, *RUN, "--seeds", "0:2", "--quiet", "--json") == 0
    out, err = capsys.readouterr()
    assert out.startswith("{") and err == ""


def test_a_warning_raised_meanwhile_is_one_line_past_the_bar(monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    import warnings

    with following("digits") as shown:
        shown.update(0, 2, ())
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("two\nlines", stacklevel=1)
    assert [line for line in terminal.screen() if line] == ["Warning: two lines"]


def test_seeds_that_are_too_few_for_a_verdict_are_said_before_the_run(monkeypatch, capsys):
    note = "Note: {} cannot reach a verdict, whatever comes out: it takes at least 9 (95% for all 4 claims together)"
    run = ["run", "prompts", *SMALL_SET, "--set", "teacher.epochs=1", "--set", "student.epochs=1", "--out", "run"]
    for seeds, said in (("0", note.format("1 run")), ("0:4", note.format("4 runs")), ("4:9", None)):
        assert sublearn(monkeypatch, *run, "--seeds", seeds, "--json") == 0
        err = capsys.readouterr().err
        assert [line for line in err.splitlines() if line.startswith("Note")] == (
            [f"{said}, as in --seeds 0:9."] if said else []
        )
