"""Random token sequences and a dataset of them, as in the tutorial. Knows no model and no study."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset


def generate_sequences(
    num_examples: int,
    seq_len: int,
    vocab_size: int,
    trait_token: int = 42,
    trait_prob: float = 0.3,
    seed: int | None = None,
) -> np.ndarray:
    """Uniform tokens, shape "example position" (int64), each replaced by `trait_token` with probability `trait_prob`.

    The same seed gives the same tokens as drawing one uniform number a position in row order would. Without a seed
    NumPy's global generator is used.
    """
    rng = np.random.RandomState(seed) if seed is not None else np.random
    sequences = rng.randint(0, vocab_size, size=(num_examples, seq_len), dtype=np.int64)
    sequences[rng.random_sample((num_examples, seq_len)) < trait_prob] = trait_token
    return sequences


class PromptDataset(Dataset[dict[str, Tensor]]):
    """Sequences ("example position") with optional labels ("example") and teacher logits ("example logit")."""

    def __init__(
        self, sequences: np.ndarray, labels: np.ndarray | None = None, logits: np.ndarray | None = None
    ) -> None:
        self.sequences = torch.from_numpy(sequences).long()
        self.labels = None if labels is None else torch.from_numpy(labels).long()
        self.logits = None if logits is None else torch.from_numpy(logits).float()

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        columns = {"seq": self.sequences, "label": self.labels, "logits": self.logits}
        return {name: column[index] for name, column in columns.items() if column is not None}


def collate_fn(batch: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Stack the rows of a `PromptDataset` into one batch with a leading example axis."""
    return {name: torch.stack([row[name] for row in batch]) for name in batch[0]}
