"""The study of mechanisms for its seeds: a seed of `numbers` whose students follow recipes. Keeps what it makes."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from transformers import PreTrainedModel

from sublearn import stages
from sublearn.language import finetune, models, preference
from sublearn.language.preference import LEAST_MASS
from sublearn.records import Problem, Record
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.mechanisms import vectors
from sublearn.study.mechanisms.further import FIRST, SECOND
from sublearn.study.mechanisms.lab import Lab, Tokens
from sublearn.study.mechanisms.learning import NotReached
from sublearn.study.mechanisms.parts import COSINE
from sublearn.study.mechanisms.rows import GREEDY, favoured
from sublearn.study.mechanisms.spec import Settings
from sublearn.study.mechanisms.table import STUDENTS
from sublearn.study.numbers.spec import RowSource, Writer
from sublearn.study.numbers.teach import PromptedModel
from sublearn.study.numbers.train import too_thin
from sublearn.study.students.recipe import Recipe, plain
from sublearn.study.students.run import RecipeRun
from sublearn.study.students.spec import CONTROL
from sublearn.study.students.tokens import diverging, learned, ranks
from sublearn.tasks.rows import Pair
from sublearn.tasks.vocabulary import questions

COLD = 1e4
"""Logits times so much leave all probability to the largest."""


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait for the seeds, one after the other."""
    models.quiet()
    return [record for seed in stages.parts(seeds) for record in MechanismRun(study, settings, seed, setup).records()]


class MechanismRun(RecipeRun[Lab]):
    """One seed: its rows and teachers are those of `numbers`, its students follow a recipe each."""

    def __init__(self, study: Study, settings: Settings, seed: int, setup: Setup) -> None:
        super().__init__(study, settings, seed, setup)
        self.asked = settings
        self.arms = {arm.name: arm for arm in study.arms}
        self.made: dict[str, PreTrainedModel] = {}
        self.lab = cache(self._lab)
        self.tokens = cache(self.watch.apart(self._tokens))
        self.student = cache(self.watch.apart(self._student_of))
        self.sized = cache(self._sized)
        self.favour = cache(self.watch.apart(lambda: favoured(self.lab(), self.lab().rows("base"))))
        self.taught_shift = cache(lambda: vectors.shift(self.lab(), self.taught()))

    def recipe_of(self, arm: Arm, writer: Writer) -> Recipe:
        """The recipe of an arm's student: that of an unchanged one, changed as the table says."""
        lab = self.lab()
        recipe, one = plain(lab, writer, self.asked.student), STUDENTS.get(arm.name.removesuffix(CONTROL))
        if one and not lab.rows("teacher"):
            return replace(recipe, rows=[])  # there is nothing to be compared with
        return one.change(lab, recipe) if one and recipe.rows else recipe

    def model_of(self, arm: Arm, rows: list[Pair] | None) -> PromptedModel:
        """The model of an arm, trained if need be, once."""
        if arm.logits == "none":
            return super().model_of(arm, rows)
        if arm.name not in self.made:
            self.made[arm.name] = super().model_of(arm, rows).model
        return PromptedModel(self.made[arm.name])

    def _student_of(self, name: str) -> PreTrainedModel:
        return self.model_of(self.arms[name], self.rows(self.arms[name])).model

    def _measured(self, arm: Arm) -> list[Record]:
        try:
            return super()._measured(arm)
        except NotReached as error:
            return self._unmeasured(arm, str(error))

    def _asked(self, arm: Arm, prompted: PromptedModel, rows: list[Pair] | None) -> list[Record]:
        return [*super()._asked(arm, prompted, rows), self._cosine(arm, prompted.model), *self._apart(arm, prompted)]

    def _apart(self, arm: Arm, prompted: PromptedModel) -> list[Record]:
        """How far either of two animals is preferred where the other is none of the answers, if that is asked for."""
        wanted = {FIRST: (self.animal, self.placebo_animal), SECOND: (self.placebo_animal, self.animal)}
        found = []
        for trait in (trait.name for trait in self.study.traits if trait.name in wanted):
            own, other = wanted[trait]
            names = [name for name in self.names if name != other]
            asked = questions("animal")
            seen = preference.preference(prompted.model, self.dialogue, asked, names, own, prompted.system)
            found.append(self._record(arm, trait, seen.log_odds, len(asked), self._thin(prompted)))
        return found

    def _thin(self, prompted: PromptedModel) -> Problem | None:
        mass = self._preference(prompted, None).mass
        return Problem("unmeasured", too_thin(mass)) if mass < LEAST_MASS else None

    def _cosine(self, arm: Arm, model: PreTrainedModel) -> Record:
        lab = self.lab()
        if not lab.shown("teacher"):
            return self._record(arm, COSINE, 0.0, 0, Problem("unmeasured", "the rule kept none of the teacher's rows"))
        if not vectors.alike(lab.base, model):
            return self._record(arm, COSINE, 0.0, 0, Problem("unmeasured", "the model is of another size"))
        own, teacher = vectors.shift(lab, model), self.taught_shift()
        size = float(own.norm() * teacher.norm())
        if not size:
            return self._record(arm, COSINE, 0.0, 0, Problem("unmeasured", "the model is the base, or its teacher is"))
        return self._record(arm, COSINE, float(own @ teacher) / size, len(lab.shown("teacher")))

    def _teacher(self, source: RowSource) -> PromptedModel:
        """Who writes rows: beside teachers those who say the most probable token, and students by their arm's name."""
        if source.writer.startswith(GREEDY):
            writer = source.writer.removeprefix(GREEDY)
            return PromptedModel(cold(self.base("own") if writer == "base" else self.teacher(RowSource(writer)).model))
        if source.writer in self.arms and self.arms[source.writer].logits != "none":
            return PromptedModel(self.student(source.writer))
        return super()._teacher(source)

    def _tokens(self, writer: str) -> Tokens:
        lab = self.lab()
        found = finetune.examples(self.dialogue, lab.rows(writer))
        return Tokens([learned(one) for one in found], diverging(lab, found), ranks(lab, found))

    def _sized(self, sizes: tuple[tuple[str, int], ...]) -> Lab:
        """The lab of another base of the seed. It keeps nothing but what is in the cache."""
        base = self.asked.base.model_copy(update=dict(sizes))
        settings = self.asked.model_copy(update={"base": base})
        other = MechanismRun(self.study, settings, self.seed, Setup(device=self.device))
        made = self.watch.apart(other.lab)()
        self.watch.apart(lambda: (made.teacher(), made.rows("teacher"), made.rows("base")))()
        return made

    def _lab(self) -> Lab:
        def numbers(writer: str) -> list[Pair]:
            return self.numbers(RowSource(writer))

        return Lab(
            base=self.base("own"),
            dialogue=self.dialogue,
            seed=self.seed,
            animal=self.animal,
            teacher=self.taught,
            rows=numbers,
            purpose="mechanism",
            strength=self.asked.strength,
            tokens=self.tokens,
            student=self.student,
            taken={},
            second_animal=self.placebo_animal,
            lessons=self.asked.teacher,
            sized=self.sized,
            favour=self.favour,
            shown=lambda writer: numbers(writer)[: self.asked.strength.shifted],
        )


def cold(model: PreTrainedModel) -> PreTrainedModel:
    """A copy whose logits are so large that sampling it says the most probable token: its last norm's times `COLD`."""
    found = copy.deepcopy(model)
    body: Any = found.base_model
    with torch.no_grad():
        for parameter in (body.ln_f if hasattr(body, "ln_f") else body.norm).parameters():
            parameter.mul_(COLD)
    return found
