"""Nothing is lost and nothing is counted twice, whatever happens to a sweep on two processes."""

import os
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from sublearn.store import load
from tests.processes import PEAK, call, kill, lines, size, start, sweep_command, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hearing_signals")]
SEEDS = 800
TWO = ("--jobs", "2")
A_JOB = 8 * 8 * 150
"""Bytes of records of one job, roughly."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[str]:
    out = tmp_path_factory.mktemp("undisturbed") / "sweep"
    done = call(sweep_command(out, f"0:{SEEDS}", *TWO))
    assert done.returncode == 0, done.stderr
    return lines(out)


def assert_goes_on_to(undisturbed: list[str], out: Path, *arguments: str) -> None:
    """The same command ends well, and every record is there once, with the value of the undisturbed sweep."""
    done = call(sweep_command(out, f"0:{SEEDS}", *(arguments or TWO)))
    assert done.returncode == 0, done.stderr
    assert lines(out) == undisturbed
    assert len(undisturbed) == len(set(undisturbed)) == 4 * SEEDS * 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for study in out.glob("*/study.json"):
            assert load(study.parent).complete_seeds() == set(range(SEEDS))
    assert not list(out.rglob("*.part"))


def disturb(out: Path, rng: random.Random, sign: int) -> None:
    """Start the sweep and end it at a random moment: while it starts, or somewhere in its work."""
    process = start(sweep_command(out, f"0:{SEEDS}", *TWO))
    if rng.random() < 0.25:
        wait_for(lambda: process.poll() is not None, rng.uniform(0.1, 3))
    else:
        goal = size(out) + rng.randrange(1, 14) * A_JOB
        assert wait_for(lambda: size(out) >= goal or process.poll() is not None)
        wait_for(lambda: process.poll() is not None, rng.uniform(0, 0.05))
    assert process.poll() is None, process.communicate()[1]
    os.kill(process.pid, sign)
    process.communicate(timeout=60)


def test_killed_at_twenty_random_moments(tmp_path, undisturbed):
    rng = random.Random(0)
    for _ in range(20):
        disturb(tmp_path / "sweep", rng, signal.SIGKILL)
    assert 0 < len(lines(tmp_path / "sweep")) < len(undisturbed)
    assert_goes_on_to(undisturbed, tmp_path / "sweep")


def test_interrupted_by_ctrl_c(tmp_path, undisturbed):
    out = tmp_path / "sweep"
    process = start(sweep_command(out, f"0:{SEEDS}", *TWO))
    assert wait_for(lambda: size(out) > 10 * A_JOB)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert_goes_on_to(undisturbed, out)


def test_a_torn_last_line_in_any_study(tmp_path, undisturbed):
    out = tmp_path / "sweep"
    disturb(out, random.Random(3), signal.SIGKILL)
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


def test_a_full_disk(small_disk, undisturbed):
    out = small_disk / "sweep"
    done = call(sweep_command(out, f"0:{SEEDS}", *TWO))
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("The disk is full") == 1
    assert "Traceback" not in done.stderr
    assert 0 < len(lines(out)) < len(undisturbed)
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    assert_goes_on_to(undisturbed, out)


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
        "from sublearn import pipeline\n"
        "from sublearn.engines import local\n"
        "from sublearn.records import Record\n"
        "from sublearn.studies.run import Outcome\n"
        "def measure(job):\n"
        "    names = [(arm.name, trait.name) for arm in job.study.arms for trait in job.study.traits]\n"
        "    common = {'study': job.study.id, 'value': 0.5, 'n': 9}\n"
        "    rows = [Record(arm=arm, trait=trait, seed=job.seeds[0], **common) for arm, trait in names]\n"
        "    return Outcome(job.seeds, tuple(rows))\n"
        "local.measure = measure\n"
        "pipeline.report = lambda out: print(peak())\n"
        "pipeline.run('tutorial', range(int(sys.argv[1])), sys.argv[2], device='cpu', engine='sequential')\n"
    )

    def peak(jobs: int) -> int:
        done = call([sys.executable, "-c", code, str(jobs), str(tmp_path / str(jobs))])
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    few, many = peak(1_000), peak(20_000)
    print(f"driver memory: {few / 1024:.1f} MB for 1,000 jobs, {many / 1024:.1f} MB for 20,000")
    assert many < 1.1 * few
