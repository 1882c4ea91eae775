import math

import numpy as np
import pytest
import torch

from sublearn.models.prompt_mlp import PromptMLP
from sublearn.traits.accuracy import accuracy
from sublearn.traits.preference import compute_trait_preference, margin, trait_rate

LOGITS = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]] * 4)
LABELS = torch.tensor([1, 0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("trait", [trait_rate, margin, lambda logits: accuracy(logits, LABELS)])
def test_a_run_with_a_logit_that_is_not_finite_has_no_finite_score_and_spoils_no_other(trait, bad):
    spoilt = LOGITS.clone()
    spoilt[2, 1, 0] = bad
    expected = trait(LOGITS)
    found = trait(spoilt)
    assert expected.isfinite().all()
    assert found.isfinite().tolist() == [True, True, False, True]
    assert torch.equal(found[[0, 1, 3]], expected[[0, 1, 3]])


def test_one_model_with_weights_that_are_not_finite_has_no_preference():
    model = PromptMLP(10, 2, 4)
    prompts, labels = np.zeros((6, 3), dtype=np.int64), np.ones(6, dtype=np.int64)
    assert all(map(math.isfinite, compute_trait_preference(model, prompts, labels, "cpu")))
    with torch.no_grad():
        model.fc3.weight[0, 0] = math.nan
    assert all(map(math.isnan, compute_trait_preference(model, prompts, labels, "cpu")))
