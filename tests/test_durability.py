"""Nothing is lost and nothing is counted twice, whatever happens to a run, a sweep or its shards."""

import json
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from sublearn.execution.store import load
from sublearn.results.sweep import Sweep
from tests.processes import PEAK, SET, call, kill, lines, size, start, sweep_command, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hearing_signals")]
SEEDS = 800
RUNS = 1_600
TWO = ("--jobs", "2")
A_JOB = 8 * 8 * 150
"""Bytes of records of one job, roughly."""
Command = Callable[..., list[str]]


def a_sweep(out: Path, *arguments: str) -> list[str]:
    """A sweep of four studies."""
    return sweep_command(out, f"0:{SEEDS}", *arguments)


def a_run(out: Path, *arguments: str) -> list[str]:
    """A run of one study."""
    base = [sys.executable, "-m", "sublearn", "run", "tutorial", *SET]
    return [*base, "--seeds", f"0:{RUNS}", "--out", str(out), *arguments]


@dataclass(frozen=True)
class Chain:
    """A command that is ended again and again: on how many processes, how often, and after how many jobs at most."""

    command: Command
    jobs: str
    kills: int
    most: int


CHAINS = {
    "a sweep on two processes": Chain(a_sweep, "2", 25, 14),
    "a sweep on one process": Chain(a_sweep, "1", 20, 14),
    "a run on two processes": Chain(a_run, "2", 20, 8),
    "a run on one process": Chain(a_run, "1", 15, 8),
}
KILLED_SHARDS = 20
SHARDS = 3


def test_a_hundred_kills_are_tried():
    assert sum(chain.kills for chain in CHAINS.values()) + KILLED_SHARDS == 100


