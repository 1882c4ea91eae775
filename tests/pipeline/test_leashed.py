"""Processes that end with the one that started them, however that ends; and what is said of one that fails."""

import os
import signal
import subprocess
import sys

import pytest

from sublearn.errors import SublearnError
from sublearn.pipeline import leashed
from sublearn.pipeline.leashed import ran, started
from tests.processes import command_line, kill, wait_for

FAMILY = 'echo begun; sh -c "trap : TERM; while :; do sleep 0.1; done" & echo $! $$ > ids; wait; sleep 60'
"""A process with a child that ends at no SIGTERM."""
ASKS = """
import pathlib, sys
from sublearn.pipeline import leashed
leashed.GRACE_S = 0.3
with leashed.started(["sh", "-c", sys.argv[1]], pathlib.Path("log"), pathlib.Path(".")) as own:
    own.waited(60)
"""


def ids(place) -> list[int]:
    file = place / "ids"
    assert wait_for(lambda: file.exists() and file.read_text().count(" ") == 1, 20)
    return [int(word) for word in file.read_text().split()]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A short grace."""
    monkeypatch.setattr(leashed, "GRACE_S", 0.3)


def test_a_killed_process_takes_with_it_what_it_started(tmp_path):
    own = subprocess.Popen([sys.executable, "-c", ASKS, FAMILY], cwd=tmp_path)
    try:
        family = ids(tmp_path)
        # A process that is just becoming another program has no command line for a moment.
        assert wait_for(lambda: all(map(command_line, family)), 20)
    finally:
        kill(own.pid)
        own.wait()
    assert wait_for(lambda: not any(map(command_line, family)), 20)


def test_the_end_of_a_block_ends_what_it_started(tmp_path):
    with started(["sh", "-c", FAMILY], tmp_path / "logs" / "log", tmp_path) as own:
        family = ids(tmp_path)
        assert own.ended() is None and own.last_words() == "begun"
    assert own.ended() is not None and not any(map(command_line, family))


def test_a_process_that_fails_is_told_with_its_last_lines_and_its_log(tmp_path):
    with pytest.raises(SublearnError, match=r"The work failed \(status 3; .*log\): one \| two"):
        ran("The work", ["sh", "-c", "echo one; echo two >&2; exit 3"], tmp_path / "log", tmp_path)
    with pytest.raises(SublearnError, match="status 137"):
        ran("The work", ["sh", "-c", f"kill -{signal.SIGKILL:d} $$"], tmp_path / "log", tmp_path)
    ran("The work", ["true"], tmp_path / "log", tmp_path)
    assert os.listdir(tmp_path) == ["log"]
