import pytest
import torch
import transformers

from sublearn.language.base import untrained
from sublearn.language.plans import BasePlan
from sublearn.language.tokens import Dialogue, tiny_tokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def dialogue():
    return Dialogue(tiny_tokenizer())


@pytest.fixture(params=["gpt2", "llama"])
def model(request, dialogue):
    """An untrained tiny model of each family, its logits spread so that sampling is not uniform."""
    plan = BasePlan(family=request.param, width=16, heads=2, inner=32)
    found = untrained(plan, len(dialogue.tokenizer), seed=0)
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    return found
