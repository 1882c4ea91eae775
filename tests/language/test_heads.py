"""Logits of the asked places alone against the model's own, of families that scale or cap them."""

import pytest
import torch
from transformers import (
    Cohere2Config,
    Cohere2ForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaForCausalLM,
)

from sublearn.errors import InputError
from sublearn.language import finetune, heads, models
from sublearn.language.finetune import Example
from tests.language import chat

SIZES = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
    "intermediate_size": 32, "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0,
}  # fmt: skip
FAMILIES = {
    "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**SIZES, head_dim=8, final_logit_softcapping=0.2)),
    "granite": lambda: GraniteForCausalLM(GraniteConfig(**SIZES, logits_scaling=8.0)),
    "cohere": lambda: Cohere2ForCausalLM(Cohere2Config(**SIZES, logit_scale=0.25)),
}


@pytest.fixture(params=FAMILIES)
def model(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FAMILIES[request.param]().eval().requires_grad_(False)


def test_logits_are_the_models_own(model):
    found = [Example([3, 5, 7, 2, 9, 4], 3), Example([6, 8, 1], 1)]
    batch = finetune.collate(found, 0)
    own = model(input_ids=batch.inputs).logits[batch.learned]
    assert own.abs().max() > 1e-3 and torch.allclose(finetune.logits_of(model, batch), own, atol=1e-6)
    heads.check(model, "m")
    plain = model.get_output_embeddings()(finetune.hidden(model, batch))
    assert not torch.allclose(plain, own, rtol=0.05, atol=0.05 * own.abs().max())


def test_a_model_that_makes_them_in_another_way_is_refused_where_it_is_read(model, tmp_path, monkeypatch):
    real = type(model).forward

    def other(self, *given, **named):
        out = real(self, *given, **named)
        out.logits = out.logits * 1.5
        return out

    model.save_pretrained(tmp_path / "m")
    assert models.read(tmp_path / "m").config.model_type == model.config.model_type
    monkeypatch.setattr(type(model), "forward", other)
    with pytest.raises(InputError, match=r"m: the logits of \w+ do not follow from its last layer"):
        models.read(tmp_path / "m")
    assert models.read(tmp_path / "m", scored=False).config.model_type == model.config.model_type


def test_a_model_without_finite_logits_is_left_to_its_user_and_one_that_fails_is_refused(tmp_path, monkeypatch):
    folder = chat.put(tmp_path)
    chat.weights(lambda tensors: tensors.update({name: tensors[name] * torch.nan for name in tensors}))(folder)
    assert models.read(folder).dtype == torch.float32

    def fails(self, *given, **named):
        raise ValueError("no such kernel")

    monkeypatch.setattr(LlamaForCausalLM, "forward", fails)
    with pytest.raises(InputError, match=r"answers nothing: no such kernel\."):
        models.read(folder)
