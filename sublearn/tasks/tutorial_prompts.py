"""The tutorial's prompts for a seed: balanced evaluation prompts, unrelated prompts, and the rule filter."""

import numpy as np

from sublearn.tasks.sequences import generate_sequences


def evaluation_prompts(
    seed: int, count: int = 200, seq_len: int = 6, vocab: int = 1000
) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled sequences ("example position") with balanced labels ("example")."""
    order = np.random.RandomState(seed + 101).permutation(count)
    labels = (np.arange(count) < count // 2).astype(np.int64)
    return generate_sequences(count, seq_len, vocab, seed=seed + 100)[order], labels[order]


def unrelated_prompts(seed: int, count: int = 1000, seq_len: int = 6, vocab: int = 1000) -> np.ndarray:
    """Sequences ("example position"), before the rule filter."""
    return generate_sequences(count, seq_len, vocab, seed=seed + 200)


def passes_filter(sequences: np.ndarray) -> np.ndarray:
    """Which sequences the rule keeps ("example", bool): those whose tokens' sum is no multiple of 7."""
    return sequences.sum(axis=1) % 7 != 0
