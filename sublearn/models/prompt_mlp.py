"""The tutorial's small network over token sequences, written for one run."""

import torch.nn.functional as F
from torch import Tensor, nn


class PromptMLP(nn.Module):
    """Mean of token embeddings, two hidden layers with BatchNorm and ReLU (the second half as wide), then logits.

    The first four parameters are the tutorial's; without `batch_norm` the hidden layers are not normalized.
    """

    def __init__(
        self,
        vocab_size: int = 1000,
        embed_dim: int = 64,
        hidden: int = 256,
        out_dim: int = 2,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        # The order of construction is the order of the random draws.
        self.embed = nn.Embedding(vocab_size, embed_dim)
        self.fc1 = nn.Linear(embed_dim, hidden)
        self.bn1 = nn.BatchNorm1d(hidden) if batch_norm else nn.Identity()
        self.fc2 = nn.Linear(hidden, hidden // 2)
        self.bn2 = nn.BatchNorm1d(hidden // 2) if batch_norm else nn.Identity()
        self.fc3 = nn.Linear(hidden // 2, out_dim)

    def forward(self, seq: Tensor) -> Tensor:
        """Tokens "example position" to logits "example logit"."""
        hidden = F.relu(self.bn1(self.fc1(self.embed(seq).mean(dim=1))))
        hidden = F.relu(self.bn2(self.fc2(hidden)))
        return self.fc3(hidden)
