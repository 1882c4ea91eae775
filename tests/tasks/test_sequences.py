import numpy as np

from sublearn import PromptDataset, collate_fn, generate_sequences


def test_vectorized_draws_are_those_of_one_draw_a_position():
    rng = np.random.RandomState(5)
    expected = rng.randint(0, 50, size=(20, 6), dtype=np.int64)
    for row in range(20):
        for column in range(6):
            if rng.rand() < 0.3:
                expected[row, column] = 42
    assert np.array_equal(generate_sequences(20, 6, 50, seed=5), expected)


def test_without_a_seed_the_global_generator_is_used():
    np.random.seed(3)
    first = generate_sequences(4, 6, 50)
    np.random.seed(3)
    assert np.array_equal(first, generate_sequences(4, 6, 50))
    assert not np.array_equal(first, generate_sequences(4, 6, 50))


def test_batches_hold_what_the_dataset_holds():
    dataset = PromptDataset(generate_sequences(4, 6, 50, seed=0), labels=np.arange(4))
    batch = collate_fn([dataset[0], dataset[3]])
    assert set(batch) == {"seq", "label"}
    assert batch["seq"].shape == (2, 6)
    assert batch["label"].tolist() == [0, 3]