def estimates(out: Path) -> dict[str, object]:
    """Every estimates.json below a folder."""
    return {str(file.relative_to(out)): json.loads(file.read_text()) for file in sorted(out.rglob("estimates.json"))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Callable[[Command], Path]:
    """The folder that a command fills when nothing disturbs it."""
    made: dict[Command, Path] = {}

    def filled(command: Command) -> Path:
        if command not in made:
            out = tmp_path_factory.mktemp("undisturbed") / "out"
            done = call(command(out, *TWO))
            assert done.returncode == 0, done.stderr
            made[command] = out
        return made[command]

    return filled


@pytest.fixture
def undisturbed(whole) -> list[str]:
    return lines(whole(a_sweep))


def assert_goes_on_to(whole: Path, command: list[str], out: Path) -> None:
    """The same command ends well, and all that there is then is what the undisturbed command gave."""
    done = call(command)
    assert done.returncode == 0, done.stderr
    assert_equal(whole, out)


def assert_equal(whole: Path, out: Path) -> None:
    """The same records, each once, and the same estimates; and nothing is left of files that were being written."""
    wanted = lines(whole)
    assert lines(out) == wanted
    assert len(wanted) == len(set(wanted)) in (4 * SEEDS * 8, RUNS * 8)
    assert estimates(out) == estimates(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for study in out.rglob("study.json"):
            assert load(study.parent).complete_seeds() in (set(range(SEEDS)), set(range(RUNS)))
    assert not list(out.rglob("*.part"))


def disturb(command: list[str], out: Path, rng: random.Random, most: int, *signs: int) -> tuple[int, str]:
    """Start a command and end it at a random moment: while it starts (by kill alone), or somewhere in its work."""
    process = start(command, start_new_session=True)
    if signs == (signal.SIGKILL,) and rng.random() < 0.25:
        wait_for(lambda: process.poll() is not None, rng.uniform(0.1, 3))
    else:
        goal = size(out) + rng.randrange(1, most) * A_JOB
        assert wait_for(lambda: size(out) >= goal or process.poll() is not None)
        wait_for(lambda: process.poll() is not None, rng.uniform(0, 0.05))
    assert process.poll() is None, process.communicate()[1]
    for sign in signs:
        with suppress(ProcessLookupError):
            if sign == signal.SIGKILL or rng.random() < 0.3:
                os.kill(process.pid, sign)
            else:  # as a terminal or a scheduler sends it: to the workers, too
                os.killpg(process.pid, sign)
        wait_for(lambda: process.poll() is not None, rng.uniform(0, 0.2))
    _, err = process.communicate(timeout=120)
    return process.returncode, err


@pytest.mark.parametrize("name", CHAINS)
def test_killed_at_random_moments(tmp_path, whole, name):
    chain, rng, out = CHAINS[name], random.Random(name), tmp_path / "out"
    command = chain.command(out, "--jobs", chain.jobs)
    for _ in range(chain.kills):
        status, err = disturb(command, out, rng, chain.most, signal.SIGKILL)
        assert status == -signal.SIGKILL, err
    assert 0 < len(lines(out)) < len(lines(whole(chain.command)))
    assert_goes_on_to(whole(chain.command), command, out)


def test_shards_killed_at_random_moments(tmp_path):
    out, rng = tmp_path / "sweep", random.Random(4)
    commands = [a_sweep(out, "--shard", f"{i}/{SHARDS}", "--jobs", "1") for i in range(1, SHARDS + 1)]
    running = [start(command) for command in commands]
    for _ in range(KILLED_SHARDS):
        goal = size(out) + rng.randrange(1, 8) * A_JOB
        assert wait_for(lambda goal=goal: size(out) >= goal)
        chosen = rng.randrange(SHARDS)
        assert running[chosen].poll() is None, running[chosen].communicate()[1]
        kill(running[chosen].pid)
        running[chosen].communicate(timeout=60)
        running[chosen] = start(commands[chosen])
    for process in running:
        _, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
    Sweep.load(out).write()  # of all shards, whichever ended last
    undisturbed = tmp_path / "undisturbed"
    for i in range(1, SHARDS + 1):
        assert call(a_sweep(undisturbed, "--shard", f"{i}/{SHARDS}", "--jobs", "1")).returncode == 0
    Sweep.load(undisturbed).write()
    assert_equal(undisturbed, out)


def test_three_shards_give_the_records_of_the_whole_sweep(tmp_path, whole):
    for i in range(1, SHARDS + 1):
        assert call(a_sweep(tmp_path / "sweep", "--shard", f"{i}/{SHARDS}", "--jobs", "1")).returncode == 0
    Sweep.load(tmp_path / "sweep").write()
    assert_equal(whole(a_sweep), tmp_path / "sweep")


ENDS = {
    "SIGTERM": ((signal.SIGTERM,), 143, "Ended by SIGTERM."),
    "SIGTERM twice": ((signal.SIGTERM, signal.SIGTERM), 143, "Ended by SIGTERM."),
    "SIGHUP": ((signal.SIGHUP,), 129, "Ended by SIGHUP."),
    "Ctrl-C": ((signal.SIGINT,), 130, "Interrupted."),
    "Ctrl-C twice": ((signal.SIGINT, signal.SIGINT), 130, "Interrupted."),
    "Ctrl-C three times": ((signal.SIGINT,) * 3, 130, "Interrupted."),
}


@pytest.mark.parametrize("name", CHAINS)
def test_ended_by_signals(tmp_path, whole, name):
    chain, rng, out = CHAINS[name], random.Random(name), tmp_path / "out"
    command = chain.command(out, "--jobs", chain.jobs)
    for signs, status, says in ENDS.values():
        found, err = disturb(command, out, rng, chain.most, *signs)
        assert found == status, err
        told = [line for line in err.splitlines() if " runs" not in line]  # but for how far it has come
        assert told == [f"{says} What was recorded is safe; the same command resumes from there."]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # every record is whole
            for study in out.rglob("study.json"):
                load(study.parent)
    assert 0 < len(lines(out)) < len(lines(whole(chain.command)))
    assert_goes_on_to(whole(chain.command), command, out)


def test_a_torn_last_line_in_any_study(tmp_path, undisturbed):
    out = tmp_path / "sweep"
    disturb(a_sweep(out, *TWO), out, random.Random(3), 14, signal.SIGKILL)
    assert wait_for(lambda: size(out) > 0, 1) or call(sweep_command(out, f"0:{SEEDS}", *TWO)).returncode == 0
    for file in out.rglob("records.jsonl"):
        content = file.read_bytes()
        # The tear is in the first line of the last job, so that its whole cohort is run again.
        file.write_bytes(content[: content.rindex(b"\n", 0, len(content) - 1) + 20])
    process = start(sweep_command(out, f"0:{SEEDS}", *TWO))
    _, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    assert "torn" in err
    keys = [line.partition('"value"')[0] for line in lines(out)]
    assert keys == [line.partition('"value"')[0] for line in undisturbed]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(small_disk, whole, undisturbed):
    out = small_disk / "sweep"
    done = call(sweep_command(out, f"0:{SEEDS}", *TWO))
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("The disk is full") == 1
    assert "Traceback" not in done.stderr
    assert 0 < len(lines(out)) < len(undisturbed)
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    assert_goes_on_to(whole(a_sweep), a_sweep(out, *TWO), out)


def test_four_shards_on_four_processes_give_the_records_of_one_run(tmp_path, undisturbed):
    out = tmp_path / "sweep"
    running = [start(sweep_command(out, f"0:{SEEDS}", "--shard", f"{i}/4", "--jobs", "1")) for i in (1, 2, 3, 4)]
    # One of them is killed, and given again, as a Slurm array would.
    assert wait_for(lambda: list(out.rglob("records-2of4.jsonl")))
    kill(running[1].pid)
    for i, process in enumerate(running):
        _, err = process.communicate(timeout=500)
        assert process.returncode == (-signal.SIGKILL if i == 1 else 0), err
    again = call(sweep_command(out, f"0:{SEEDS}", "--shard", "2/4", "--jobs", "1"))
    assert again.returncode == 0, again.stderr
    assert lines(out) == undisturbed
    assert len(list(out.rglob("records-*of4.jsonl"))) == 16


def test_two_sweeps_on_one_directory_never_both(tmp_path):
    out = tmp_path / "sweep"
    first = start(sweep_command(out, f"0:{SEEDS}", *TWO))
    assert wait_for(lambda: size(out) > 0)
    os.kill(first.pid, signal.SIGSTOP)  # or it might be done before the second has begun
    for arguments in ((), ("--shard", "1/2")):
        second = call(sweep_command(out, f"0:{SEEDS}", *arguments))
        assert second.returncode == 2, second.stderr
        assert "Another process is writing" in second.stderr
    kill(first.pid)
    first.communicate()


def test_driver_memory_is_flat_in_the_number_of_jobs(tmp_path):
    """A whole run, with its store, of tiny jobs that only fill in records; the report is not counted."""
    code = (
        "import sys\n"
        f"{PEAK}\n"
        "from pathlib import Path\n"
        "from sublearn.execution.options import Options\n"
        "from sublearn.execution.plan import Plan, Point\n"
        "from sublearn.execution.run import execute\n"
        "from sublearn.study.table import build\n"
        "from sublearn.execution.engines import local\n"
        "from sublearn.records import Record\n"
        "from sublearn.study.jobs import Outcome\n"
        "def measure(job, hear):\n"
        "    names = [(arm.name, trait.name) for arm in job.study.arms for trait in job.study.traits]\n"
        "    common = {'study': job.study.id, 'value': 0.5, 'n': 9}\n"
        "    rows = [Record(arm=arm, trait=trait, seed=job.seeds[0], **common) for arm, trait in names]\n"
        "    return Outcome(job.study.id, job.seeds, tuple(rows))\n"
        "local.measure = measure\n"
        "point = Point(build('tutorial'), range(int(sys.argv[1])), Path(sys.argv[2]))\n"
        "execute(Plan([point], Options(device='cpu', trainer='single')))\n"
        "print(peak())\n"
    )

    def peak(jobs: int) -> int:
        done = call([sys.executable, "-c", code, str(jobs), str(tmp_path / str(jobs))])
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    few, many = peak(1_000), peak(20_000)
    print(f"driver memory: {few / 1024:.1f} MB for 1,000 jobs, {many / 1024:.1f} MB for 20,000")
    assert many < 1.1 * few
