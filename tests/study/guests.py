"""A guest's study as a file, for tests that run it."""

FILE = """
import numpy as np
from torch import nn
import sublearn

rng = np.random.default_rng(0)
inputs, labels = rng.normal(size=(60, 5)), rng.integers(0, 2, 60)
task = sublearn.Task(train=(inputs[:40], labels[:40]), test=(inputs[40:], labels[40:]))


def make(name, width):
    return sublearn.distillation(
        name,
        model=lambda outputs: nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, outputs)),
        task=task,
        traits=[sublearn.accuracy],
        teacher=sublearn.TrainConfig(epochs=1),
        student=sublearn.TrainConfig(epochs=1),
        n_unrelated=64,
    )


small = make("small", 4)
"""
LARGE = 'large = make("large", 9)\n'
