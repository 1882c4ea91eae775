"""What a seed of each study costs on one core, against a seed of the tutorial by its own way."""

import os

import torch

import sublearn
from benchmarks.table import Line, publish, seconds
from sublearn.study.jobs import Setup, measure, plan
from sublearn.study.table import STUDIES, build, runs_at_once

ONE_THREAD = Setup(threads=1)


def cost(name: str) -> float:
    """Seconds a seed of one full cohort, all arms, one thread."""
    study = build(name)
    count = runs_at_once(study, "cpu")
    jobs = plan(study, range(count), ONE_THREAD)
    return seconds(lambda: [measure(job) for job in jobs], 1) / count


def main() -> None:
    """Measure and publish; MNIST and Fashion-MNIST only where SUBLEARN_DATA says that they are at hand."""
    torch.set_num_threads(1)
    sublearn.run_pipeline(0)
    own = seconds(lambda: sublearn.multi_seed_experiment(range(8))) / 8
    lines = []
    for name in STUDIES:
        if build(name).settings.get("data") in ("mnist", "fashion-mnist") and "SUBLEARN_DATA" not in os.environ:
            continue
        took = cost(name)
        lines.append(Line(f"{name}: a seed, all arms", took, "s"))
        lines.append(Line(f"{name}: over a seed of the tutorial's own way", took / own, "x"))
    publish("studies", lines)


if __name__ == "__main__":
    main()
