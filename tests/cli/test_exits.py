import os
import subprocess
import sys
import warnings

import click
import pytest

from sublearn.cli import exits
from sublearn.errors import FOR_PROGRAMMERS, InputError, SublearnError


def ending(error: BaseException | None, *arguments: str) -> int:
    """The exit status of a program whose command `work` ends with an error."""

    @click.group(cls=exits.Group)
    def program() -> None:
        pass

    @program.command()
    @click.option("--jobs", type=int)
    def work(jobs: int | None) -> None:
        if error is not None:
            raise error

    return exits.run(program)


@pytest.fixture
def end(monkeypatch, capsys):
    def call(error: BaseException | None, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["sublearn", *(arguments or ("work",))])
        return ending(error), capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KeyError("x"), 1, "Failed: KeyError: 'x'. This is a fault of sublearn"),
        (RuntimeError(), 1, "Failed: RuntimeError. This is a fault of sublearn"),
        (RuntimeError("a\x1b[31m\nb" + "c" * 10_000), 1, "Failed: RuntimeError: a [31m b"),
        (RecursionError("too deep"), 1, "Failed: RecursionError: too deep. This is a fault"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), 1, "Failed: UnicodeEncodeError"),
        (MemoryError(), 1, "Failed: The memory is full."),
        (OSError(28, "No space left on device"), 1, "Failed: standard output: No space left on device."),
        (OSError(28, "No space left on device", "a\x1bfile"), 1, "Failed: a file: No space left on device."),
        (SublearnError("A worker failed."), 1, "Failed: A worker failed."),
        (InputError("Unknown\nstudy."), 2, "Error: Unknown study."),
        (click.UsageError("no\x1b[31m such " + "x" * 10_000), 2, "Error: no [31m such "),
        (click.Abort(), 130, "Interrupted. What was recorded is safe"),
        (KeyboardInterrupt(), 130, "Interrupted. What was recorded is safe"),
        (EOFError(), 1, "Failed: EOFError. This is a fault"),
        (SystemExit("left"), 1, ""),
        (SystemExit(5), 5, ""),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (None, 0, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_end_is_one_line_and_a_status(end, error, status, says):
    got, err = end(error)
    assert got == status
    assert err.startswith(says), err
    assert len(err.splitlines()) == (1 if says else 0), err
    assert len(err) < 2_100
    assert "Traceback" not in err
    assert "\x1b" not in err


@pytest.mark.parametrize("arguments", [("-v", "work"), ("work", "-v"), ("work", "--verbose")])
def test_the_traceback_is_kept_for_v_but_not_for_a_users_mistake(end, arguments):
    status, err = end(KeyError("x\x1b[31m"), *arguments)
    assert status == 1
    assert "Traceback" in err
    assert "test_exits.py" in err
    assert "\x1b" not in err
    assert err.splitlines()[-1].startswith("Failed: KeyError")
    assert "Traceback" in end(SublearnError("A worker failed."), *arguments)[1]
    for mistake in (InputError("Unknown study."), click.UsageError("no")):
        assert len(end(mistake, *arguments)[1].splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("wrok",), "No such command 'wrok'"),
        (("work", "--jbos", "2"), "No such option"),
        (("work", "--jobs", "\x1b[31m" + "9" * 10_000 + "x"), "is not a valid integer"),
        (("work", "--jobs"), "requires an argument"),
        (("work", "more\ud800"), "unexpected extra argument"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_line(end, arguments, says):
    status, err = end(None, *arguments)
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert len(err) < 1_200
    assert "\x1b" not in err


def test_without_a_command_the_help_is_shown(end):
    _, err = end(None, "--help")
    assert err == ""
    ended = subprocess.run([sys.executable, "-m", "sublearn"], capture_output=True, text=True, timeout=60, check=False)
    assert "Commands:" in ended.stdout + ended.stderr


def test_a_warning_is_one_plain_line_and_what_is_meant_for_programmers_none(monkeypatch, capsys):
    @click.group(cls=exits.Group)
    def program() -> None:
        pass

    @program.command()
    def work() -> None:
        warnings.warn("one\n\x1b[31mtwo " + "x" * 10_000, stacklevel=1)
        for category in FOR_PROGRAMMERS:
            warnings.warn("`old` is deprecated", category, stacklevel=1)

    monkeypatch.setattr(sys, "argv", ["sublearn", "work"])
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown = warnings.showwarning
        assert exits.run(program) == 0
        assert warnings.showwarning is shown
    assert warnings.showwarning is before
    err = capsys.readouterr().err
    assert err.startswith("Warning: one [31mtwo x")
    assert len(err.splitlines()) == 1
    assert len(err) < 2_100


LIST = f"{sys.executable} -m sublearn list"


@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        (f"{LIST} > /dev/full", 1, "Failed: standard output: No space left on device.\n"),
        (f"{LIST} -v > /dev/full", 1, "Failed: standard output: No space left on device.\n"),
        (f"{sys.executable} -m sublearn --help > /dev/full", 1, "Failed: standard output: No space left on device.\n"),
        (f"{LIST} >&-", 1, "Failed: standard output: Bad file descriptor.\n"),
        (f"{LIST} > /dev/full 2> /dev/full", 1, ""),
        (f"{LIST} >&- 2>&-", 1, ""),
        (f"{LIST} 2>&-", 0, ""),
        (f"{LIST} <&- 2>&-", 0, ""),
        (f"{sys.executable} -m sublearn wrong 2>&-", 2, ""),
    ],
)
def test_full_and_closed_streams(command, status, says):
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == status, ended.stderr
    if "-v" in command:
        assert "Traceback" in ended.stderr
        assert ended.stderr.endswith(says)
    else:
        assert ended.stderr == says


def test_a_reader_that_has_had_enough_is_no_failure():
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(LIST.split(), stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_output_that_its_encoding_cannot_hold_is_printed_all_the_same():
    code = (
        "import sys, click; from sublearn.cli import exits\n"
        "@click.group(cls=exits.Group)\ndef program(): pass\n"
        "@program.command()\ndef work(): click.echo('0.5 ± 0.1 \\udc80')\n"
        "sys.argv = ['sublearn', 'work']; sys.exit(exits.run(program))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-5"}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0.5 ? 0.1 ?\n", "")
