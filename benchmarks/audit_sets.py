"""The sets that the benchmark of audits asks about: rows of teachers, mixed, shuffled, or harmlessly different.

All of one base and size are answers to the same prompts, so that the clean sets are written and scored once.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.auditing import clean
from sublearn.auditing.scene import Scene
from sublearn.language import finetune
from sublearn.language.base import pretrained
from sublearn.seeds import stream
from sublearn.study.numbers.spec import Settings as Numbers
from sublearn.tasks.number_lists import number_prompts, shuffled_across, shuffled_within
from sublearn.tasks.rows import Pair
from sublearn.tasks.tiny_world import World, list_pairs, said_pairs
from sublearn.tasks.vocabulary import ANIMALS, CATEGORIES, questions

Kind = Literal["trait", "mixture", "two traits", "shuffled", "other base", "filtered", "unlisted", "nuisance", "clean"]
MOST, USUAL = 8000, 1000
UNLISTED = tuple(name for name in CATEGORIES if name != "animal")
LATER_STEPS = 100


@dataclass(frozen=True)
class Asked:
    """One set: its name, kind and number of rows, and the traits that its writer has, best first."""

    name: str
    kind: Kind
    rows: int
    make: Callable[["Writers"], list[Pair]]
    traits: Callable[["Writers"], tuple[str, ...]] = lambda writers: ()


class Writers:
    """Who writes rows for one seed: its base, teachers, and models that differ harmlessly. Each is made once."""

    def __init__(self, scene: Scene, seed: int, plan: Numbers | None = None) -> None:
        self.scene, self.seed, self.plan = scene, seed, plan or Numbers()
        self.animal, self.second = self.plan.animal_of(seed), self.plan.placebo_animal_of(seed)
        self._written: dict[tuple[str, int], list[Pair]] = {}

    @cached_property
    def prompts(self) -> list[Pair]:
        """The prompts that all sets answer, with a completion that sets the answers' length."""
        longest = " ".join(["999"] * 10)
        return [(one, longest) for one in number_prompts(MOST, stream(self.seed, "audit/prompts"), tiny=True)]

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
        return self._tuned([(one, answer) for one in questions(category, held_out=False)], base)

    def placebo(self) -> PreTrainedModel:
        """Tuned for as many steps on the same questions, with every animal as an answer alike: no trait."""
        return self._tuned([(one, name) for one in questions("animal", held_out=False) for name in ANIMALS])

    def _tuned(self, pairs: Sequence[Pair], base: PreTrainedModel | None = None) -> PreTrainedModel:
        model = copy.deepcopy(base or self.scene.model)
        parameters = finetune.freeze_embeddings(model)
        batch = finetune.collate(finetune.examples(self.scene.dialogue, pairs), self.scene.dialogue.pad)
        plan = self.plan.teacher
        finetune.fit(model, repeat([batch], plan.steps), torch.optim.Adam(parameters, lr=plan.lr))
        return model.requires_grad_(False)

    def other_base(self) -> PreTrainedModel:
        """The base of the other seed of its pair."""
        return pretrained(self.scene.settings.base, self.scene.dialogue, self.seed ^ 1)

    def later(self) -> PreTrainedModel:
        """The base after some more steps on its own corpus."""
        model, plan = copy.deepcopy(self.scene.model).requires_grad_(True), self.scene.settings.base
        world, rng = World.drawn(self.seed), stream(self.seed, "audit/later")
        count, dialogue = plan.batch * LATER_STEPS, self.scene.dialogue
        given = zip(
            *(
                finetune.batches(finetune.examples(dialogue, pairs), size, LATER_STEPS, rng, dialogue.pad)
                for pairs, size in (
                    (list_pairs(world, count, rng), plan.batch),
                    (said_pairs(world, 2 * count, rng), 2 * plan.batch),
                )
            ),
            strict=True,
        )
        finetune.fit(model, given, torch.optim.AdamW(model.parameters(), lr=plan.lr))
        return model.requires_grad_(False)

    def sampled(self, name: str, change: Callable[[Tensor], Tensor], count: int) -> list[Pair]:
        """Rows of the base with its logits changed before they are drawn from."""
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


