"""Commands that tests run, here or in processes of their own that are killed: what they wrote, what they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sublearn import cli

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
SET = [text for key, value in SMALL.items() for text in ("--set", f"{key}={value}")]
LOCKS = (".lock", ".lock-1of1")
"""What every writer of a whole folder leaves in it."""
GRIDS = ["--grid", "student.lr=1e-3,1e-2", "--grid", "student.epochs=1,2"]

PEAK = """
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("VmHWM"))
"""
"""Code that says a process's peak memory in kB. Not getrusage, whose peak holds that of the process that started it."""


def sublearn(monkeypatch, *arguments: str) -> int:
    """Run the command line in this very process and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["sublearn", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def sweep_command(out: Path, seeds: str, *arguments: str) -> list[str]:
    """A sweep of four tiny studies."""
    base = [sys.executable, "-m", "sublearn", "sweep", "tutorial", *SET, *GRIDS]
    return [*base, "--seeds", seeds, "--out", str(out), *arguments]


def call(command: list[str], **options) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **{"timeout": 500, **options})


def start(command: list[str], **options) -> subprocess.Popen[str]:
    """Begin, with standard error to be read."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)


def lines(out: Path) -> list[str]:
    """Every line of every records file below a folder, sorted; doubled lines stay doubled."""
    return sorted(line for file in out.rglob("records*.jsonl") for line in file.read_text().splitlines())


def size(out: Path) -> int:
    """Bytes in all records files below a folder."""
    return sum(file.stat().st_size for file in out.rglob("records*.jsonl"))


def wait_for(condition: Callable[[], object], seconds: float = 120) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def descendants(pid: int) -> dict[int, str]:
    """The command lines of all processes below a process, by id."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        below.setdefault(parent, []).append(int(entry.name))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in below.get(waiting.pop(), []):
            found[child] = command_line(child)
            waiting.append(child)
    return found


def command_line(pid: int) -> str:
    """The command line of a process, empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def kill(pid: int) -> None:
    """kill -9, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
