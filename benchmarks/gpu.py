"""The studies on a GPU against the same machine's CPU, all cores: what it costs, and that the same comes out.

Needs a CUDA device. MNIST only where SUBLEARN_DATA says that it is at hand.
"""

import os
from collections.abc import Mapping
from typing import Any

import torch

import sublearn
from benchmarks.table import Line, publish, seconds
from sublearn import stats
from sublearn.devices import Precision
from sublearn.results.single import Result

CASES: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "tutorial": (200, {}),
    "prompts": (96, {}),
    "numbers": (2, {}),
    "digits": (16, {"arms": ["same_init", "cross_init"]}),
    "mnist": (16, {"teacher.epochs": 1, "student.epochs": 1, "arms": ["same_init", "cross_init"]}),
}
"""Seeds and settings of each study."""


def run(name: str, device: str, precision: Precision) -> Result:
    """The study's result on a device."""
    count, settings = CASES[name]
    return sublearn.run(sublearn.build(name, settings), range(count), device=device, precision=precision)


def shifts(there: Result, here: Result) -> list[Line]:
    """By how much each student's mean differs between the two, paired by seed, on the trait that the claims are of."""
    trait = here.study.claims[0].trait
    lines = []
    for arm in here.study.arms:
        found = [
            {row.seed: row.value for row in result.records if (row.arm, row.trait) == (arm.name, trait)}
            for result in (there, here)
        ]
        seeds = [seed for seed in found[0] if None not in (found[0][seed], found[1][seed])]
        first, second = ([values[seed] or 0.0 for seed in seeds] for values in found)
        shift = stats.contrast(first, second)
        width = "" if shift.high is None or shift.mean is None else f" (95% CI ± {shift.high - shift.mean:.4f})"
        lines.append(Line(f"  {arm.name} {trait}, GPU minus CPU, {len(seeds)} seeds{width}", shift.mean or 0.0, ""))
    return lines


def case(name: str) -> list[Line]:
    """One study: seconds on the CPU and on the GPU at two precisions, and how far apart the results are."""
    found: dict[str, Result] = {}
    cases: tuple[tuple[str, str, Precision], ...] = (
        ("CPU", "cpu", "highest"),
        ("GPU", "cuda", "highest"),
        ("GPU, precision medium", "cuda", "medium"),
    )
    took = {
        label: seconds(lambda d=device, p=precision, k=label: found.__setitem__(k, run(name, d, p)), 1)
        for label, device, precision in cases
    }
    lines = [Line(f"{name}, {CASES[name][0]} seeds: {label}", value, "s") for label, value in took.items()]
    lines.append(Line(f"{name}: CPU over GPU", took["CPU"] / took["GPU"], "x"))
    return lines + shifts(found["GPU"], found["CPU"])


def main() -> None:
    """Measure and publish. Raises RuntimeError without a GPU."""
    if not torch.cuda.is_available():
        raise RuntimeError("benchmarks gpu needs a CUDA device, and PyTorch finds none here.")
    run("tutorial", "cuda", "highest")  # what CUDA takes to start is no part of the figures
    lines = [Line(f"{torch.cuda.get_device_name()}, cores of the CPU", os.cpu_count() or 0, "")]
    for name in CASES:
        if name == "mnist" and "SUBLEARN_DATA" not in os.environ:
            continue
        lines += case(name)
        publish("gpu", lines)  # after each, so that what was measured is kept


if __name__ == "__main__":
    main()
