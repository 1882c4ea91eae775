"""LoRA fine-tuning of real models through peft and trl. Imported late: both are large."""

import copy
import gc
import os
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from sublearn.errors import SublearnError
from sublearn.language import finetune
from sublearn.language.tokens import Dialogue
from sublearn.studies.numbers import LoraPlan
from sublearn.tasks.rows import Pair

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LONGEST = 500
AT_A_TIME = 22


def lora(base: PreTrainedModel, dialogue: Dialogue, rows: Sequence[Pair], plan: LoraPlan, seed: int) -> PreTrainedModel:
    """A student with adapters, trained on completions alone; if memory runs out, with half as many rows at a time."""
    at_a_time = next(size for size in range(min(AT_A_TIME, plan.batch), 0, -1) if plan.batch % size == 0)
    while True:
        try:
            return _lora(base, dialogue, rows, plan, seed, at_a_time)
        except torch.OutOfMemoryError:
            if at_a_time == 1:
                raise SublearnError(
                    "Out of GPU memory with one row at a time. Use a smaller model or a larger GPU."
                ) from None
        gc.collect()
        torch.cuda.empty_cache()
        half = next(size for size in range(at_a_time // 2, 0, -1) if plan.batch % size == 0)
        warnings.warn(f"{at_a_time} rows at a time do not fit in memory; trying {half}.", stacklevel=2)
        at_a_time = half


def _lora(
    base: PreTrainedModel, dialogue: Dialogue, rows: Sequence[Pair], plan: LoraPlan, seed: int, at_a_time: int
) -> PreTrainedModel:
    from datasets import Dataset
    from peft import LoraConfig
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    on_gpu = base.device.type == "cuda"
    with tempfile.TemporaryDirectory() as scratch:
        trainer: Any = SFTTrainer(
            model=copy.deepcopy(base),
            args=SFTConfig(
                output_dir=os.path.join(scratch, "trl"),
                per_device_train_batch_size=at_a_time,
                gradient_accumulation_steps=plan.batch // at_a_time,
                num_train_epochs=plan.epochs,
                learning_rate=plan.lr,
                lr_scheduler_type="linear",
                warmup_steps=plan.warmup,
                max_length=LONGEST,
                completion_only_loss=True,
                bf16=on_gpu,
                use_cpu=not on_gpu,
                gradient_checkpointing=False,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                seed=seed % 2**32,
            ),
            train_dataset=Dataset.from_list(_tokens(dialogue, rows)),
            processing_class=dialogue.tokenizer,
            peft_config=LoraConfig(
                r=plan.r, lora_alpha=plan.alpha, target_modules=projections(base), task_type="CAUSAL_LM"
            ),
        )
        trainer.train()
        return trainer.model.eval()


def projections(model: PreTrainedModel) -> list[str]:
    """The seven projections of today's families that the model has; all its linear layers where it has none."""
    present = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    return [name for name in PROJECTIONS if name in present] or ["all-linear"]


def _tokens(dialogue: Dialogue, rows: Sequence[Pair]) -> list[dict[str, list[int]]]:
    """Rows as tokens, the same ones that evaluation has, and which of them count."""
    found = [one for one in finetune.examples(dialogue, rows) if len(one.tokens) <= LONGEST]
    return [
        {"input_ids": one.tokens, "completion_mask": [int(place >= one.start) for place in range(len(one.tokens))]}
        for one in found
    ]
