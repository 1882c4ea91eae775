"""Trains LoRA adapters under `accelerate launch`, one process a GPU: `-m sublearn.pipeline.learner LESSON.json`.

Whichever number of processes there is, the same rows make a step, in the same order. It is imported by nothing.
"""

import json
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset, disable_progress_bars
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from sublearn.files import digests
from sublearn.files.writing import replace_text
from sublearn.language import finetune, large, models
from sublearn.pipeline.lesson import PACE, Lesson, Pace
from sublearn.seeds import stream
from sublearn.tasks.rows import read_rows

STATE = "trainer_state.json"


def main(file: Path) -> None:
    """Train as the lesson says, and leave whole adapters in its folder."""
    threading.Thread(target=_end_with_the_launcher, daemon=True).start()
    lesson = Lesson.model_validate_json(file.read_text())
    models.quiet()
    disable_progress_bars()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    on_gpu = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if on_gpu else "cpu"
    dtype = torch.bfloat16 if on_gpu else torch.float32
    base = models.on(models.read(Path(lesson.model), dtype=dtype, scored=False), device)
    dialogue = models.dialogue_of(Path(lesson.model))
    trainer = SFTTrainer(
        model=cast(Any, large.adapted(base, lesson.lora, lesson.seed)),
        args=_settings(lesson, processes, on_gpu),
        train_dataset=_dealt(lesson, finetune.examples(dialogue, read_rows(Path(lesson.rows)))),
        processing_class=dialogue.tokenizer,
    )
    trainer.remove_callback(PrinterCallback)  # it writes to standard output
    trainer.add_callback(_Paced(lesson, processes))
    trainer.train(resume_from_checkpoint=_last(Path(lesson.scratch)))
    if trainer.is_world_process_zero():
        _keep(trainer, Path(lesson.out))


def run(file: Path) -> None:
    """Train, and end this process at once, with a status that tells whether it went well.

    Nothing is tidied up: as it ends, PyTorch's gloo waits for a thread that waits for the interpreter, now and then
    for ever. What is kept is on the disk by then.
    """
    status = 1
    try:
        main(file)
        status = 0
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class _Paced(TrainerCallback):
    """Notes after each step how far training is, and what its later steps took."""

    def __init__(self, lesson: Lesson, processes: int) -> None:
        self.lesson, self.processes = lesson, processes
        self.begun: tuple[int, float] | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if not state.is_world_process_zero:
            return
        if self.begun is None:  # the first step also warms everything up
            self.begun = state.global_step, time.perf_counter()
        steps, seconds = state.global_step - self.begun[0], time.perf_counter() - self.begun[1]
        pace = Pace(
            step=state.global_step,
            steps=state.max_steps,
            timed=steps,
            seconds=seconds,
            gigabytes=torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None,
        )
        replace_text(Path(self.lesson.scratch) / PACE, pace.model_dump_json() + "\n")


def _settings(lesson: Lesson, processes: int, on_gpu: bool) -> SFTConfig:
    return large.settings(
        lesson.lora,
        lesson.seed,
        on_gpu,
        lesson.at_a_time(processes),
        processes,
        output_dir=lesson.scratch,
        num_train_epochs=1,  # rows are dealt for all of them
        ddp_find_unused_parameters=False,
        train_sampling_strategy="sequential",
        save_strategy="steps",
        save_steps=lesson.save_steps,
        save_total_limit=2,
    )


def _dealt(lesson: Lesson, found: Sequence[finetune.Example]) -> Dataset:
    """The rows of every step, one after the other: whole batches, so that no process is ever short of a row."""
    order = stream(lesson.seed, "student/order")
    dealt = finetune.dealt(found, lesson.lora.batch, lesson.steps(len(found)), order)
    return Dataset.from_list(
        [
            {"input_ids": one.tokens, "completion_mask": [int(place >= one.start) for place in range(len(one.tokens))]}
            for batch in dealt
            for one in batch
        ]
    )


def _last(scratch: Path) -> str | None:
    """The last whole checkpoint; one that a kill left half written is passed over, and written again later."""
    found = sorted(scratch.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [path for path in found if _is_whole(path)]
    return str(whole[-1]) if whole else None


def _is_whole(checkpoint: Path) -> bool:
    """Whether its state, which is written last, is there to its end."""
    try:
        return "global_step" in json.loads((checkpoint / STATE).read_text())
    except (OSError, ValueError):
        return False


def _end_with_the_launcher() -> None:
    """End this process when the one that started it is gone, however that ended."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _keep(trainer: SFTTrainer, out: Path) -> None:
    """Adapters as safetensors and the tokenizer, sealed; they get their name when all is there."""
    beside = out.with_name(f"{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    trainer.save_model(str(beside))
    (beside / "training_args.bin").unlink(missing_ok=True)  # pickled, and wanted by nobody
    digests.seal(beside)
    beside.rename(out)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
