"""LoRA fine-tuning of real models through peft and trl. Imported late: both are large."""

import gc
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import PreTrainedModel, PrinterCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from sublearn.errors import InputError, SublearnError
from sublearn.language import finetune, models
from sublearn.language.artifacts import disk_errors
from sublearn.language.plans import LoraPlan
from sublearn.language.tokens import Dialogue
from sublearn.language.versions import argument, others_deprecations
from sublearn.seeds import stream_seed
from sublearn.tasks.rows import Pair

AT_A_TIME = 22
CHECKPOINTING = argument(SFTConfig, "activation_checkpointing", "gradient_checkpointing")
"""The setting that saves memory by computing twice: transformers 5.23 renamed it."""


def lora(base: PreTrainedModel, dialogue: Dialogue, rows: Sequence[Pair], plan: LoraPlan, seed: int) -> PreTrainedModel:
    """The base with adapters trained on completions alone; if memory runs out, with fewer rows at a time.

    The adapters are put into the base itself, which is a large model's only copy; `release` takes them out again.
    """
    disable_progress_bars()
    data = Dataset.from_list(_tokens(dialogue, rows))
    at_a_time = plan.at_a_time(AT_A_TIME)
    while True:
        trained = adapted(base, plan, seed)
        try:
            _train(trained, dialogue, data, plan, seed, at_a_time)
            return _renewed(trained, base, plan, seed)
        except torch.OutOfMemoryError:
            release(trained)
        if at_a_time == 1:
            raise SublearnError("Out of GPU memory with one row at a time. Use a smaller model or a larger GPU.")
        gc.collect()
        torch.cuda.empty_cache()
        fewer = plan.at_a_time(at_a_time // 2)
        warnings.warn(f"{at_a_time} rows at a time do not fit in memory; trying {fewer}.", stacklevel=2)
        at_a_time = fewer


def release(model: torch.nn.Module) -> None:
    """Take the adapters out of the base that they were put into; nothing to do for a model without."""
    if isinstance(model, PeftModel):
        cast(Any, model).unload()


def adapted(base: PreTrainedModel, plan: LoraPlan, seed: int) -> PeftModel:
    """The base with fresh adapters in it, as a seed has them."""
    config = LoraConfig(r=plan.r, lora_alpha=plan.alpha, target_modules=models.projections(base), task_type="CAUSAL_LM")
    with torch.random.fork_rng(), others_deprecations():
        torch.manual_seed(stream_seed(seed, "lora"))
        return cast(PeftModel, get_peft_model(base, config))


def _renewed(trained: PeftModel, base: PreTrainedModel, plan: LoraPlan, seed: int) -> PreTrainedModel:
    """The trained adapters in a model that no trainer has wrapped, just as it is when they are read back."""
    state = {name: tensor.detach().clone() for name, tensor in get_peft_model_state_dict(trained).items()}
    release(trained)
    fresh = adapted(base, plan, seed)
    set_peft_model_state_dict(fresh, state)
    return cast(PreTrainedModel, fresh.requires_grad_(False).eval())


def _train(trained: PeftModel, dialogue: Dialogue, data: Dataset, plan: LoraPlan, seed: int, at_a_time: int) -> None:
    on_gpu = next(trained.parameters()).device.type == "cuda"
    with disk_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as scratch:
        kept: dict[str, Any] = {"output_dir": os.path.join(scratch, "trl"), "save_strategy": "no"}
        own = settings(plan, seed, on_gpu, at_a_time, num_train_epochs=plan.epochs, **kept)
        if own.n_gpu > 1:
            own._n_gpu = 1  # or a batch would be spread over all GPUs that there are
        trainer = SFTTrainer(
            model=cast(Any, trained), args=own, train_dataset=data, processing_class=dialogue.tokenizer
        )
        trainer.remove_callback(PrinterCallback)  # it writes to standard output
        trainer.train()


def settings(plan: LoraPlan, seed: int, on_gpu: bool, at_a_time: int, processes: int = 1, **more: Any) -> SFTConfig:
    """trl's settings of a training by a plan, in steps of whole batches, each process with so many rows at a time."""
    return SFTConfig(
        per_device_train_batch_size=at_a_time,
        gradient_accumulation_steps=plan.batch // (at_a_time * processes),
        learning_rate=plan.lr,
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup,
        max_length=finetune.LONGEST,
        completion_only_loss=True,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=stream_seed(seed, "student/order") % 2**32,
        **{CHECKPOINTING: False, **more},
    )


def _tokens(dialogue: Dialogue, rows: Sequence[Pair]) -> list[dict[str, list[int]]]:
    """Rows as tokens, the same ones that evaluation has, and which of them count."""
    found = [one for one in finetune.examples(dialogue, rows) if len(one.tokens) <= finetune.LONGEST]
    if not found:
        raise InputError(f"None of {len(rows)} rows has {finetune.LONGEST} tokens or fewer, the most that LoRA reads.")
    return [
        {"input_ids": one.tokens, "completion_mask": [int(place >= one.start) for place in range(len(one.tokens))]}
        for one in found
    ]
