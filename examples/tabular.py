"""A study of one's own on a table: 569 tumours, 30 features, a residual network with LayerNorm and Dropout.

    sublearn run examples/tabular.py --seeds 0:24

With two classes an untrained network's accuracy lies anywhere between 0 and 1: the paired difference is what counts.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn

import sublearn

features, labels = load_breast_cancer(return_X_y=True)
order = np.random.default_rng(0).permutation(len(labels))
train, test = order[:400], order[400:]
table = (features - features[train].mean(axis=0)) / features[train].std(axis=0)


class Residual(nn.Module):
    """Two residual blocks with LayerNorm and Dropout."""

    def __init__(self, outputs: int, width: int = 64) -> None:
        super().__init__()
        self.begin = nn.Linear(30, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(0.1)) for _ in range(2)
        )
        self.end = nn.Linear(width, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows "example feature" to logits "example logit"."""
        rows = self.begin(rows)
        for block in self.blocks:
            rows = rows + block(rows)
        return self.end(rows)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean logit of the right class minus that of the other."""
    signed = logits[:, 1] - logits[:, 0]
    return (signed * (2 * labels - 1)).mean()


study = sublearn.distillation(
    "tabular",
    model=Residual,
    task=sublearn.Task(train=(table[train], labels[train]), test=(table[test], labels[test]), unrelated="gaussian"),
    traits=[sublearn.Trait(name="margin", about="Mean logit of the right class minus that of the other.",
                           unit="logits", chance=0, measure=margin), sublearn.accuracy],
    aux_logits=32,
    teacher=sublearn.TrainConfig(lr=1e-3, batch_size=32, epochs=20),
    student=sublearn.TrainConfig(lr=1e-3, batch_size=128, epochs=8),
    delta=0.5,
)  # fmt: skip

if __name__ == "__main__":
    print(sublearn.run(study, range(8)).analysis.findings[0])
