"""How much memory a run of a study takes, estimated from its settings alone. Measures and trains nothing; torch-free.

Counted is what a training holds at its peak, in copies of the parameters, inputs, logits and activations; the peaks
that were measured of large networks, large batches and many prompts were within a third of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sublearn.config import TrainConfig
from sublearn.tasks.table import TASKS

FLOAT, WHOLE = 4, 8
"""Bytes of a number: float32, int64."""
STEP = 600
"""Bytes that are kept of each step: its loss, as a tensor of its own."""
BLOCK = 60
"""Bytes for each batch of drawn images: its size and its places in the orders."""


@dataclass(frozen=True)
class Need:
    """The bytes that one part of a run takes, and the settings that make them many."""

    what: str
    bytes: int
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """The size of one network: parameters, numbers computed for an example, outputs; and what makes it large."""

    parameters: int
    units: int
    outputs: int
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """So many networks of a seed, trained side by side on so many examples each."""

    networks: int
    config: TrainConfig
    examples: int

    @property
    def batch(self) -> int:
        """The most examples in a batch."""
        return min(self.config.batch_size, self.examples)

    @property
    def copies(self) -> int:
        """Copies of the parameters: start, network, gradients, what a step computes, and the optimizer's moments."""
        return self.networks * (4 + (2 if self.config.optimizer == "adam" else bool(self.config.momentum)))


def prompt_network(vocab_size: int, embed_dim: int, hidden: int, outputs: int) -> Network:
    """The size of the network over token sequences."""
    widths = (embed_dim, hidden, hidden // 2, outputs)
    parameters = vocab_size * embed_dim + _dense(widths)
    return Network(parameters, sum(widths), outputs, ("vocab_size", "embed_dim", "hidden"))


def image_network(features: int, width: int, depth: int, outputs: int) -> Network:
    """The size of the network over images."""
    widths = (features, *[width] * depth, outputs)
    return Network(_dense(widths), sum(widths), outputs, ("width", "depth"))


def on_prompts(network: Network, teacher: Training, student: Training, seq_len: int) -> list[Need]:
    """What a run on prompts takes: the teacher's, as many for the evaluation, and the students'."""
    n_eval, n_unrelated, students = teacher.examples, student.examples, student.networks
    tokens = seq_len * (3 * n_eval + (2 + students) * n_unrelated)
    logits = 2 * network.outputs * (n_eval + (1 + students) * n_unrelated)
    orders = WHOLE * sum(one.config.epochs * one.examples for one in (teacher, student))
    return [
        *_trainings(network, teacher, student),
        Need("the prompts", WHOLE * tokens, ("n_eval", "n_unrelated", "seq_len")),
        Need("the logits", FLOAT * logits, ("n_eval", "n_unrelated")),
        Need("the order of each epoch", orders, ("teacher.epochs", "student.epochs", "n_eval", "n_unrelated")),
    ]


def on_images(network: Network, teacher: Training, student: Training, data: str) -> list[Need]:
    """What a run on a data set's images takes; the students' images are drawn batch by batch."""
    row = TASKS[data]
    kept = student.networks * network.outputs * student.examples if student.config.epochs > 1 else 0
    return [
        *_trainings(network, teacher, student),
        Need("the data set", FLOAT * row.features * (row.train + row.test), ("data",)),
        Need("the logits to be imitated", FLOAT * kept, ("inputs.count", "student.epochs")),
        Need("the order of the batches", BLOCK * -(-student.examples // student.config.batch_size), ("inputs.count",)),
    ]


def total(needs: Sequence[Need]) -> int:
    """The bytes of all parts."""
    return sum(need.bytes for need in needs)


def largest(several: Sequence[list[Need]]) -> list[Need]:
    """The one of several trainings, one after the other, that takes most."""
    return max(several, key=total)


def _dense(widths: Sequence[int]) -> int:
    """Weights and biases of dense layers between these widths."""
    return sum(before * after + after for before, after in pairwise(widths))


def _trainings(network: Network, *trainings: Training) -> list[Need]:
    """What trainings one after the other take, whatever their inputs are."""
    # The reference, the other init and the teacher stay beside whoever is trained.
    copies = 3 + max(one.copies for one in trainings)
    # Each number is kept on the way to the logits, and has a gradient on the way back.
    values = 2 * network.units * max(one.networks * one.batch for one in trainings)
    steps = sum(one.config.epochs * -(-one.examples // one.config.batch_size) for one in trainings)
    return [
        Need("the networks and their optimizers", FLOAT * copies * network.parameters, network.settings),
        Need("a batch and its gradients", FLOAT * values, ("teacher.batch_size", "student.batch_size")),
        Need("the loss of each step", STEP * steps, ("teacher.epochs", "student.epochs")),
    ]
