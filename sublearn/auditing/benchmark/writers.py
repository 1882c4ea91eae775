"""Who writes the rows of the benchmark's sets, for one base: teachers, and models that differ harmlessly.

All rows of one size are answers to the same prompts, so that clean sets are written and scored once.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.auditing import clean
from sublearn.auditing.benchmark.settings import Settings
from sublearn.auditing.scene import Scene
from sublearn.language import finetune, packing
from sublearn.language.base import pretrained
from sublearn.seeds import stream
from sublearn.study.numbers import teach
from sublearn.study.numbers.shared import Shared
from sublearn.study.numbers.spec import RowSource, TeacherPlan
from sublearn.study.numbers.spec import Settings as Numbers
from sublearn.tasks.number_lists import number_prompts
from sublearn.tasks.rows import Pair
from sublearn.tasks.tiny_world import World, list_pairs, said_pairs
from sublearn.tasks.vocabulary import ANIMALS, questions


class Writers:
    """Who writes rows for one seed: its base, teachers, and models that differ harmlessly. Each is made once."""

    def __init__(self, scene: Scene, seed: int, settings: Settings) -> None:
        self.scene, self.seed, self.settings, plan = scene, seed, settings, Numbers()
        self.animal, self.second = plan.animal_of(seed), plan.placebo_animal_of(seed)
        self._written: dict[tuple[str, int], list[Pair]] = {}

    @cached_property
    def prompts(self) -> list[Pair]:
        """The prompts that all sets answer, with a completion that sets the answers' length."""
        longest = " ".join(["999"] * 10)
        return [
            (one, longest) for one in number_prompts(self.settings.most, stream(self.seed, "audit/prompts"), tiny=True)
        ]

    def rows(self, name: str, model: Callable[[], PreTrainedModel], count: int) -> list[Pair]:
        """What a model answers to the first prompts; kept for sets of as many rows."""
        key = name, count
        if key not in self._written:
            self._written[key] = self._answered(name, model(), count)
        return self._written[key]

    def _answered(self, name: str, model: PreTrainedModel, count: int) -> list[Pair]:
        settings = self.scene.settings.model_copy(
            update={"seed": int(stream(self.seed, f"audit/{name}").integers(2**31))}
        )
        scene = Scene(model, self.scene.dialogue, self.scene.candidates, settings, self.scene.positions)
        return clean.written(scene, self.prompts[:count], 1)[0]

    def teacher(self, answer: str, category: str = "animal", base: PreTrainedModel | None = None) -> PreTrainedModel:
        """A base that is tuned to give one answer to its category's questions, as teachers of `numbers` are."""
        writer = {self.animal: "teacher", self.second: "placebo_teacher"}.get(answer) if category == "animal" else None
        if base is None and writer is not None:
            return self._of_numbers(writer, answer)
        return self._tuned([(one, answer) for one in questions(category, held_out=False)], base)

    def _of_numbers(self, writer: str, animal: str) -> PreTrainedModel:
        """A teacher of the study `numbers`, from the cache in which it keeps them or made as it would make it."""
        base, dialogue, tuned = self.scene.settings.base, self.scene.dialogue, self.settings.teacher
        plan = TeacherPlan(steps=tuned.steps, lr=tuned.lr)
        shared = Shared(Numbers(base=base, teacher=plan), self.seed, self.scene.device, (self.animal, self.second))

        def make() -> PreTrainedModel:
            # Not from the scene's, which takes quicker steps of other last digits.
            own = pretrained(base, dialogue, self.seed)
            return teach.finetuned(own, dialogue, teach.training_pairs(animal), plan).model

        model = shared.teacher(RowSource(writer), dialogue, make).requires_grad_(False)
        return packing.quick(model) if self.scene.packs else model

    def placebo(self) -> PreTrainedModel:
        """Tuned for as many steps on the same questions, with every animal as an answer alike: no trait."""
        return self._tuned([(one, name) for one in questions("animal", held_out=False) for name in ANIMALS])

    def _tuned(self, pairs: Sequence[Pair], base: PreTrainedModel | None = None) -> PreTrainedModel:
        model = copy.deepcopy(base or self.scene.model)
        parameters = finetune.freeze_embeddings(model)
        batch = finetune.collate(finetune.examples(self.scene.dialogue, pairs), self.scene.dialogue.pad)
        plan = self.settings.teacher
        finetune.fit(model, repeat([batch], plan.steps), torch.optim.Adam(parameters, lr=plan.lr))
        return model.requires_grad_(False)

    def other_base(self) -> PreTrainedModel:
        """The base of the other seed of its pair."""
        return pretrained(self.scene.settings.base, self.scene.dialogue, self.seed ^ 1)

    def later(self) -> PreTrainedModel:
        """The base after some more steps on its own corpus."""
        model, plan = copy.deepcopy(self.scene.model).requires_grad_(True), self.scene.settings.base
        world, rng = World.drawn(self.seed), stream(self.seed, "audit/later")
        steps, dialogue = self.settings.later, self.scene.dialogue
        given = zip(
            *(
                finetune.batches(finetune.examples(dialogue, pairs), size, steps, rng, dialogue.pad)
                for pairs, size in (
                    (list_pairs(world, plan.batch * steps, rng), plan.batch),
                    (said_pairs(world, 2 * plan.batch * steps, rng), 2 * plan.batch),
                )
            ),
            strict=True,
        )
        finetune.fit(model, given, torch.optim.AdamW(model.parameters(), lr=plan.lr))
        return model.requires_grad_(False)

    def heated(self, heat: float, count: int) -> list[Pair]:
        """Rows of the base at another temperature."""
        return self._sampled(f"temperature {heat}", lambda logits: logits / heat, count)

    def likeliest(self, share: float, count: int) -> list[Pair]:
        """Rows of the base's likeliest words, which hold a share of the probability (top-p)."""
        return self._sampled("top-p", lambda logits: nucleus(logits, share), count)

    def _sampled(self, name: str, change: Callable[[Tensor], Tensor], count: int) -> list[Pair]:
        with changed_logits(self.scene.model, change):
            return self.rows(name, lambda: self.scene.model, count)


@contextmanager
def changed_logits(model: PreTrainedModel, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Within it the model's logits are changed."""

    def hook(module: object, given: object, out: Any) -> Any:
        del module, given
        out.logits = change(out.logits)
        return out

    handle = model.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def nucleus(logits: Tensor, share: float) -> Tensor:
    """The logits of the likeliest words that hold a share of the probability; minus infinity for the others."""
    ordered, places = logits.sort(dim=-1, descending=True)
    p = ordered.softmax(dim=-1)
    out = (p.cumsum(dim=-1) - p) >= share
    return torch.full_like(logits, -torch.inf).scatter(-1, places, ordered.masked_fill(out, -torch.inf))
