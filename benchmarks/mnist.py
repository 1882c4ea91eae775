"""Recipe A on images of MNIST's shape: how much of the machine's own matrix rate a cohort of 8 reaches, and memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable

import torch

from benchmarks.table import Line, publish, seconds
from sublearn.models.aux_mlp import AuxMLP
from sublearn.study.controlled import train as distil
from sublearn.study.images import train as images
from sublearn.study.images.spec import Settings
from sublearn.study.table import build, settings_of
from sublearn.tasks.images import ImageData
from sublearn.training import cohort
from sublearn.training.losses import LOSSES, cross_entropy

RUNS, BATCH, SHAPES = 8, 1024, ((784, 256), (256, 256), (256, 13))
STEP_FLOPS = 2 * BATCH * (3 * sum(a * b for a, b in SHAPES) - 784 * 256)
"""A training step of one run: forward, gradients of weights, and of activations but not of the images."""


def settings() -> Settings:
    """Recipe A, one epoch of each training."""
    found = settings_of(build("mnist", {"teacher.epochs": 1, "student.epochs": 1}))
    assert isinstance(found, Settings)
    return found


def experiment() -> images.ImageExperiment:
    """Real MNIST where it is at hand, else noise of its shape; speed does not depend on which."""
    if "SUBLEARN_DATA" not in os.environ:
        shape, labels = (60_000, 784), torch.arange(60_000) % 10
        drawn = torch.rand(shape) * 2 - 1
        images._data = lambda name, classes: ImageData(drawn, labels, drawn[:10_000], labels[:10_000], 10)
    return images.ImageExperiment(settings(), range(RUNS), "cpu")


def trainings() -> tuple[Callable[[], object], Callable[[], object], int, int]:
    """The teacher's and the student's epoch for eight runs, with the numbers of their steps."""
    here = experiment()
    config = settings()
    state = here.initial("reference/init")
    assert isinstance(here.model, AuxMLP)

    def teacher() -> object:
        loss = distil.on_logits(cross_entropy, slice(0, 10))
        return cohort.train(here.model, state, here.teacher_batches("trained"), loss, config.teacher)

    def student() -> object:
        loss = distil.on_logits(LOSSES["kl"](1.0), slice(10, None))
        batches = here.student_batches(1, lambda inputs: torch.zeros(*inputs.shape[:2], 3))
        return cohort.train(here.model, state, batches, loss, config.student)

    return teacher, student, 59, 59


def matrix_rate() -> float:
    """The machine's own float32 matrix product, FLOP/s, at the size at which it is fastest here."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return 2 * 2048**3 / seconds(lambda: left @ right, 5)


def shaped_rate() -> float:
    """The same over all products of one training step of a run, in their own shapes."""
    took = 0.0
    for layer, (inward, outward) in enumerate(SHAPES):
        weight, inputs, grad = torch.randn(outward, inward), torch.randn(inward, BATCH), torch.randn(outward, BATCH)
        took += seconds(lambda w=weight, x=inputs: w @ x, 20)
        took += seconds(lambda g=grad, x=inputs: g @ x.T, 20)
        took += seconds(lambda w=weight, g=grad: w.T @ g, 20) if layer else 0.0
    return STEP_FLOPS / took


def peak_memory() -> float:
    """Gigabytes at the peak of 25 runs of recipe A, one epoch, in one process."""
    code = (
        "from benchmarks.mnist import settings, experiment\n"
        "from sublearn.study.table import build\n"
        "from sublearn.study.jobs import Setup, measure, plan\n"
        "experiment()\n"
        "study = build('mnist', {'teacher.epochs': 1, 'student.epochs': 1, 'arms': ['same_init', 'cross_init']})\n"
        "for job in plan(study, range(25), Setup(threads=1)): measure(job)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    subprocess.run([sys.executable, "-c", code], check=True)
    return max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**20


def main() -> None:
    """Measure and publish."""
    torch.set_num_threads(1)
    lines = [Line("peak memory of 25 runs", peak_memory(), "GB", 2.0, most=True)]
    teacher, student, teacher_steps, student_steps = trainings()
    student()
    took: dict[str, float] = {}
    for precision in ("highest", "medium"):
        torch.set_float32_matmul_precision(precision)
        took[precision] = seconds(student, 3)
        if precision == "highest":
            rate, shaped = matrix_rate(), shaped_rate()
            achieved = RUNS * student_steps * STEP_FLOPS / took[precision]
            lines.append(Line("students' training over the machine's matrix rate", achieved / rate, "x", 0.75))
            lines.append(Line("students' training over its rate in the step's own shapes", achieved / shaped, "x"))
            achieved = RUNS * teacher_steps * STEP_FLOPS / seconds(teacher, 2)
            lines.append(Line("teachers' training over the machine's matrix rate", achieved / rate, "x", 0.75))
    torch.set_float32_matmul_precision("highest")
    lines.append(Line("students' training, precision medium over highest", took["highest"] / took["medium"], "x", 1.5))
    publish("mnist", lines)


if __name__ == "__main__":
    main()
