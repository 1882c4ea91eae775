"""A small GPT-2 on a CPU, in plain tensor operations: what transformers computes, without what it spends around it.

Two thirds of a step on a model of a few layers and lines of fifty words go into what is around the products. Takes only
models that it computes whole (`takes`); all others are transformers' own.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2LMHeadModel, PreTrainedModel
from transformers.activations import GELUTanh, NewGELUActivation
from transformers.models.gpt2.modeling_gpt2 import GPT2MLP, GPT2Attention, GPT2Block, GPT2Model
from transformers.pytorch_utils import Conv1D

WIDEST = 256
"""Of a wider model the products are most of the work."""
_KNOWN = {GPT2LMHeadModel, GPT2Model, GPT2Block, GPT2Attention, GPT2MLP, Conv1D, GELUTanh, NewGELUActivation}
_KNOWN |= {nn.ModuleList, nn.Embedding, nn.LayerNorm, nn.Linear, nn.Dropout, nn.GELU}
SPARSE = 0.75
"""Keys and values of answers that have ended are dropped when fewer than this share go on: dropping is a copy."""


def takes(model: nn.Module) -> bool:
    """Whether a model is a small GPT-2 on a CPU with nothing in it or around it that is not computed here."""
    if type(model) is not GPT2LMHeadModel or model.device.type != "cpu" or model.config.n_embd > WIDEST:
        return False
    config: Any = model.config
    plain = config.scale_attn_weights and not config.scale_attn_by_inverse_layer_idx and not config.add_cross_attention
    activations = config.activation_function in ("gelu_new", "gelu_pytorch_tanh")
    dropped = model.training and max(config.resid_pdrop, config.embd_pdrop, config.attn_pdrop) > 0
    return bool(plain and activations and not dropped and all(map(_untouched, model.modules())))


def _untouched(module: nn.Module) -> bool:
    """Whether a module is of a known kind, no adapter, and nobody looks at what it gives or changes it."""
    if type(module) not in _KNOWN or (isinstance(module, nn.GELU) and module.approximate != "tanh"):
        return False
    return not (module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def hidden(
    model: PreTrainedModel,
    inputs: Tensor,
    places: Tensor,
    mask: Tensor,
    learned: Tensor,
    added: tuple[int, Tensor] | None = None,
) -> Tensor:
    """What the head reads at the learned places alone ("token width"), of lines and a mask that is added to scores.

    The last block works for these places alone, once its keys and values are there. `added` is a block, counted from
    0, that is not the last, and what is added to what it gives ("line 1 width").
    """
    body, heads = _body(model)
    lines, width = inputs.shape
    mask = mask.expand(-1, heads, -1, -1).reshape(-1, width, width)
    chosen = learned.flatten().nonzero()[:, 0]
    x = body.wte(inputs.flatten()) + body.wpe(places.flatten())
    for number, block in enumerate(body.h, 1):
        q, k, v = _heads(block, x, lines, heads)
        scores = torch.baddbmm(mask.to(q.dtype), q, k.transpose(1, 2), alpha=q.shape[-1] ** -0.5)
        seen = (scores.softmax(dim=-1) @ v).view(lines, heads, width, -1).transpose(1, 2).reshape(x.shape)
        if number == len(body.h):
            seen, x = seen[chosen], x[chosen]
        x = _after(block, x, seen)
        if added is not None and number == added[0] + 1:
            x = (x.view(lines, width, -1) + added[1]).view(x.shape)
    return body.ln_f(x)


def table(model: PreTrainedModel) -> Tensor:
    """The vectors of words that the head multiplies with ("word width")."""
    head = model.get_output_embeddings()
    assert isinstance(head, nn.Linear) and head.bias is None
    return head.weight


class Decoder:
    """Prompts, padded in front, that are read once, and then answered by a token at a time.

    Keys ("row head size place") and values ("row head place size") have room for all that is said; a product with
    keys that lie the other way takes six times as long.
    """

    def __init__(self, model: PreTrainedModel, tokens: Tensor, lengths: Tensor, most: int) -> None:
        self.model, (self.body, self.heads) = model, _body(model)
        self.head: Any = model.get_output_embeddings()
        self.tokens, self.most = tokens, most
        self.start = tokens.shape[1] - lengths
        self.seen = tokens.shape[1]
        self.kept: list[tuple[Tensor, Tensor]] = []
        self.hides = torch.zeros(0)
        self.rows = torch.arange(len(tokens))

    def read(self, copies: Tensor | None = None) -> Tensor:
        """Logits after each prompt ("row word"); `copies` says which prompt each row's is, where rows share some."""
        count, width = self.tokens.shape
        places = torch.arange(width)
        empty = places < self.start[:, None]
        later = torch.ones(width, width, dtype=torch.bool).triu(1)
        # A place sees itself, lest a row of a softmax be empty.
        unseen = (empty[:, None, :] | later) & ~torch.eye(width, dtype=torch.bool)
        mask = self._unseen(unseen)[:, None].expand(-1, self.heads, -1, -1).reshape(-1, width, width)
        copies = self.rows if copies is None else copies
        x = self.body.wte(self.tokens.flatten()) + self.body.wpe((places - self.start[:, None]).clamp_(min=0).flatten())
        for number, block in enumerate(self.body.h, 1):
            q, k, v = _heads(block, x, count, self.heads)
            k = k.transpose(1, 2)
            keys, values = (one.reshape(count, self.heads, *one.shape[1:])[copies] for one in (k, v))
            self.kept.append((F.pad(keys, (0, self.most)), F.pad(values, (0, 0, 0, self.most))))
            last = number == len(self.body.h)
            if last:
                q, mask, x = q[:, -1:], mask[:, -1:], x.view(count, width, -1)[:, -1]
            scores = torch.baddbmm(mask, q, k, alpha=q.shape[-1] ** -0.5)
            seen = (scores.softmax(dim=-1) @ v).view(count, self.heads, -1, q.shape[-1]).transpose(1, 2)
            x = _after(block, x, seen.reshape(x.shape))
        self.hides = self._unseen(F.pad(empty, (0, self.most)))[copies, None, None]
        self.start, self.rows = self.start[copies], torch.arange(len(copies))
        return self.head(self.body.ln_f(x))[copies]

    def step(self, drawn: Tensor) -> Tensor:
        """Logits after one more token of each row that goes on."""
        # Rows that have ended say anything, anywhere within the model's places: nobody reads it.
        given, places = drawn.new_zeros(2, len(self.start))
        given[self.rows], places[self.rows] = drawn, self.seen - self.start[self.rows]
        x = self.body.wte(given) + self.body.wpe(places)
        for block, (keys, values) in zip(self.body.h, self.kept, strict=True):
            q, k, v = (one.view(len(x), self.heads, -1) for one in _qkv(block, x).chunk(3, dim=-1))
            keys[..., self.seen], values[:, :, self.seen] = k, v
            own = slice(0, self.seen + 1)
            scores = q[:, :, None] @ keys[..., own] * q.shape[-1] ** -0.5 + self.hides[..., own]
            seen = (scores.softmax(dim=-1) @ values[:, :, own]).view(len(x), -1)
            x = _after(block, x, seen)
        self.seen += 1
        return self.head(self.body.ln_f(x[self.rows]))

    def keep(self, going: Tensor) -> None:
        """Go on with some of the rows alone."""
        self.rows = self.rows[going]
        if len(self.rows) < SPARSE * len(self.start):
            self.kept = [(keys[self.rows], values[self.rows]) for keys, values in self.kept]
            self.start, self.hides = self.start[self.rows], self.hides[self.rows]
            self.rows = torch.arange(len(self.rows))

    def _unseen(self, which: Tensor) -> Tensor:
        return torch.zeros(which.shape, dtype=self.model.dtype).masked_fill_(which, -torch.inf)


def _body(model: PreTrainedModel) -> tuple[Any, int]:
    return model.base_model, int(model.config.n_head)


def _qkv(block: Any, x: Tensor) -> Tensor:
    return _linear(block.attn.c_attn, block.ln_1(x))


def _heads(block: Any, x: Tensor, lines: int, heads: int) -> Sequence[Tensor]:
    """Queries, keys and values ("line-and-head place size")."""
    parts = _qkv(block, x).view(lines, -1, 3, heads, x.shape[-1] // heads).permute(2, 0, 3, 1, 4)
    return parts.reshape(3, lines * heads, -1, x.shape[-1] // heads).unbind(0)


def _after(block: Any, x: Tensor, seen: Tensor) -> Tensor:
    """The rest of a block, once attention has seen what it may."""
    x = x + _linear(block.attn.c_proj, seen)
    return x + _linear(block.mlp.c_proj, F.gelu(_linear(block.mlp.c_fc, block.ln_2(x)), approximate="tanh"))


def _linear(layer: Any, x: Tensor) -> Tensor:
    return torch.addmm(layer.bias, x, layer.weight)
