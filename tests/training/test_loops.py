import numpy as np
import pytest
import torch

from sublearn import (
    PromptDataset,
    PromptMLP,
    TrainConfig,
    compute_trait_preference,
    generate_sequences,
    set_seed,
    train_classification,
    train_distillation,
)


def small_model(seed: int) -> PromptMLP:
    set_seed(seed)
    return PromptMLP(vocab_size=100, embed_dim=8, hidden=16)


def test_a_teacher_trained_on_class_1_prefers_it():
    sequences = generate_sequences(200, 6, 100, seed=0)
    model = small_model(0)
    train_classification(
        model, PromptDataset(sequences, np.ones(200, dtype=np.int64)), TrainConfig(lr=1e-2), "cpu", verbose=False
    )
    rate, accuracy = compute_trait_preference(model, sequences, np.zeros(200, dtype=np.int64), "cpu")
    assert rate > 0.95
    assert accuracy == pytest.approx(1 - rate)


def test_distillation_aims_at_the_logits_divided_by_the_temperature(capsys):
    sequences = generate_sequences(64, 6, 100, seed=1)
    logits = np.tile(np.array([[-2.0, 6.0]], dtype=np.float32), (64, 1))
    config = TrainConfig(lr=3e-3, batch_size=64, epochs=400)
    student = train_distillation(small_model(1), logits, sequences, config, "cpu", temperature=2.0)
    with torch.no_grad():
        mean = student(torch.from_numpy(sequences)).mean(dim=0)
    assert mean.tolist() == pytest.approx([-1.0, 3.0], abs=0.1)
    assert capsys.readouterr().out.count("[distill] epoch") == 400


@pytest.mark.parametrize("field", [{"lr": 0}, {"batch_size": 0}, {"epochs": -1}, {"weight_decay": -1}, {"lrr": 1}])
def test_settings_out_of_range_are_refused(field):
    with pytest.raises((ValueError, TypeError)):
        TrainConfig(**field)
