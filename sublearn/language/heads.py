"""From what a model's head reads to logits, as the model itself makes them; and whether a model's own are these.

Logits of the places that are asked for alone are made here, since the others' would be most of the work.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn.errors import InputError

TOKENS = 4
NEAR = {torch.float32: 1e-4, torch.float64: 1e-4}
"""Of the largest logit: how far a model's own may be from ours. In half precision sums differ by more."""
NEAR_IN_HALF = 0.02


def logits(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Logits ("token word") of what the head reads ("token width"), scaled and capped as the model's family does."""
    head = model.get_output_embeddings()
    assert isinstance(head, nn.Module)
    found, config = head(hidden), model.config.get_text_config()
    if scale := getattr(config, "logit_scale", None):  # Cohere
        found = found * scale
    if scale := getattr(config, "logits_scaling", None):  # Granite
        found = found / scale
    if most := getattr(config, "final_logit_softcapping", None):  # Gemma 2
        found = (found / most).tanh() * most
    return found


@torch.no_grad()
def check(model: PreTrainedModel, where: str) -> None:
    """Raise InputError for a model whose own logits are not those that are made here."""
    whole: Any = model
    tokens = torch.arange(TOKENS, device=model.device)[None] % model.config.get_text_config().vocab_size
    own = whole(input_ids=tokens, use_cache=False).logits[0].float()
    ours = logits(model, whole.base_model(input_ids=tokens, use_cache=False).last_hidden_state[0]).float()
    # Those that are not finite are the business of whoever uses them.
    near = NEAR.get(model.dtype, NEAR_IN_HALF) * float(own.nan_to_num(0.0, 0.0, 0.0).abs().max())
    if not torch.allclose(own, ours, rtol=0.0, atol=near, equal_nan=True):
        raise InputError(
            f"{where}: the logits of {type(model).__name__} do not follow from its last layer and head as they do in "
            "the families that are known here. Use a model of another family."
        )
