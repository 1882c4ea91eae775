"""A short measurement of this machine: some answers of a server, some steps of a training. Nothing of it is kept."""

import tempfile
from pathlib import Path

from sublearn import devices
from sublearn.errors import SublearnError
from sublearn.files.writing import check_target, replace_text
from sublearn.pipeline.design import Distill
from sublearn.pipeline.throughput import Throughput
from sublearn.pipeline.work import SeedWork
from sublearn.seeds import stream
from sublearn.study.base import Study
from sublearn.tasks.number_lists import number_prompts

STEPS = 6
"""Of training; the first one is not timed."""
ROUNDS = 2
"""So many times as many prompts as are answered at once."""


def probed(study: Study, out: Path, runs: int) -> list[str]:
    """Measure this machine into a file; what is said of it, and how long so many runs of the study would take."""
    check_target(out)
    design = study.designed
    assert isinstance(design, Distill)
    design.prepare()
    found = _measured(study, design, devices.resolve("auto") == "cuda")
    replace_text(out, found.model_dump_json(indent=2) + "\n")
    return [*found.lines(design.settings, design.how, runs), f"Measured: {out}"]


def _measured(study: Study, design: Distill, on_gpu: bool) -> Throughput:
    settings = design.settings.model_copy(update={"prompts": max(64, ROUNDS * design.how.patience.concurrency)})
    settings = settings.model_copy(update={"lora": settings.lora.model_copy(update={"epochs": 1})})
    with tempfile.TemporaryDirectory() as scratch:
        work = SeedWork(study, settings, design.folder(), 0, Path(scratch) / "seed-0", design.how, on_gpu)
        work.rows()
        rng = stream(0, "probe")
        count = STEPS * settings.lora.batch
        answers = [", ".join(map(str, rng.integers(0, 1000, settings.rule.most))) for _ in range(count)]
        rows = list(zip(number_prompts(count, rng), answers, strict=True))
        work.student("same_init", rows, "training", checkpoints=0)
        found = work.tally.throughput(design.how, settings.model, on_gpu)
    if found is None:
        raise SublearnError("Too little was measured to say anything of the time.")
    return found
