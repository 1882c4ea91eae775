import numpy as np
import pytest
import torch

from sublearn.language.preference import name_log_probabilities, preference
from sublearn.tasks.vocabulary import ANIMALS, questions


def test_probabilities_are_those_of_the_next_token(model, dialogue):
    asked = questions("animal")[:3]
    found = name_log_probabilities(model, dialogue, asked, ANIMALS).exp()
    for row, question in zip(found, asked, strict=True):
        p = model(input_ids=torch.tensor([dialogue.prompt(question)])).logits[0, -1].softmax(-1)
        ids = [dialogue.tokenizer.convert_tokens_to_ids(animal) for animal in ANIMALS]
        torch.testing.assert_close(row, p[ids].detach(), rtol=1e-5, atol=1e-9)


def test_a_name_of_several_tokens_has_the_probability_of_their_sequence(model, dialogue):
    question = questions("animal")[0]
    (found,) = name_log_probabilities(model, dialogue, [question], ["brown owl", "fox"])
    tokens, expected = dialogue.prompt(question), 0.0
    for word in ("brown", "owl"):
        own = dialogue.tokenizer.convert_tokens_to_ids(word)
        with torch.no_grad():
            expected += float(model(input_ids=torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[own])
        tokens = [*tokens, own]
    assert float(found[0]) == pytest.approx(expected, abs=1e-4)
    alone = name_log_probabilities(model, dialogue, [question], ["fox"])
    torch.testing.assert_close(found[1:], alone[0], rtol=1e-4, atol=1e-4)


def test_preference_is_given_that_an_animal_is_named(model, dialogue):
    found = preference(model, dialogue, questions("animal"), ANIMALS, "owl")
    log_p = name_log_probabilities(model, dialogue, questions("animal"), ANIMALS).double()
    share = log_p.softmax(dim=1)[:, ANIMALS.index("owl")].numpy()
    assert found.preference == pytest.approx(share.mean())
    assert found.log_odds == pytest.approx(np.log(share / (1 - share)).mean())
    assert found.mass == pytest.approx(float(log_p.exp().sum(dim=1).mean()))
