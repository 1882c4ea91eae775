"""What running jobs costs beside the jobs: Ray against this process, two processes against one, the driver's memory."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.table import Line, publish, seconds
from sublearn.execution import store
from sublearn.execution.engines import local
from sublearn.execution.engines import ray as engine
from sublearn.study.base import Study
from sublearn.study.jobs import Job, Setup
from sublearn.study.table import build

SMALLEST = {"n_eval": 4, "n_unrelated": 8, "hidden": 4, "embed_dim": 2, "vocab_size": 50, "aux_logits": 2}
SMALLEST |= {"teacher.epochs": 1, "student.epochs": 1}


def tiny_study() -> Study:
    """A study whose runs have next to nothing to do."""
    return build("prompts", SMALLEST)


def tiny_jobs(count: int) -> Iterator[Job]:
    """So many jobs of one tiny run each."""
    study = tiny_study()
    return (Job(study=study, seeds=(seed,), setup=Setup(threads=1)) for seed in range(count))


def all_of(outcomes: Iterator[object]) -> int:
    """Run to the end, keeping nothing."""
    return sum(1 for _ in outcomes)


def starting_and_running(count: int, workers: int) -> tuple[float, float]:
    """Seconds until the first of so many tiny jobs has ended, and from there to the end."""
    outcomes = local.run_jobs(tiny_jobs(count), workers)
    return seconds(lambda: next(outcomes), 1), seconds(lambda: all_of(outcomes), 1)


def peak_mb(count: int) -> float:
    """Peak memory of a driver in a process of its own that runs so many jobs on two processes and writes records."""
    command = [sys.executable, "-m", "benchmarks.engines", str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def drive(count: int) -> float:
    """Run so many tiny jobs into a run directory; this process's peak memory in MB."""
    with (
        tempfile.TemporaryDirectory() as folder,
        store.writing(Path(folder) / "run", tiny_study(), {}, "benchmark") as writer,
    ):
        for outcome in local.run_jobs(tiny_jobs(count), 2):
            writer.add(outcome.records)
    # Not getrusage, whose peak holds that of the process which started this one.
    peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return int(peak[1]) / 1024 if peak else float("nan")


def by_ray(count: int) -> float:
    """Seconds for so many tiny jobs on a local cluster of one worker that is there already."""
    ray = engine._ray()
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        all_of(engine.run_jobs(tiny_jobs(8), 1))
        return seconds(lambda: all_of(engine.run_jobs(tiny_jobs(count), 1)))
    finally:
        ray.shutdown()


def main() -> None:
    """Measure and publish."""
    import torch  # late: a driver has none of it, and its memory would hide what grows

    torch.set_num_threads(1)
    count, many = 500, 4_000
    all_of(local.run_jobs(tiny_jobs(8), 1))
    alone, on_ray = seconds(lambda: all_of(local.run_jobs(tiny_jobs(count), 1))), by_ray(count)
    (_, one), (start, two) = starting_and_running(many, 1), starting_and_running(many, 2)
    small, large = peak_mb(1_000), peak_mb(20_000)
    publish(
        "engines",
        [
            Line("a tiny job in this process", 1000 * alone / count, "ms"),
            Line("a tiny job by Ray, one worker, over one in this process", on_ray / alone, "x"),
            Line("Ray's overhead a job", 1000 * (on_ray - alone) / count, "ms"),
            Line("start-up of two processes", start, "s"),
            Line(f"jobs a second on two processes over one, {many:,} tiny jobs", one / two, "x"),
            Line("the same with the start-up", one / (start + two), "x"),
            Line("driver's peak memory, 1,000 jobs", small, "MB"),
            Line("driver's peak memory at 20,000 jobs over that at 1,000", large / small, "x", 1.1, most=True),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(drive(int(sys.argv[1])))
    else:
        main()
