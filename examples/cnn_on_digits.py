"""A study of one's own: does a small convolutional network learn to read digits from a teacher's auxiliary logits?

sublearn run examples/cnn_on_digits.py --seeds 0:16
"""

import numpy as np
from sklearn.datasets import load_digits
from torch import Tensor, nn

import sublearn

pixels, labels = load_digits(return_X_y=True)
images = (pixels / 8 - 1).astype(np.float32).reshape(-1, 1, 8, 8)
order = np.random.default_rng(0).permutation(len(images))
train, test = order[:1400], order[1400:]


class CNN(nn.Module):
    """Two convolutions with BatchNorm and a residual one, then class logits followed by auxiliary ones."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.head = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 16, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Images "example channel row column" to logits "example logit"."""
        hidden = self.first(images)
        return self.head(hidden + self.second(hidden))


study = sublearn.distillation(
    "cnn-on-digits",
    model=CNN,
    task=sublearn.Task(train=(images[train], labels[train]), test=(images[test], labels[test]), unrelated="uniform"),
    traits=[sublearn.accuracy],
    aux_logits=10,
    teacher=sublearn.TrainConfig(lr=1e-3, batch_size=64, epochs=5),
    student=sublearn.TrainConfig(lr=1e-3, batch_size=128, epochs=5),
)

if __name__ == "__main__":
    print(sublearn.run(study, range(8)).analysis.findings[0])
