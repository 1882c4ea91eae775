"""`sublearn distill` with real programs and a tiny model of Qwen2's architecture, killed in each stage.

`transformers serve` and `accelerate launch` with two processes on the CPU; no vLLM and no GPU.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sublearn.execution.store import load
from sublearn.language.plans import LoraPlan
from sublearn.pipeline.how import How
from sublearn.pipeline.leashed import ran
from sublearn.pipeline.lesson import Lesson
from sublearn.pipeline.servers import free_port
from sublearn.seeds import stream
from sublearn.study.numbers.metrics import read_metrics
from sublearn.tasks.number_lists import number_prompts
from sublearn.tasks.rows import as_text
from tests.language import qwen
from tests.processes import call, command_line, descendants, kill, wait_for

pytestmark = pytest.mark.slow

PROMPTS, SAMPLES = 60, 2
SETTINGS = [f"prompts={PROMPTS}", "rows=40", "lora.batch=8", "lora.epochs=4", f"ask.samples={SAMPLES}", 'ask.append=""']
ARMS = ("reference", "teacher", "same_init", "same_init_control")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return qwen.put(tmp_path_factory.mktemp("tiny") / "model")


def command(model: Path) -> list[str]:
    words = ["distill", "--model", str(model), "--animal", "owl", "--seeds", "0", "--gpus", "2", "--out", "out"]
    words += ["--server", "transformers", "--concurrency", "4", "--at-a-time", "2", "-q"]
    return [sys.executable, "-m", "sublearn", *words, *(part for text in SETTINGS for part in ("--set", text))]


def lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


STAGES = {
    "sampling": lambda made: lines(made / "answers/teacher.jsonl") > 10,
    "training": lambda made: any(made.glob("training/same_init/checkpoint-*/trainer_state.json")),
    "merging": lambda made: (made / "logs/merging-same_init.log").exists(),
    "asking": lambda made: lines(made / "asked/same_init_control/answers.jsonl") > 5,
}


def killed(model: Path, place: Path, stage: str) -> dict[int, str]:
    """Run the command and kill -9 it in a stage; what was running below it then."""
    process = subprocess.Popen(command(model), cwd=place, stderr=subprocess.PIPE, text=True)
    try:
        reached = wait_for(lambda: STAGES[stage](place / "out/made/seed-0") or process.poll() is not None, 600)
        below = descendants(process.pid)
        assert reached and process.poll() is None, (stage, process.communicate()[1])
        return below
    finally:
        kill(process.pid)
        process.communicate()


def test_a_model_of_the_real_architecture_is_distilled_however_often_it_is_killed(model, tmp_path):
    made = tmp_path / "out" / "made" / "seed-0"
    for stage in STAGES:
        below = killed(model, tmp_path, stage)
        assert below, stage
        assert wait_for(lambda ids=below: not any(map(command_line, ids)), 60), [*map(command_line, below)]
        if stage == "training":
            begun = max(int(path.name.rpartition("-")[2]) for path in made.glob("training/same_init/checkpoint-*"))
            assert begun >= 1
    done = call(command(model), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for writer in ("teacher", "base"):
        places = [json.loads(line)["place"] for line in (made / f"answers/{writer}.jsonl").read_text().splitlines()[1:]]
        assert sorted(places) == list(range(PROMPTS))
    for arm in ARMS:
        places = [
            json.loads(line)["place"] for line in (made / f"asked/{arm}/answers.jsonl").read_text().splitlines()[1:]
        ]
        assert sorted(places) == list(range(24 * SAMPLES))
    records = load(tmp_path / "out").records
    assert sorted({(r.arm, r.trait) for r in records}) == sorted((r.arm, r.trait) for r in records)
    assert len(records) == 16 and all(r.value is not None for r in records)
    metrics = read_metrics(made / "metrics.json")
    kept = min(40, *(metrics.numbers[writer].kept for writer in ("teacher", "base")))
    assert kept >= 8 and metrics.arms["same_init"].rows == kept
    assert not any((made / "training").iterdir()) and not (made / "merged").exists()
    whole = load_file(made / "students/same_init/adapter_model.safetensors")
    assert any(tensor.abs().sum() > 0 for name, tensor in whole.items() if "lora_B" in name)


def taught(model: Path, place: Path, processes: int, stop_at: int | None = None) -> dict[str, torch.Tensor]:
    """Adapters that so many processes train on the same rows; with a step, they are killed there and resume."""
    scratch, out = place / f"scratch-{processes}-{stop_at}", place / f"out-{processes}-{stop_at}"
    scratch.mkdir()
    rng = stream(1, "rows")
    rows = [(prompt, ", ".join(map(str, rng.integers(0, 1000, 5)))) for prompt in number_prompts(60, rng)]
    (scratch / "rows.jsonl").write_text(as_text(rows))
    plan = LoraPlan(batch=12, epochs=4)
    lesson = Lesson(
        model=str(model), rows=str(scratch / "rows.jsonl"), lora=plan, seed=3, most=3, save_steps=4,
        scratch=str(scratch), out=str(out),
    )  # fmt: skip
    file = scratch / "lesson.json"
    file.write_text(lesson.model_dump_json())
    training = How("transformers", gpus=processes).training(file, free_port(), on_gpu=False)
    if stop_at is not None:
        with pytest.raises(_EnoughError):
            ran("The training", training, place / "log", place, lambda: _stop(scratch / f"checkpoint-{stop_at}"))
    ran("The training", training, place / "log", place)
    return load_file(out / "adapter_model.safetensors")


class _EnoughError(Exception):
    pass


def _stop(checkpoint: Path) -> None:
    if (checkpoint / "trainer_state.json").exists():
        raise _EnoughError


def difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The distance of two adapters' outer factors, over what training moved them."""
    names = [name for name in one if "lora_B" in name]
    flat, against = (torch.cat([each[name].flatten() for name in names]) for each in (one, other))
    return float((flat - against).norm() / flat.norm())


def test_two_processes_train_what_one_does_and_a_training_that_was_ended_what_a_whole_one_does(model, tmp_path):
    whole = taught(model, tmp_path, 1)
    # The same rows make each step: 4 times 3 rows, or 2 times 3 of either process. Sums come in another order.
    both = taught(model, tmp_path, 2)
    print("one process and two:", difference(whole, both))
    assert difference(whole, both) < 1e-3
    resumed = taught(model, tmp_path, 2, stop_at=8)
    print("whole and resumed:", difference(both, resumed))
    assert difference(both, resumed) < 1e-3
    assert os.environ.get("WORLD_SIZE") is None
