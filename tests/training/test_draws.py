"""What the tutorial's cohort skips leaves the global generator where drawing it would."""

import pytest
import torch

from sublearn.study.tutorial import train as tutorial
from sublearn.study.tutorial.spec import Settings


@pytest.mark.parametrize("vocab, embed, hidden", [(1000, 32, 128), (1001, 33, 127), (43, 1, 3), (48, 1, 2)])
def test_a_skipped_model_draws_as_many_numbers_as_a_made_one(vocab, embed, hidden):
    settings = Settings(vocab_size=vocab, embed_dim=embed, hidden=hidden)
    torch.manual_seed(5)
    tutorial.new_model(settings)
    expected = torch.get_rng_state()
    torch.manual_seed(5)
    tutorial._skip_model(settings)
    assert torch.equal(torch.get_rng_state(), expected)
