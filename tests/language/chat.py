"""A small chat model on disk, as a user brings one: untrained, made once, copied and then damaged by tests."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from sublearn.language import models
from sublearn.language.tokens import tiny_tokenizer

WEIGHTS, CONFIG = "model.safetensors", "config.json"
WORDS = ("model.embed_tokens.weight", "lm_head.weight")


@cache
def sound(family: str = "llama") -> Path:
    """The folder of a model that `--model` takes; it is copied and never changed."""
    where = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, where, ignore_errors=True)
    tokenizer = tiny_tokenizer()
    common = {"vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    models.quiet()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if family == "gpt2":
            made = GPT2LMHeadModel(GPT2Config(n_positions=512, n_embd=16, n_layer=2, n_head=2, **common))
        else:
            sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
            made = LlamaForCausalLM(LlamaConfig(max_position_embeddings=512, **sizes, **common))
    models.save(made, tokenizer, where / "m")
    return where / "m"


def put(folder: Path, name: str = "m", family: str = "llama") -> Path:
    """A sound model in a folder."""
    return Path(shutil.copytree(sound(family), folder / name))


def config(**changes: Any) -> Callable[[Path], object]:
    """A change of a model's configuration."""

    def change(model: Path) -> None:
        content = json.loads((model / CONFIG).read_text())
        (model / CONFIG).write_text(json.dumps(content | changes))

    return change


def text(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A file of a model with this content."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda model: (model / name).write_bytes(raw)


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    """A change of a model's weights; the dictionary of them is changed in its place."""

    def changed(model: Path) -> None:
        tensors = load_file(model / WEIGHTS)
        change(tensors)
        save_file(tensors, model / WEIGHTS, metadata={"format": "pt"})

    return changed


def head(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """A change of the head of a model's weights alone; the bytes behind it stay."""

    def changed(model: Path) -> None:
        raw = (model / WEIGHTS).read_bytes()
        size = int.from_bytes(raw[:8], "little")
        entries = json.loads(raw[8 : 8 + size])
        change(entries)
        new = json.dumps(entries).encode()
        (model / WEIGHTS).write_bytes(len(new).to_bytes(8, "little") + new + raw[8 + size :])

    return changed


def template(source: str) -> Callable[[Path], object]:
    """Another chat template."""
    return text("chat_template.jinja", source)


def other_words(model: Path) -> None:
    """Make it a model of ten words."""
    weights(
        lambda tensors: tensors.update({name: tensors[name][:10].contiguous() for name in WORDS if name in tensors})
    )(model)
    config(vocab_size=10)(model)
