import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sublearn.engines import ray as engine
from sublearn.errors import InputError
from sublearn.store import load

SMALL = [text for key in ("n_eval=20", "n_unrelated=60", "hidden=8", "embed_dim=4") for text in ("--set", key)]


def command(out: Path, seeds: str) -> list[str]:
    base = [sys.executable, "-m", "sublearn", "run", "tutorial", *SMALL, "--seeds", seeds]
    return [*base, "--out", str(out), "--engine", "ray", "--jobs", "2"]


def test_without_ray_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"sublearn\[ray\]"):
        next(engine.run_jobs([], 1))


@pytest.mark.slow
def test_a_node_that_dies_costs_no_record(tmp_path):
    """A local cluster of two nodes, one of which is killed while jobs run on it."""
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", **engine.ENVIRONMENT}
    script = (
        "import subprocess, sys, time\n"
        "from ray.cluster_utils import Cluster\n"
        "args = {'num_cpus': 1, 'object_store_memory': 80 * 2**20}\n"
        "cluster = Cluster(initialize_head=True, head_node_args={**args, 'include_dashboard': False})\n"
        "node = cluster.add_node(**args)\n"
        "import os\n"
        "process = subprocess.Popen(sys.argv[1:], env={**os.environ, 'RAY_ADDRESS': cluster.address})\n"
        "records = sys.argv[sys.argv.index('--out') + 1] + '/records.jsonl'\n"
        "while process.poll() is None and not os.path.exists(records): time.sleep(0.1)\n"
        "assert process.poll() is None, 'it ended before a node could die'\n"
        "cluster.remove_node(node, allow_graceful=False)\n"
        "code = process.wait()\n"
        "cluster.shutdown()\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command(tmp_path / "run", "0:3000")],
        env=environment, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    run = load(tmp_path / "run")
    assert run.complete_seeds() == set(range(3000))
    assert len(run.records) == 3000 * 8


@pytest.mark.slow
def test_ctrl_c_leaves_no_orphans_and_a_directory_that_goes_on(tmp_path):
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    process = subprocess.Popen(command(tmp_path / "run", "0:4000"), env=environment, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "run" / "records.jsonl").exists():
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err[-3000:]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = subprocess.run(["pgrep", "-f", "ray::"], capture_output=True, text=True, check=False).stdout.split()
        if not left:
            break
        time.sleep(0.5)
    assert not left
    assert 0 < len(load(tmp_path / "run").complete_seeds()) < 4000
