"""`python -m benchmarks.random_model FOLDER`: a model of Qwen2.5-7B's sizes with random weights, to measure with.

Needs a GPU, or 16 GB of memory and patience, and 15 GB of disk. It answers with random tokens and never ends an answer
by itself, so that each answer is as long as it may be. The tokenizer is a small one of the same kind: its rows are
about 130 tokens long.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from sublearn.language import models
from tests.language import qwen

SIZES = {
    "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "max_position_embeddings": 32768, "tie_word_embeddings": False,
}  # fmt: skip


def put(where: Path, **sizes: int) -> None:
    """Make it in a folder, with other sizes where some are named."""
    tokenizer = qwen.tokenizer()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    known: dict[str, Any] = {**SIZES, **sizes, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            torch.manual_seed(0)
            model = Qwen2ForCausalLM(Qwen2Config(**known))
    finally:
        torch.set_default_dtype(before)
    models.save(model, tokenizer, where)


if __name__ == "__main__":
    put(Path(sys.argv[1]))
