from inspect import signature

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from sublearn.errors import SublearnError
from sublearn.language import generate
from sublearn.language.generate import sample

PROMPTS = [[1, 17, 18], [1, 300], [1, 5, 6, 7, 8, 9, 2], [2]] * 3


def test_what_a_row_says_does_not_depend_on_its_batch(model, dialogue):
    said = [sample(model, PROMPTS, 12, np.random.default_rng(0), dialogue, batch_size=size) for size in (1, 2, 5, 512)]
    assert all(other == said[0] for other in said[1:])
    assert len({tuple(row) for row in said[0]}) > 6


def test_the_cache_changes_nothing(model, dialogue):
    rng = np.random.default_rng(1)
    said = sample(model, PROMPTS, 6, np.random.default_rng(1), dialogue)
    chance = rng.random((len(PROMPTS), 6))
    for prompt, own, numbers in zip(PROMPTS, said, chance, strict=True):
        tokens = list(prompt)
        for step in range(6):
            with torch.no_grad():
                p = model(input_ids=torch.tensor([tokens])).logits[0, -1].double().softmax(-1).cumsum(-1)
            tokens.append(int(torch.searchsorted(p, numbers[step] * float(p[-1]))))
            if tokens[-1] == dialogue.end:
                break
        assert own == [token for token in tokens[len(prompt) :] if token != dialogue.end]


def test_the_cache_has_the_name_that_the_models_know(model):
    assert generate.CACHE in signature(type(model).forward).parameters


def test_tokens_come_as_often_as_their_probability(model, dialogue):
    said = sample(model, [[1, 17, 18]] * 4000, 1, np.random.default_rng(2), dialogue)
    with torch.no_grad():
        p = model(input_ids=torch.tensor([[1, 17, 18]])).logits[0, -1].double().softmax(-1).numpy()
    first = np.array([row[0] if row else dialogue.end for row in said])
    groups = np.argsort(p).reshape(-1)[::-1]
    edges = np.searchsorted(p[groups].cumsum(), np.linspace(0, 1, 9)[1:-1]) + 1
    parts = np.split(groups, edges)
    seen = np.array([np.isin(first, part).sum() for part in parts])
    expected = np.array([p[part].sum() for part in parts])
    assert chisquare(seen, expected / expected.sum() * len(first)).pvalue > 1e-4


def test_a_batch_that_does_not_fit_is_halved_with_a_warning(model, dialogue, monkeypatch):
    whole, sampled = sample(model, PROMPTS, 4, np.random.default_rng(0), dialogue), generate._sampled

    def small(model, prompts, *rest):
        if len(prompts) > 6:
            raise torch.OutOfMemoryError("out of memory")
        return sampled(model, prompts, *rest)

    monkeypatch.setattr(generate, "_sampled", small)
    with pytest.warns(UserWarning, match="12 answers at a time do not fit in memory; trying 6"):
        assert sample(model, PROMPTS, 4, np.random.default_rng(0), dialogue) == whole


def test_when_not_even_one_fits_it_is_said(model, dialogue, monkeypatch):
    def never(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(generate, "_sampled", never)
    with pytest.raises(SublearnError, match="one answer at a time"):
        sample(model, PROMPTS[:1], 4, np.random.default_rng(0), dialogue)
