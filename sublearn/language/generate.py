"""Sampling at temperature 1 from a causal language model, in batches, with a cache of keys and values.

A row's random numbers are its own: what it says does not depend on the batch it is sampled in.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicCache

from sublearn.errors import SublearnError
from sublearn.language import gpt2
from sublearn.language.tokens import Dialogue
from sublearn.language.versions import argument

BATCH = 512
BLOCK = 32
"""Words whose probabilities are added up first where one is drawn: cumulating a thousand takes longer than a layer."""
CACHE_BYTES = 2 << 30
"""Of keys and values at a time on a CPU; a GPU gives half of what is free."""
CACHE = argument(GPT2LMHeadModel.forward, "cache", "past_key_values")
"""The argument that takes the cache of keys and values: transformers 5.24 renamed it in all of its models."""


def sample(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    most: int,
    rng: np.random.Generator,
    dialogue: Dialogue,
    batch_size: int = BATCH,
) -> list[list[int]]:
    """At most so many tokens after each prompt, without the one that ends them."""
    return said(model, prompts, rng.random((len(prompts), most), dtype=np.float64), dialogue, batch_size)


@torch.no_grad()
def said(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    chance: NDArray[np.float64],
    dialogue: Dialogue,
    batch_size: int = BATCH,
) -> list[list[int]]:
    """The same by given random numbers ("prompt token"). Prompts that come often, side by side, are read once."""
    model.eval()
    # Prompts of like length side by side need little padding.
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    found: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        tokens = _that_fit(model, [prompts[row] for row in rows], torch.from_numpy(chance[rows]), dialogue)
        for row, own in zip(rows, tokens, strict=True):
            found[row] = own
    return found


def rows_at_a_time(model: PreTrainedModel, length: int) -> int:
    """How many answers of so many tokens, prompts included, have room for their keys and values; at most `BATCH`."""
    room = CACHE_BYTES if model.device.type == "cpu" else torch.cuda.mem_get_info()[0] // 2
    return max(1, min(BATCH, room // (cached_bytes(model.config, model.dtype.itemsize) * length)))


def cached_bytes(config: PreTrainedConfig, itemsize: int) -> int:
    """The bytes of one token's keys and values."""
    text: Any = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    wide = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return 2 * text.num_hidden_layers * heads * wide * itemsize


def _that_fit(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], chance: Tensor, dialogue: Dialogue
) -> list[list[int]]:
    """Sampled all at once, or in halves where they do not fit in the device's memory."""
    try:
        return _sampled(model, prompts, chance, dialogue.end, dialogue.pad)
    except torch.OutOfMemoryError:
        if len(prompts) == 1:
            raise SublearnError("Out of GPU memory with one answer at a time. Use a smaller model.") from None
    half = len(prompts) // 2
    warnings.warn(f"{len(prompts)} answers at a time do not fit in memory; trying {half}.", stacklevel=2)
    torch.cuda.empty_cache()
    parts = (prompts[:half], chance[:half]), (prompts[half:], chance[half:])
    return [row for part in parts for row in _that_fit(model, *part, dialogue)]


def _sampled(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], chance: Tensor, end: int, pad: int
) -> list[list[int]]:
    device = model.device
    longest, most = max(map(len, prompts)), chance.shape[1]
    chance = chance.to(device)
    tokens = torch.tensor([[pad] * (longest - len(one)) + list(one) for one in prompts], device=device)
    lengths = torch.tensor([len(one) for one in prompts], device=device)
    said = torch.full((len(prompts), most), end, device=device)
    alive = torch.arange(len(prompts), device=device)
    first, copies = _once(prompts, device)
    decoder = (gpt2.Decoder if gpt2.takes(model) else _Decoder)(model, tokens[first], lengths[first], most)
    logits = decoder.read(copies)
    for step in range(most):
        drawn = _drawn(logits, chance[alive, step])
        said[alive, step] = drawn
        going = (drawn != end).nonzero().flatten()
        if len(going) == 0 or step + 1 == most:
            break
        if len(going) < len(alive):
            # Rows that have ended cost nothing more.
            decoder.keep(going)
            alive, drawn = alive[going], drawn[going]
        logits = decoder.step(drawn)
    return [row[: row.index(end)] if end in row else row for row in said.tolist()]


class _Decoder:
    """Any model of transformers: prompts, padded in front, are read once, then answered by a token at a time."""

    def __init__(self, model: PreTrainedModel, tokens: Tensor, lengths: Tensor, most: int) -> None:
        self.forward: Any = model
        self.tokens, self.seen = tokens, tokens.shape[1]
        places = torch.arange(self.seen + most, device=tokens.device) - (self.seen - lengths[:, None])
        self.mask, self.position = (places >= 0).long(), places.clamp_(min=0)
        self.cache = DynamicCache(config=model.config)

    def read(self, copies: Tensor | None = None) -> Tensor:
        """Logits after each prompt ("row word"); `copies` says which prompt each row's is, where rows share some."""
        logits = self._next(self.tokens, slice(0, self.seen))
        if copies is None:
            return logits
        self.keep(copies)
        return logits[copies]

    def step(self, drawn: Tensor) -> Tensor:
        """Logits after one more token of each row."""
        self.seen += 1
        return self._next(drawn[:, None], slice(self.seen - 1, self.seen))

    def keep(self, going: Tensor) -> None:
        """Go on with some of the rows alone."""
        self.cache.batch_select_indices(going)
        self.mask, self.position = self.mask[going], self.position[going]

    def _next(self, given: Tensor, own: slice) -> Tensor:
        out = self.forward(
            input_ids=given,
            attention_mask=self.mask[:, : self.seen],
            position_ids=self.position[:, own],
            use_cache=True,
            logits_to_keep=1,
            **{CACHE: self.cache},
        )
        return out.logits[:, -1]


def _once(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """The rows whose prompts are read, and which of these each row's is; None where most differ and all are read."""
    places: dict[tuple[int, ...], int] = {}
    copies = [places.setdefault(tuple(one), len(places)) for one in prompts]
    if 2 * len(places) > len(prompts):
        return torch.arange(len(prompts), device=device), None
    first = [copies.index(place) for place in range(len(places))]
    return torch.tensor(first, device=device), torch.tensor(copies, device=device)


def _drawn(logits: Tensor, chance: Tensor) -> Tensor:
    """One token a row: where the cumulated probabilities pass that row's random number, first by blocks of words."""
    p = F.pad(logits.float().softmax(dim=-1), (0, -logits.shape[-1] % BLOCK)).unflatten(-1, (-1, BLOCK))
    blocks = p.sum(dim=-1).double().cumsum(dim=-1)
    # Times the last one, which rounding leaves beside 1; so within a block.
    block, share = _passed(blocks, (chance * blocks[:, -1])[:, None])
    inside = p.gather(1, block[..., None].expand(-1, -1, BLOCK))[:, 0].double().cumsum(dim=-1)
    place, _ = _passed(inside, share * inside[:, -1:])
    return (block * BLOCK + place)[:, 0].clamp_(max=logits.shape[-1] - 1)


def _passed(cumulated: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Where cumulated sums reach what is wanted, and which share of the last summand that takes."""
    place = torch.searchsorted(cumulated, wanted).clamp_(max=cumulated.shape[1] - 1)
    before, reached = F.pad(cumulated, (1, 0)).gather(1, place), cumulated.gather(1, place)
    return place, ((wanted - before) / (reached - before)).clamp_(0, 1)
