import os
import subprocess
import sys
from pathlib import Path

import pytest

from sublearn.execution.store import load
from tests.examples.batch import sound

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm.sbatch"


def test_the_batch_file_is_sound_and_its_numbers_agree():
    lines = sound(SCRIPT)
    assert "#SBATCH --array=1-64" in lines
    assert "SHARDS=${SHARDS:-64}" in lines


@pytest.mark.parametrize("count", ["4", "1"], ids=["a whole array", "one task sent again"])
def test_a_task_runs_its_share_into_a_file_of_its_own(tmp_path, count):
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n')
    srun.chmod(0o755)
    slurm = {"SUBMIT_DIR": str(tmp_path), "ARRAY_TASK_ID": "3", "ARRAY_TASK_COUNT": count, "CPUS_PER_TASK": "1"}
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    told = {"STUDY": "tutorial", "SEEDS": "0:8", "SHARDS": "4", "PATH": path}
    environment = os.environ | {f"SLURM_{key}": value for key, value in slurm.items()} | told
    done = subprocess.run(["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "tutorial"
    assert [file.name for file in folder.glob("records*")] == ["records-3of4.jsonl"]
    assert load(folder).complete_seeds() == {4, 5}
