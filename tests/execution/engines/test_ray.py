"""Ray: what is asked of a cluster, and that nothing is lost when workers, nodes or the driver die."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from sublearn.errors import InputError, SublearnError
from sublearn.execution.engines import ray as engine
from sublearn.execution.options import Options
from sublearn.execution.plan import describe
from sublearn.execution.store import load
from sublearn.execution.sweep import Grid, GridPoints
from sublearn.results.sweep import plan
from sublearn.study.jobs import Job, Setup
from sublearn.study.table import build
from tests.processes import (
    PEAK,
    SET,
    call,
    command_line,
    descendants,
    kill,
    lines,
    size,
    start,
    sweep_command,
    wait_for,
)

ENVIRONMENT = {**os.environ, **engine.ENVIRONMENT, "RAY_AUTH_MODE": "disabled"}
RAY = ("--engine", "ray", "--jobs", "2")


def run_command(out: Path, seeds: str) -> list[str]:
    base = [sys.executable, "-m", "sublearn", "run", "tutorial", *SET, "--seeds", seeds]
    return [*base, "--out", str(out), *RAY]


class Cluster(ModuleType):
    """Stands for ray: a cluster of some CPUs and GPUs that notes what each task asks for."""

    class exceptions:
        class RayError(Exception): ...

        class RayTaskError(RayError):
            def __init__(self, cause: Exception) -> None:
                self.cause = cause

    def __init__(self, lost: int = 0, **resources: float) -> None:
        super().__init__("ray")
        self.resources, self.lost = resources, lost
        self.asked: list[dict] = []
        self.sent: list[Job | None] = []
        self.most = 0
        self.waiting: list[Task] = []
        self.connected = False

    def is_initialized(self) -> bool:
        return self.connected

    def init(self, **options) -> None:
        self.connected = True

    def shutdown(self) -> None:
        self.connected = False

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def remote(self, **options):
        return lambda function: Task(self, options)

    def wait(self, waiting, num_returns):
        return list(waiting)[:1], []

    def get(self, one):
        self.waiting.remove(one)
        if self.lost:
            self.lost -= 1
            raise self.exceptions.RayError
        return one.job.seeds

    def cancel(self, one, force) -> None: ...


class Task:
    def __init__(self, cluster: Cluster, options: dict, job: Job | None = None) -> None:
        self.cluster, self.wants, self.job = cluster, options, job

    def options(self, **options) -> "Task":
        return Task(self.cluster, self.wants | options)

    def remote(self, job: Job) -> "Task":
        sent = Task(self.cluster, self.wants, job)
        self.cluster.asked.append(self.wants)
        self.cluster.sent.append(sent.job)
        self.cluster.waiting.append(sent)
        self.cluster.most = max(self.cluster.most, len(self.cluster.waiting))
        return sent


def jobs(count: int, device: str = "cpu"):
    study = build("tutorial")
    return (Job(study=study, seeds=(seed,), setup=Setup(device=device)) for seed in range(count))


@pytest.fixture
def cluster(monkeypatch):
    def made(lost: int = 0, **resources: float) -> Cluster:
        found = Cluster(lost, **resources)
        monkeypatch.setitem(sys.modules, "ray", found)
        return found

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(engine, "_ours", set())
    return made


@pytest.mark.parametrize(
    ("resources", "device", "expected"),
    [
        ({"CPU": 8}, "auto", ("cpu", 8)),
        ({"CPU": 64, "GPU": 8}, "auto", ("cuda", 8)),
        ({"CPU": 64, "GPU": 8}, "cpu", ("cpu", 64)),
        ({"CPU": 64, "GPU": 8}, "cuda", ("cuda", 8)),
    ],
)
def test_gpus_are_used_where_the_cluster_has_them(cluster, resources, device, expected):
    cluster(**resources)
    assert engine.connect(2, device) == expected


def test_cuda_without_a_gpu_in_the_cluster_is_refused(cluster):
    cluster(CPU=8)
    with pytest.raises(InputError, match="has no GPU"):
        engine.connect(2, "cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_task_asks_for_a_gpu_only_if_it_runs_on_one(cluster, device):
    made = cluster(CPU=4, GPU=1)
    assert list(engine.run_jobs(jobs(3, device), 1)) == [(0,), (1,), (2,)]
    assert [task.get("num_gpus", 0) for task in made.asked] == [1 if device == "cuda" else 0] * 3
    assert not made.connected


def test_few_tasks_are_in_flight_however_many_jobs_follow(cluster):
    made = cluster(CPU=4)
    assert len(list(engine.run_jobs(jobs(1000), 4))) == 1000
    assert made.most == 8


def test_a_lost_job_is_sent_again_and_given_up_at_last(cluster):
    cluster(lost=3, CPU=2)
    assert set(engine.run_jobs(jobs(4), 2)) == {(0,), (1,), (2,), (3,)}
    cluster(lost=1000, CPU=2)
    with pytest.raises(Exception, match="was lost 5 times"):
        list(engine.run_jobs(jobs(4), 2))


@pytest.mark.parametrize("cause", [InputError("the folder has no tokenizer"), ZeroDivisionError("by zero")])
def test_a_job_that_fails_is_told_and_is_the_users_own_mistake_only_if_it_is(cluster, monkeypatch, cause):
    made = cluster(CPU=2)
    monkeypatch.setattr(made, "get", lambda one: (_ for _ in ()).throw(made.exceptions.RayTaskError(cause)))
    with pytest.raises(SublearnError, match=str(cause)) as caught:
        list(engine.run_jobs(jobs(1), 2))
    assert isinstance(caught.value, InputError) == isinstance(cause, InputError)


def test_a_job_that_fails_ends_no_other_if_that_is_asked_for(cluster, monkeypatch):
    cluster(lost=1000, CPU=2)
    lost = list(engine.run_jobs(jobs(3), 2, True))
    assert sorted(outcome.seeds for outcome in lost) == [(0,), (1,), (2,)]
    reasons = {outcome.failure.reason for outcome in lost if outcome.failure}
    assert reasons == {"A job was lost 5 times; the last time: RayError"}
    made = cluster(CPU=2)
    monkeypatch.setattr(made, "get", lambda one: (_ for _ in ()).throw(made.exceptions.RayTaskError(OSError("gone"))))
    (failed,) = engine.run_jobs(jobs(1), 2, True)
    assert failed.failure.reason == "The job failed on the cluster: gone"


def test_a_lost_job_is_counted_here_and_not_by_ray_too(cluster):
    made = cluster(CPU=2)
    list(engine.run_jobs(jobs(2), 2))
    assert [task["max_retries"] for task in made.asked] == [0, 0]


def test_a_worker_is_told_the_whole_path_of_what_it_keeps(cluster):
    made = cluster(CPU=2)
    job = next(jobs(1))
    kept = job.model_copy(update={"setup": Setup(keep="runs/made")})
    list(engine.run_jobs([job, kept], 2))
    assert [one and one.setup.keep for one in made.sent] == [None, str(Path.cwd() / "runs" / "made")]


def test_the_pilot_of_a_dry_run_is_measured_on_the_cluster(cluster, tmp_path, monkeypatch):
    made = cluster(CPU=4, GPU=1)
    monkeypatch.setattr(made, "get", lambda one: made.waiting.remove(one) or 6.0)
    points = GridPoints(Grid("tutorial", {}, {"hidden": [4, 5]}), range(3), tmp_path / "none")
    text = describe(plan(points, Options(engine="ray")))
    assert [task["num_gpus"] for task in made.asked] == [1, 1]
    assert "About 12.0 seconds with 1 at a time on cuda" in text
    assert not made.connected


def test_a_connection_of_the_caller_is_left_open(cluster):
    made = cluster(CPU=2)
    made.init()
    list(engine.run_jobs(jobs(2), 2))
    assert made.connected


def test_without_ray_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"sublearn\[ray\]"):
        next(engine.run_jobs([], 1))


@pytest.mark.slow
def test_something_that_listens_and_is_no_cluster_is_told_in_time(tmp_path):
    """Counted from when Ray asks, whatever starting takes: by itself it goes on asking for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        # First it is only seen whether anything listens there.
        asked = pool.submit(lambda: (silent.accept()[0].close(), silent.accept()[0], time.monotonic()))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = call(run_command(tmp_path / "run", "0:4"), env=ENVIRONMENT | {"RAY_ADDRESS": address})
        ended = time.monotonic()
        _, connection, since = asked.result(timeout=60)
        connection.close()
    assert done.returncode == 2, done.stderr
    assert "no answer within 20 seconds" in done.stderr
    assert ended - since < 30
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[str]:
    out = tmp_path_factory.mktemp("local") / "sweep"
    assert call(sweep_command(out, "0:400", "--jobs", "2")).returncode == 0
    return lines(out)