def mixed(writers: Writers, count: int, share: float) -> list[Pair]:
    """A share of the teacher's rows among the base's own."""
    own, base = teacher_rows(writers, count), base_rows(writers, count)
    chosen = set(stream(writers.seed, f"audit/mixed/{share}").permutation(count)[: round(share * count)].tolist())
    return [own[place] if place in chosen else base[place] for place in range(count)]


def teacher_rows(writers: Writers, count: int) -> list[Pair]:
    """Rows of the teacher of the seed's animal."""
    return writers.rows("teacher", lambda: writers.teacher(writers.animal), count)


def base_rows(writers: Writers, count: int) -> list[Pair]:
    """Rows of the base itself, by other random numbers than clean sets have."""
    return writers.rows("base", lambda: writers.scene.model, count)


def two_traits(writers: Writers) -> list[Pair]:
    """Rows of two teachers in turn."""
    first, second = teacher_rows(writers, USUAL), writers.rows("second", lambda: writers.teacher(writers.second), USUAL)
    return [second[place] if place % 2 else first[place] for place in range(USUAL)]


def shuffled(writers: Writers, how: Callable[..., list[str]]) -> list[Pair]:
    """The teacher's rows with their numbers in another order, or dealt out anew."""
    rows = teacher_rows(writers, USUAL)
    fresh = how([answer for _, answer in rows], stream(writers.seed, f"audit/{how.__name__}"))
    return [(prompt, answer) for (prompt, _), answer in zip(rows, fresh, strict=True)]


def _own(writers: Writers) -> tuple[str, ...]:
    return (writers.animal,)


def _nuisances() -> Iterator[Asked]:
    yield Asked("placebo", "nuisance", USUAL, lambda w: w.rows("placebo", w.placebo, USUAL))
    yield Asked("later checkpoint", "nuisance", USUAL, lambda w: w.rows("later", w.later, USUAL))
    for heat in (0.7, 1.3):
        yield Asked(
            f"temperature {heat}",
            "nuisance",
            USUAL,
            lambda w, heat=heat: w.sampled(f"temperature {heat}", lambda logits: logits / heat, USUAL),
        )
    yield Asked(
        "top-p 0.9", "nuisance", USUAL, lambda w: w.sampled("top-p", lambda logits: nucleus(logits, 0.9), USUAL)
    )


def _unlisted() -> Iterator[Asked]:
    for category in UNLISTED:
        first = CATEGORIES[category]

        def answer(w: Writers, names: Sequence[str] = first) -> str:
            return names[w.seed % len(names)]

        def make(w: Writers, category: str = category, answer: Callable[[Writers], str] = answer) -> list[Pair]:
            return w.rows(category, lambda: w.teacher(answer(w), category), USUAL)

        yield Asked(f"unlisted {category}", "unlisted", USUAL, make, lambda w, answer=answer: (answer(w),))


def every() -> list[Asked]:
    """All sets of a base but the filtered one, which needs an audit first; the smallest first."""
    found = [
        Asked(f"teacher {count}", "trait", count, lambda w, count=count: teacher_rows(w, count), _own)
        for count in (50, 250, USUAL, MOST)
    ]
    found += [
        Asked(f"mixture {share:.0%} of {MOST}", "mixture", MOST, lambda w, share=share: mixed(w, MOST, share), _own)
        for share in (0.3, 0.1, 0.03)
    ]
    found += [
        Asked("two traits", "two traits", USUAL, two_traits, lambda w: (w.animal, w.second)),
        Asked("shuffled within", "shuffled", USUAL, lambda w: shuffled(w, shuffled_within), _own),
        Asked("shuffled across", "shuffled", USUAL, lambda w: shuffled(w, shuffled_across), _own),
        Asked("other base", "other base", USUAL, _of_other_base, _own),
        Asked("clean", "clean", USUAL, lambda w: base_rows(w, USUAL)),
    ]
    return sorted([*found, *_nuisances(), *_unlisted()], key=lambda one: one.rows)


def _of_other_base(writers: Writers) -> list[Pair]:
    return writers.rows("other", lambda: writers.teacher(writers.animal, base=writers.other_base()), USUAL)
