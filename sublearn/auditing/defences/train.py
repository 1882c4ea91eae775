"""The study of defences for its seeds: a seed of `numbers` whose students follow recipes. Keeps what it makes."""

import time
from collections.abc import Sequence
from functools import cache

import numpy as np
from transformers import PreTrainedModel

from sublearn.auditing import clean, traits
from sublearn.auditing.defences.recipe import Lab, RowScores
from sublearn.auditing.defences.spec import LISTS, TASK, Settings
from sublearn.auditing.defences.table import DEFENCES
from sublearn.auditing.scene import Scene, log_likelihoods
from sublearn.auditing.scores.table import SCORES, Measure
from sublearn.auditing.settings import Settings as Scoring
from sublearn.language import models
from sublearn.language.base import POSITIONS, pretrained
from sublearn.records import Problem, Record
from sublearn.seeds import stream, stream_seed
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.numbers.spec import RowSource, Writer
from sublearn.study.numbers.teach import PromptedModel
from sublearn.study.numbers.train import ROUNDS, TEACHER
from sublearn.study.students.recipe import Recipe, plain
from sublearn.study.students.run import RecipeRun
from sublearn.study.students.spec import CONTROL
from sublearn.tasks.number_lists import reason_against
from sublearn.tasks.rows import Pair
from sublearn.tasks.tiny_world import World, list_pairs

FLAGGING = "steering"
"""The score by which an audit flags rows."""


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait for the seeds, one after the other."""
    models.quiet()
    return [record for seed in seeds for record in DefenceRun(study, settings, seed, setup).records()]


class DefenceRun(RecipeRun[Lab]):
    """One seed: its rows and teachers are those of `numbers`, its students follow a recipe each."""

    def __init__(self, study: Study, settings: Settings, seed: int, setup: Setup) -> None:
        super().__init__(study, settings, seed, setup)
        self.asked = settings
        self.scores = cache(self.watch.apart(self._scores))
        self.other_init = cache(self.watch.apart(self._other_init))
        self.scoring = cache(self._scoring)
        self.lab = cache(self._lab)
        self.held_out = cache(self._held_out)

    def recipe_of(self, arm: Arm, writer: Writer) -> Recipe:
        """The recipe of an arm's student: that of a student without defence, changed by the arm's."""
        lab = self.lab()
        recipe, name = plain(lab, writer, self.asked.student), arm.name.removesuffix(CONTROL)
        return DEFENCES[name].change(name)(lab, recipe) if name in DEFENCES and recipe.rows else recipe

    def _asked(self, arm: Arm, prompted: PromptedModel, rows: list[Pair] | None) -> list[Record]:
        found = super()._asked(arm, prompted, rows)
        for name, kept in self.held_out().items():
            if kept:
                value = float(log_likelihoods(prompted.model, self.lab().scene.laid(kept)).mean())
                found.append(self._record(arm, name, value, len(kept)))
            else:
                found.append(self._record(arm, name, 0.0, 0, Problem("unmeasured", "the rule kept no held-out row")))
        return found

    def _held_out(self) -> dict[str, list[Pair]]:
        """Completions that no student is trained on: the teacher's, of the round after the last, and the world's."""
        count = self.asked.held_out
        prompts = self.prompts(ROUNDS)[:count]
        answers = self._answers(self.teacher(TEACHER), prompts, TEACHER, ROUNDS)
        kept = [(prompt, said) for prompt, said in zip(prompts, answers, strict=True) if not reason_against(said)]
        return {TASK: kept, LISTS: list_pairs(World.drawn(self.seed), count, stream(self.seed, "held_out/lists"))}

    def _lab(self) -> Lab:
        base = self.base("own")
        return Lab(
            base=base,
            dialogue=self.dialogue,
            seed=self.seed,
            animal=self.animal,
            teacher=self.taught,
            rows=lambda writer: self.numbers(RowSource(writer)),
            purpose="defence",
            scene=Scene(base, self.dialogue, traits.animals(), Scoring(), POSITIONS),
            strength=self.asked.strength,
            scores=self.scores,
            other_init=self.other_init,
        )

    def _other_init(self) -> PreTrainedModel:
        other = stream_seed(self.seed, "defence/reinitialized")
        return models.on(pretrained(self.asked.base, self.dialogue, other, self.seed), self.device)

    def _scoring(self) -> tuple[Measure, list[Pair], float]:
        """The audit's score against clean rows on the same prompts; other clean rows; and what both took."""
        start, lab = time.process_time(), self.lab()
        fresh = clean.written(lab.scene, self.numbers(TEACHER), 1)[0]
        score = SCORES[FLAGGING].prepare(FLAGGING)(lab.scene, fresh[::2])
        return score, fresh[1::2], time.process_time() - start

    def _scores(self, writer: Writer) -> RowScores:
        score, others, before = self.scoring()
        start = time.process_time()
        found = score(self.numbers(RowSource(writer)))
        assert found.rows is not None and found.others is not None, f"{FLAGGING} scores no rows"
        usual = found.others(others)
        threshold = float(np.quantile(usual, self.asked.strength.flagged_above))
        return RowScores(found.rows, threshold, before + time.process_time() - start)
