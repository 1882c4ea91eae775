"""The Slurm file of a large model, with stand-ins for srun, vLLM and accelerate."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sublearn.execution.store import load
from tests.examples.batch import sound
from tests.language import chat
from tests.pipeline import fakes

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm_7b.sbatch"
SUBLEARN = """#!{}
import shutil, sys
from sublearn import cli
from sublearn.pipeline import how, servers
how.executable = servers.executable = shutil.which
cli.main()
"""


def test_the_batch_file_is_sound_and_asks_for_the_gpus_that_it_uses():
    lines = sound(SCRIPT)
    assert "#SBATCH --gpus-per-node=1" in lines and "GPUS=${GPUS:-1}" in lines


@pytest.mark.slow
@pytest.mark.parametrize("gpus", ["1", "8"])
def test_a_job_prints_its_plan_and_runs_it(tmp_path, gpus):
    programs = fakes.put(tmp_path / "programs")
    for name, text in (
        ("srun", '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n'),
        ("sublearn", SUBLEARN.format(sys.executable)),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "notes").mkdir()
    told = {
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "MODEL": str(chat.put(tmp_path)),
        "GPUS": gpus,
        "SEEDS": "0",
        "SET": "--set prompts=20 --set rows=8 --set lora.batch=8 --set ask.samples=2",
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_CPUS_PER_TASK": "1",
        fakes.NOTES: str(tmp_path / "notes"),
    }
    done = subprocess.run(["bash", str(SCRIPT)], env=os.environ | told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"--num_processes {gpus}" in done.stdout and "Memory of each GPU" in done.stdout
    assert load(tmp_path / "runs" / "7b").complete_seeds() == {0}
    assert all(f"--num_processes {gpus} " in line for line in fakes.notes(tmp_path / "notes", "trainings"))
