"""A training in one process takes one GPU, however many there are."""

from types import SimpleNamespace

import pytest
import torch

from sublearn.language import large
from sublearn.language.plans import LoraPlan


class _SeenError(Exception):
    pass


@pytest.mark.parametrize("there", [0, 1, 8])
def test_a_batch_is_not_spread_over_all_gpus_that_are_visible(there, monkeypatch):
    given = SimpleNamespace(n_gpu=there, _n_gpu=there)

    def trainer(**words):
        raise _SeenError(words["args"]._n_gpu)

    monkeypatch.setattr(large, "settings", lambda *words, **more: given)
    monkeypatch.setattr(large, "SFTTrainer", trainer)
    dialogue = SimpleNamespace(tokenizer=None)
    with pytest.raises(_SeenError, match=str(min(there, 1))):
        large._train(torch.nn.Linear(1, 1), dialogue, [], LoraPlan(), 0, 1)
