"""How fast a machine was, as measured in a run or a probe, and how long a run would take there. Torch-free."""

import platform
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from sublearn.config import Spec
from sublearn.execution.plan import time_text
from sublearn.files.reading import json_file, typed
from sublearn.pipeline.how import How
from sublearn.pipeline.lesson import Pace
from sublearn.pipeline.servers import Kind
from sublearn.pipeline.spec import Settings
from sublearn.tasks.vocabulary import questions

FILE = "throughput.json"
LEAST_ANSWERS, LEAST_STEPS = 16, 2
"""Of fewer, nothing is said."""
UNMEASURED = "Time: not measured here. --probe FILE measures it, and --throughput FILE uses what was measured."


class Throughput(Spec, frozen=True):
    """What was measured, of which model, where, with how many GPUs."""

    machine: str
    gpus: int = Field(ge=1)
    server: Kind
    model: str
    start_s: float = Field(gt=0, description="from a server's start to its first answer")
    answers_per_s: float = Field(gt=0)
    tokens_per_answer: float = Field(ge=0)
    load_s: float = Field(ge=0, description="of a training, beside its steps")
    rows_per_s: float = Field(gt=0, description="rows trained on")
    gigabytes: float | None = Field(default=None, description="the most memory of a GPU in training")

    def lines(self, settings: Settings, how: How, runs: float) -> Iterator[str]:
        """About how long so many runs take; where another number of GPUs was measured, with that many."""
        asked = 2 * settings.prompts + 4 * len(questions("animal")) * settings.ask.samples
        steps = settings.lora.steps(settings.rows)
        starts = 2 if self.server == "vllm" else 4
        parts = {
            "server starts": starts * self.start_s,
            "answers": asked / self.answers_per_s,
            "training": 2 * (self.load_s + steps * settings.lora.batch / self.rows_per_s),
        }
        said = ", ".join(f"{name} {time_text(seconds)}" for name, seconds in parts.items())
        yield f"Time: about {time_text(runs * sum(parts.values()))} ({said} a seed), from throughput measured"
        yield f"  with {self.gpus} of {self.machine}, {self.server}, {self.model}:"
        yield f"  {self.answers_per_s:.3g} answers and {self.rows_per_s:.3g} trained rows a second."
        if (self.gpus, self.server, self.model) != (how.gpus, how.kind, settings.model):
            yield f"  Not measured: {settings.model} with --gpus {how.gpus} by {how.kind}, which is what is asked for."


def read(path: Path) -> Throughput:
    """A measured throughput. Raises InputError for a file that holds none."""
    return typed(Throughput, json_file(path, "the throughput"), str(path))


class Tally:
    """What a run measures on its way."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.answers, self.answer_s, self.tokens = 0, 0.0, 0.0
        self.rows, self.row_s, self.loads, self.gigabytes = 0, 0.0, list[float](), None

    def started(self, seconds: float) -> None:
        """A server's start."""
        self.starts.append(seconds)

    def answered(self, count: int, seconds: float, tokens: float) -> None:
        """So many new answers."""
        self.answers, self.answer_s, self.tokens = self.answers + count, self.answer_s + seconds, tokens

    def trained(self, pace: Pace, batch: int, seconds: float) -> None:
        """A training, by the steps that were timed."""
        if pace.timed:
            a_step = pace.seconds / pace.timed
            self.rows, self.row_s = self.rows + pace.timed * batch, self.row_s + pace.seconds
            self.loads.append(max(0.0, seconds - (pace.timed + 1) * a_step))
            self.gigabytes = pace.gigabytes

    def throughput(self, how: How, model: str, on_gpu: bool) -> Throughput | None:
        """What was measured; None where it was too little."""
        if not (self.starts and self.answers >= LEAST_ANSWERS and self.answer_s > 0 and self.row_s > 0 and self.loads):
            return None
        return Throughput(
            machine=machine(on_gpu),
            gpus=how.gpus,
            server=how.kind,
            model=model,
            start_s=sum(self.starts) / len(self.starts),
            answers_per_s=self.answers / self.answer_s,
            tokens_per_answer=self.tokens,
            load_s=sum(self.loads) / len(self.loads),
            rows_per_s=self.rows / self.row_s,
            gigabytes=self.gigabytes,
        )


def machine(on_gpu: bool) -> str:
    """What computed, in a few words."""
    if not on_gpu:
        return f"{platform.machine()} CPU"
    import torch

    return torch.cuda.get_device_name(0)
