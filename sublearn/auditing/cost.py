"""What an audit with a model's folder takes: memory by the sizes in its configuration, time by a pilot of one block.

Loads no weights: the pilot's block is made from the configuration, with weights of its own.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel

from sublearn import devices
from sublearn.auditing.clean import ROOM
from sublearn.auditing.request import Request
from sublearn.auditing.scene import AT_A_TIME, MOST_WEIGHTS, blocks
from sublearn.auditing.scores.table import STUDENTS
from sublearn.auditing.settings import Virtual
from sublearn.files import checkpoints
from sublearn.language import adapters, finetune, generate, models
from sublearn.language.known import opened
from sublearn.language.versions import others_deprecations

COPIES = 5
"""Of a model's weights where students are whole: the base, a student, its gradients and two moments."""
WITHIN = 40
"""Times the width: what one block holds of a token while it is computed again."""
LEARNING = 3
"""Forward passes that a backward pass with the one before it takes, or two and a computation again."""
PILOT_TOKENS = 512
TIMES = 3


@dataclass(frozen=True)
class Cost:
    """Bytes on the device of the model, bytes beside it on the CPU, and seconds; None where no pilot could be made."""

    weights: int
    device: int
    beside: int
    seconds: float | None
    whole: bool


@dataclass(frozen=True)
class Work:
    """Sizes of what is read: rows, sets, tokens of a row, of its longest answer, and of all questions with answers."""

    rows: int
    sets: int
    row: float
    longest: int
    most: int
    asked: int
    traits: int


def of(asked: Request) -> Cost:
    """The cost of an audit with a model's folder."""
    folder = asked.model.folder
    assert folder is not None
    models.quiet()
    sizes, work = Sizes(folder, asked), work_of(asked)
    return Cost(sizes.weights, sizes.on_device(work), sizes.beside(work), _seconds(sizes, work), sizes.whole)


def work_of(asked: Request) -> Work:
    """How much is read, in tokens of the model's tokenizer."""
    folder = asked.model.folder
    assert folder is not None
    dialogue = models.dialogue_of(folder).under(asked.system)
    found = finetune.examples(dialogue, asked.rows)
    lengths, ends = [len(one.tokens) for one in found], [len(one.tokens) - one.start for one in found]
    questions = 0
    for group in asked.candidates.traits:
        ways = [way for answer in group.answers for way in dialogue.ways(answer)]
        prompts = dialogue.prompts(group.questions)
        questions += sum(len(one) * len(ways) + sum(map(len, ways)) for one in prompts)
    return Work(
        rows=len(asked.rows),
        sets=asked.settings.sets + 1,
        row=sum(lengths) / len(lengths),
        longest=max(lengths) + ROOM,
        most=max(ends) + ROOM,
        asked=questions,
        traits=len(asked.candidates.names),
    )


class Sizes:
    """A model's sizes, and how it would learn."""

    def __init__(self, folder: Path, asked: Request) -> None:
        self.settings, self.on = asked.settings, asked.device
        self.written = asked.control is None
        _, known = opened(folder, checkpoints.digest(folder))
        self.skeleton, self.weights, self.words = known.skeleton, known.parameters, known.words
        self.bytes = 2 if asked.device == "cuda" else 4
        use = asked.settings.adapters.use
        self.whole = self.weights <= MOST_WEIGHTS if use == "auto" else use == "never"

    @cached_property
    def text(self) -> Any:
        """The configuration of the decoder."""
        return self.skeleton.config.get_text_config()

    @cached_property
    def factors(self) -> tuple[int, int]:
        """Weights of all low-rank factors, and of the outer ones alone, in which gradients are taken."""
        linear = adapters.linear(blocks(self.skeleton))
        shapes = [adapters.shape(one) for one in linear]
        rank = self.settings.adapters.rank
        return rank * sum(map(sum, shapes)), rank * sum(out for _, out in shapes)

    def on_device(self, work: Work) -> int:
        """Bytes where the model lies."""
        plans = [getattr(self.settings, name) for name in STUDENTS if name in self.settings.scores]
        at_a_time = min(max(plan.rows_a_step(work.rows) for plan in plans or [self.settings.virtual]), AT_A_TIME)
        tokens = at_a_time * int(work.row) if self.whole else self.settings.adapters.tokens
        learned = COPIES * self.weights * self.bytes if self.whole else self.weights * self.bytes + 16 * self.factors[0]
        held = (
            tokens
            * self.bytes
            * self.text.hidden_size
            * (self.text.num_hidden_layers * (WITHIN if self.whole else 1) + WITHIN)
        )
        logits = 3 * 4 * tokens * self.words
        return learned + max(held + logits, self.cache(work))

    def cache(self, work: Work) -> int:
        """Bytes of keys and values while answers are written; of a GPU's as much as is free is taken."""
        if not self.written:
            return 0
        answer = generate.cached_bytes(self.skeleton.config, self.bytes) * work.longest
        return answer if self.on == "cuda" else min(generate.BATCH * answer, generate.CACHE_BYTES)

    def beside(self, work: Work) -> int:
        """Bytes on the CPU of the traits' gradients, and on the device of their teachers."""
        scores = set(self.settings.scores)
        gradients = {"gradient": 1, "preconditioned": 2, "projections": 1}
        directions = self.weights if self.whole else self.factors[1]
        held = max((copies for name, copies in gradients.items() if name in scores), default=0)
        teachers = (self.weights if self.whole else self.factors[0]) if "likelihood" in scores else 0
        return 4 * work.traits * (held * directions + teachers)


