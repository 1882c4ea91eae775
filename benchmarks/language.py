"""Tiny language models against the usual ways of sampling and training; many at once; a seed's cost; the filter."""

import copy
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from datasets import Dataset
from transformers import PreTrainedModel, Trainer, TrainingArguments

from benchmarks.table import Line, in_turn, publish, seconds
from sublearn.language import finetune, packing
from sublearn.language.base import untrained
from sublearn.language.generate import sample
from sublearn.language.plans import BasePlan
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import stream
from sublearn.study.jobs import Setup, measure, plan
from sublearn.study.table import build
from sublearn.tasks.number_lists import Rule, number_prompts
from sublearn.tasks.rows import as_text, filtered
from sublearn.tasks.tiny_world import World, list_pairs

BATCH, STEPS, MOST = 128, 30, 22


def sampling(model: PreTrainedModel, dialogue: Dialogue) -> list[Line]:
    """Sampled tokens a second against `model.generate`, the same prompts in the same batches."""
    prompts = [dialogue.prompt(prompt) for prompt in number_prompts(1024, stream(0, "bench"), tiny=True)]
    said: list[list[int]] = []

    def ours() -> None:
        said[:] = sample(model, prompts, MOST, np.random.default_rng(0), dialogue)

    counts: list[int] = []

    def theirs() -> None:
        counts.clear()
        generate: Any = model.generate
        for start in range(0, len(prompts), 512):
            part = prompts[start : start + 512]
            longest = max(map(len, part))
            tokens = torch.tensor([[dialogue.pad] * (longest - len(one)) + one for one in part])
            mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in part])
            made = generate(
                input_ids=tokens, attention_mask=mask, do_sample=True, top_k=0, max_new_tokens=MOST,
                eos_token_id=dialogue.end, pad_token_id=dialogue.pad,
            )[:, longest:]  # fmt: skip
            counts.append(int((made != dialogue.pad).sum()))

    own, usual = in_turn(ours, theirs)
    speed = sum(len(row) + 1 for row in said) / own
    return [
        Line("sampling, one thread", speed, "tokens/s"),
        Line("sampling over model.generate, tokens a second", speed / (sum(counts) / usual), "x"),
    ]


def training(model: PreTrainedModel, dialogue: Dialogue) -> list[Line]:
    """Trained tokens a second against transformers' Trainer, the same rows, batch and optimizer."""
    rows = finetune.examples(dialogue, list_pairs(World.drawn(0), BATCH * STEPS, stream(0, "bench/rows")))
    tokens = sum(len(one.tokens) for one in rows)

    def ours() -> None:
        own = copy.deepcopy(model)
        given = packing.batches(own, rows, BATCH, STEPS, np.random.default_rng(0), dialogue.pad)
        finetune.fit(own, ([one] for one in given), finetune.adamw(own.parameters(), lr=1e-3))

    data = Dataset.from_list([{"tokens": one.tokens, "start": one.start} for one in rows])

    def collate(chosen: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        longest = max(len(one["tokens"]) for one in chosen)
        ids = [one["tokens"] + [dialogue.pad] * (longest - len(one["tokens"])) for one in chosen]
        labels = [
            [-100] * one["start"] + one["tokens"][one["start"] :] + [-100] * (longest - len(one["tokens"]))
            for one in chosen
        ]
        return {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels)}

    def theirs() -> None:
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder, per_device_train_batch_size=BATCH, num_train_epochs=1, learning_rate=1e-3, use_cpu=True,
                report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True,
                remove_unused_columns=False, dataloader_pin_memory=False,
            )  # fmt: skip
            trainer = Trainer(copy.deepcopy(model), arguments, train_dataset=data, data_collator=collate)
            trainer.pop_callback(transformers.PrinterCallback)
            trainer.train()

    own, usual = in_turn(ours, theirs)
    return [
        Line("training, one thread", tokens / own, "tokens/s"),
        Line("training over transformers' Trainer, tokens a second", usual / own, "x"),
    ]


def together(dialogue: Dialogue, count: int) -> Line:
    """A step of several models by torch.func's vmap against the same steps one after the other."""
    plan = BasePlan()
    found = [untrained(plan, len(dialogue.tokenizer), seed) for seed in range(count)]
    rows = finetune.examples(dialogue, list_pairs(World.drawn(0), BATCH, stream(0, "bench/rows")))
    batch = finetune.collate(rows, dialogue.pad)
    labels = torch.where(batch.learned, F.pad(batch.inputs, (0, 1))[:, 1:], -100)
    parameters, buffers = torch.func.stack_module_state(found)  # pyright: ignore[reportArgumentType]
    template = copy.deepcopy(found[0])
    template.set_attn_implementation("eager")  # the fused kernel has no batching rule

    def loss(own: dict[str, torch.Tensor], kept: dict[str, torch.Tensor]) -> torch.Tensor:
        given = {"input_ids": batch.inputs, "use_cache": False}
        logits = torch.func.functional_call(template, (own, kept), (), given).logits
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)

    def at_once() -> None:
        torch.func.vmap(torch.func.grad(loss))(parameters, buffers)

    def in_turn() -> None:
        for model in found:
            finetune.next_token(finetune.logits_of(model, batch), batch).backward()

    at_once()
    in_turn()
    return Line(
        f"gradients of {count} models by vmap over one after the other", seconds(in_turn) / seconds(at_once), "x"
    )


def a_seed() -> list[Line]:
    """A seed's reference, teacher and three main students with their controls: all new, and with what is cached."""
    study = build("numbers", {"arms": ["reference", "teacher", "same_init", "same_init_control", "cross_init"]})
    (job,) = plan(study, [1_000_003], Setup(threads=1))
    new, cached = seconds(lambda: measure(job), 1), seconds(lambda: measure(job), 1)
    return [
        Line("a seed: reference, teacher, students and controls, two new bases", new, "s", 60, most=True),
        Line("the same with cached bases, teachers and rows", cached, "s"),
    ]


def the_filter() -> Line:
    """Rows a second of the rule filter, parsing included."""
    rng = stream(0, "bench/filter")
    rows = [(p, ", ".join(map(str, rng.integers(0, 1100, rng.integers(1, 12))))) for p in number_prompts(20_000, rng)]
    lines = as_text(rows).encode().splitlines(keepends=True)
    took = seconds(lambda: filtered(lines, io.BytesIO(), Rule(), "rows"))
    return Line("rule filter", len(lines) / took, "rows/s", 100_000)


def main() -> None:
    """Measure and publish."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    dialogue = Dialogue(tiny_tokenizer())
    model = untrained(BasePlan(), len(dialogue.tokenizer), 0)
    lines = [*sampling(model, dialogue), *training(model, dialogue)]
    lines += [together(dialogue, count) for count in (2, 8)]
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("SUBLEARN_CACHE")
        os.environ["SUBLEARN_CACHE"] = str(Path(folder))
        lines += a_seed()
        os.environ.pop("SUBLEARN_CACHE") if before is None else os.environ.update(SUBLEARN_CACHE=before)
    publish("language", [*lines, the_filter()])


if __name__ == "__main__":
    main()
