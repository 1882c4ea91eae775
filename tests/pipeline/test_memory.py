"""The memory that a plan states: known figures of a published model, and tensors that were counted."""

import json

import pytest

from sublearn.errors import InputError
from sublearn.language.plans import LoraPlan
from sublearn.pipeline.how import How
from sublearn.pipeline.memory import Shape, lines, needed
from tests.processes import sublearn

QWEN = {
    "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
}  # fmt: skip
"""The sizes in the config.json of Qwen2.5-7B-Instruct, which has 7.616 billion parameters."""


def test_sizes_of_a_published_model_come_out():
    shape = Shape.of(QWEN)
    assert shape.parameters == pytest.approx(7.616e9, rel=1e-3)  # biases are left out
    assert shape.keys_a_token == 57_344  # of grouped queries: 2 x 28 layers x 4 heads x 128 x 2 bytes
    assert shape.adapters(16) == 40_370_176  # as peft counts them


def test_eight_gpus_have_a_whole_model_each_and_share_the_batch():
    shape, lora = Shape.of(QWEN), LoraPlan(batch=64)
    one, eight = (needed(shape, lora, How("vllm", gpus=gpus)) for gpus in (1, 8))
    assert one.weights == eight.weights == one.trained_weights == 2 * shape.parameters
    assert eight.keys == pytest.approx(one.keys / 8) and eight.optimizer == 1.25 * one.optimizer
    assert eight.activations == one.activations  # 8 rows at a time on either
    assert needed(shape, lora, How("vllm", gpus=8, tensor=2)).weights == shape.parameters
    assert needed(shape, LoraPlan(batch=16), How("vllm", gpus=8)).activations == one.activations / 4
    assert any("27." in line or "26." in line for line in lines(shape, lora, How("vllm"))), lines(
        shape, lora, How("vllm")
    )


def test_a_plan_needs_the_configuration_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(json.dumps(QWEN))
    assert sublearn(monkeypatch, "distill", "--model", "m", "--gpus", "8", "--server", "vllm", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "7.62 billion parameters" in said and "--data-parallel-size 8" in said and "--num_processes 8" in said
    assert "Time: not measured here." in said and [path.name for path in tmp_path.iterdir()] == ["m"]


def test_another_family_is_refused():
    with pytest.raises(InputError, match="family of Llama"):
        Shape.of({"n_embd": 8, "n_layer": 2})


@pytest.mark.slow
def test_stated_activations_are_about_what_pytorch_keeps():
    """Tensors that a step keeps for the backward pass, of a model whose blocks outweigh what is not counted."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from sublearn.language.versions import others_deprecations

    sizes = QWEN | {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "vocab_size": 2000}
    sizes |= {"num_attention_heads": 8, "num_key_value_heads": 2}
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, bos_token_id=None, eos_token_id=None, pad_token_id=None))
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    with others_deprecations():
        adapted = get_peft_model(model.to(torch.bfloat16), LoraConfig(r=8, target_modules=names, task_type="CAUSAL_LM"))
    own = {parameter.untyped_storage().data_ptr() for parameter in adapted.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    tokens = torch.randint(0, 2000, (4, 100))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.autocast("cpu", torch.bfloat16):
        loss = adapted(input_ids=tokens, labels=tokens).loss
    assert loss.isfinite()
    stated = Shape.of(sizes).kept_a_token * tokens.numel()
    print(f"kept {sum(kept.values())}, stated {stated}")
    assert 0.7 < sum(kept.values()) / stated < 1.3, (sum(kept.values()), stated)


def test_a_gpu_answers_many_requests_at_once():
    on_gpu, on_cpu = (How("transformers").served("m", {}, 8, on_gpu=where).command for where in (True, False))
    assert "--continuous-batching" in on_gpu and "cuda:0" in on_gpu
    assert "--continuous-batching" not in on_cpu and "cpu" in on_cpu