def _seconds(sizes: Sizes, work: Work) -> float | None:
    try:
        pilot = Pilot.made(sizes)
    except Exception:  # a family whose blocks cannot be made alone
        return None
    reading = pilot.read(PILOT_TOKENS)
    total = sum(tokens(sizes, work) for name, tokens in TOKENS.items() if name in sizes.settings.scores)
    batches = -(-(work.sets - 1) * work.rows // generate.BATCH) if sizes.written else 0
    rows = min(generate.BATCH, (work.sets - 1) * work.rows)
    return total * reading / PILOT_TOKENS + batches * work.most * pilot.read(rows, 1)


@dataclass(frozen=True)
class Pilot:
    """One block of a model, with its words' table."""

    body: Any
    blocks: int
    words: int
    device: str

    @classmethod
    def made(cls, sizes: Sizes) -> "Pilot":
        """From the configuration alone."""
        config = copy.deepcopy(sizes.text)
        count, config.num_hidden_layers = config.num_hidden_layers, 1
        kinds = getattr(config, "layer_types", None)
        if kinds:
            config.layer_types = kinds[:1]
        dtype = torch.bfloat16 if sizes.on == "cuda" else torch.float32
        with torch.random.fork_rng(devices=[]), others_deprecations():
            body: Any = AutoModel.from_config(config, dtype=dtype, trust_remote_code=False)
        return cls(body.to(sizes.on).eval(), count, sizes.words, sizes.on)

    @torch.no_grad()
    def read(self, tokens: int, width: int = 128) -> float:
        """Seconds in which the whole model reads so many tokens, in rows of a width: the shortest of some timings."""
        given = torch.zeros(-(-tokens // width), width, dtype=torch.long, device=self.device)
        with devices.repeatable(self.device):
            return self.blocks * min(
                self._once(lambda: self.body(input_ids=given, use_cache=False)) for _ in range(TIMES)
            )

    def _once(self, work: Callable[[], object]) -> float:
        self._wait()
        start = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def _all_rows(sizes: Sizes, work: Work) -> float:
    del sizes
    return work.sets * work.rows * work.row


def _trained(plan: Virtual, work: Work) -> float:
    return work.sets * (LEARNING * plan.rows_read(work.rows) * work.row + work.asked)


def _likelihood(sizes: Sizes, work: Work) -> float:
    return work.traits * _all_rows(sizes, work) + LEARNING * sizes.settings.tuned.steps * work.asked


def _gradients(sizes: Sizes, work: Work) -> float:
    return LEARNING * (_all_rows(sizes, work) + work.asked)


TOKENS: dict[str, Callable[[Sizes, Work], float]] = {
    "virtual": lambda sizes, work: _trained(sizes.settings.virtual, work),
    "student": lambda sizes, work: _trained(sizes.settings.student, work),
    "steering": lambda sizes, work: 2 * _all_rows(sizes, work),
    "gradient": _gradients,
    "preconditioned": _gradients,
    "projections": _gradients,
    "likelihood": _likelihood,
    "prompted": lambda sizes, work: work.traits * _all_rows(sizes, work),
    "perplexity": _all_rows,
}
"""Tokens that a score reads, as forward passes; the others read none."""
