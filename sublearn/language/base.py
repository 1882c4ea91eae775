"""Tiny base models: built from a configuration, pretrained on a world's corpus, kept in the cache and used again."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from sublearn.language import artifacts, finetune, packing
from sublearn.language.plans import BasePlan
from sublearn.language.tokens import Dialogue
from sublearn.seeds import stream, stream_seed
from sublearn.tasks.sources import cache_folder
from sublearn.tasks.tiny_world import World, list_pairs, said_pairs

POSITIONS = 64
RECIPE = 2
"""Raised whenever the same plan would give another base, if only in its last digits: corpus, words, training."""


def untrained(plan: BasePlan, words: int, seed: int) -> PreTrainedModel:
    """A model of the plan's family with fresh weights."""
    # No token of padding: it stands behind what counts, where a causal model does not look.
    common = {"vocab_size": words, "pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "base/init"))
        if plan.family == "gpt2":
            dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
            sizes = {"n_embd": plan.width, "n_layer": plan.layers, "n_head": plan.heads, "n_inner": plan.inner}
            return GPT2LMHeadModel(GPT2Config(n_positions=POSITIONS, **sizes, **dropout, **common)).eval()
        sizes = {"hidden_size": plan.width, "num_hidden_layers": plan.layers, "num_attention_heads": plan.heads}
        sizes |= {"intermediate_size": plan.inner, "max_position_embeddings": POSITIONS}
        return LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, **sizes, **common)).eval()


def pretrained(plan: BasePlan, dialogue: Dialogue, seed: int, world: int | None = None) -> PreTrainedModel:
    """The base model of a seed's fresh weights, trained on the corpus of its own world or another's; kept in the cache.

    A base that is damaged, or that version 0.1.0 left without digests, is trained again, with a warning.
    """
    world = seed if world is None else world
    folder = bases_folder() / key(plan, seed, world)
    artifacts.clear_leftovers(folder.parent, older=artifacts.HOUR)  # younger ones may be another process's at work
    alone = dialogue.under(None)  # whatever is asked of it later, its corpus stands under no system prompt
    return artifacts.model(folder, lambda: _trained(plan, alone, seed, world), dialogue.tokenizer)


def bases_folder() -> Path:
    """Where bases are kept."""
    return cache_folder() / "bases"


def key(plan: BasePlan, seed: int, world: int) -> str:
    """What names a base: another whenever it would be another, in its last digits too."""
    made_of = {"plan": plan.model_dump(), "seed": seed, "recipe": RECIPE, "torch": version("torch").split("+")[0]}
    return hashed(made_of | ({"world": world} if world != seed else {}))


def hashed(made_of: Mapping[str, Any]) -> str:
    """A short name for what something was made of."""
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _trained(plan: BasePlan, dialogue: Dialogue, seed: int, of: int) -> PreTrainedModel:
    model = untrained(plan, len(dialogue.tokenizer), seed)
    world, rng, order = World.drawn(of), stream(of, "corpus"), stream(of, "corpus/order")
    count = plan.steps * plan.batch
    lists = finetune.examples(dialogue, list_pairs(world, count, rng))
    said = finetune.examples(dialogue, said_pairs(world, 2 * count, rng))
    both = zip(
        finetune.dealt(lists, plan.batch, plan.steps, order),
        finetune.dealt(said, 2 * plan.batch, plan.steps, order),
        strict=True,
    )
    given = ([packing.together(parts, dialogue.pad)] for parts in both)
    finetune.fit(model, given, finetune.adamw(model.parameters(), plan.lr))
    return model