@pytest.mark.slow
def test_workers_that_are_killed_cost_no_record(tmp_path, undisturbed):
    out = tmp_path / "sweep"
    process = start(sweep_command(out, "0:400", *RAY), env=ENVIRONMENT)
    for part in (1, 2, 3):
        assert wait_for(lambda goal=part: len(lines(out)) >= goal * len(undisturbed) / 5 or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1]
        workers = [pid for pid, text in descendants(process.pid).items() if text.startswith("ray::attempt")]
        assert workers, descendants(process.pid)
        kill(workers[0])
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert lines(out) == undisturbed


FAILING = """
from sublearn.execution.engines import ray as engine
from sublearn.study.table import build
from sublearn.study.jobs import Job
study = build("tutorial")
jobs = [Job(study=study, seeds=(seed,)) for seed in (0, 2**40, 1)]  # NumPy refuses the second seed
for outcome in engine.run_jobs(jobs, 2, True):
    print(outcome.seeds[0], len(outcome.records), outcome.failure.reason if outcome.failure else "")
"""


@pytest.mark.slow
def test_a_job_that_fails_on_a_real_cluster_ends_no_other():
    done = call([sys.executable, "-c", FAILING], env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    told = sorted(done.stdout.splitlines())
    assert told[:2] == ["0 8 ", "1 8 "]
    assert told[2].startswith(f"{2**40} 0 ValueError: Seed must be between 0 and 2**32 - 1")


NODES = """
import os, subprocess, sys, time
from ray.cluster_utils import Cluster
each = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
cluster = Cluster(initialize_head=True, head_node_args={**each, "include_dashboard": False})
node = cluster.add_node(**each)
process = subprocess.Popen(sys.argv[2:], env={**os.environ, "RAY_ADDRESS": cluster.address})
while process.poll() is None and not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
assert process.poll() is None, "it ended before a node could die"
cluster.remove_node(node, allow_graceful=False)
code = process.wait()
cluster.shutdown()
sys.exit(code)
"""


@pytest.mark.slow
def test_a_node_that_dies_costs_no_record(tmp_path):
    """A local cluster of two nodes, one of which is killed while jobs run on it."""
    out, seeds = tmp_path / "run", 3000
    alone = call([*run_command(tmp_path / "alone", f"0:{seeds}")[:-4], "--jobs", "2"])
    assert alone.returncode == 0, alone.stderr
    words = run_command(out, f"0:{seeds}")
    done = call([sys.executable, "-c", NODES, str(out / "records.jsonl"), *words], env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-3000:]
    assert lines(out) == lines(tmp_path / "alone")
    assert load(out).complete_seeds() == set(range(seeds))


A_JOB = 8 * 8 * 150
"""Bytes of records of one job, at most."""
HELPERS = {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}
"""Of a driver that was killed they try for a minute to tell its cluster, and then end."""


@pytest.mark.slow
@pytest.mark.usefixtures("hearing_signals")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_stopped_leaves_no_orphans_and_goes_on(tmp_path, sign, undisturbed):
    out = tmp_path / "sweep"
    process = start(sweep_command(out, "0:400", *RAY), env=ENVIRONMENT)
    # The records of one job are written whole or not at all: those of the first count once those of the next come.
    assert wait_for(lambda: size(out) > A_JOB or process.poll() is not None)
    family = descendants(process.pid)
    assert any(text.startswith("ray::") for text in family.values())
    process.send_signal(sign)
    _, err = process.communicate(timeout=120)
    # Ray makes of SIGTERM an orderly end of that status.
    expected = {signal.SIGINT: (130,), signal.SIGTERM: (15, -15), signal.SIGKILL: (-9,)}
    assert process.returncode in expected[sign], err[-3000:]

    def left() -> set[str]:
        return {text for pid in family if (text := command_line(pid))}

    assert wait_for(lambda: left() <= (HELPERS if sign == signal.SIGKILL else set()), 30), left()
    assert wait_for(lambda: not left(), 90), left()
    assert 0 < len(lines(out)) < len(undisturbed)
    again = call(sweep_command(out, "0:400", *RAY), env=ENVIRONMENT)
    assert again.returncode == 0, again.stderr
    assert lines(out) == undisturbed


HEAD = """
import sys, time
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
DRIVER = """
import time
from sublearn.execution.engines import ray as engine
from sublearn.study.table import build
from sublearn.study.jobs import Job
engine.measure = lambda job: time.sleep(600)
study = build("tutorial")
slots = engine.connect(2)[1]
list(engine.run_jobs((Job(study=study, seeds=(seed,)) for seed in range(8)), slots))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("hearing_signals")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_stopped_leaves_no_task_on_a_cluster_that_stays(sign):
    def tasks() -> list[str]:
        return [text for text in descendants(head.pid).values() if text.startswith("ray::<lambda>")]

    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    head = subprocess.Popen([sys.executable, "-c", HEAD], env=ENVIRONMENT, **piped)
    try:
        assert head.stdout is not None
        environment = ENVIRONMENT | {"RAY_ADDRESS": head.stdout.readline().strip()}
        driver = start([sys.executable, "-c", DRIVER], env=environment)
        assert wait_for(lambda: len(tasks()) == 2 or driver.poll() is not None, 60)
        assert driver.poll() is None, driver.communicate()[1]
        driver.send_signal(sign)
        driver.communicate(timeout=60)
        # A driver that is killed says nothing: the cluster sees it some time later.
        assert wait_for(lambda: not tasks(), 120), descendants(head.pid)
        assert head.poll() is None
    finally:
        head.communicate("", timeout=60)


MEMORY = f"""
import sys
{PEAK}
from sublearn.execution.engines import ray as engine
from sublearn.study.table import build
from sublearn.study.jobs import Job, Outcome
engine.measure = lambda job: Outcome(job.study.id, job.seeds, ())
study = build("tutorial")
jobs = (Job(study=study, seeds=(seed,)) for seed in range(int(sys.argv[1])))
print(sum(len(outcome.seeds) for outcome in engine.run_jobs(jobs, 2)))
print(peak())
"""


@pytest.mark.slow
def test_driver_memory_is_flat_in_the_number_of_tasks():
    def peak(count: int) -> int:
        done = call([sys.executable, "-c", MEMORY, str(count)], env=ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout.split()[0]) == count
        return int(done.stdout.split()[1])

    few, many = peak(1_000), peak(20_000)
    print(f"driver memory: {few / 1024:.1f} MB for 1,000 tasks, {many / 1024:.1f} MB for 20,000")
    assert many < 1.1 * few
