"""A seed of `numbers` whose students follow recipes: what studies of many students of one base share in training."""

import time
from abc import abstractmethod
from collections.abc import Callable
from functools import cache, partial
from typing import Generic, TypeVar

from transformers import PreTrainedModel

from sublearn.records import Record
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.numbers.spec import Writer
from sublearn.study.numbers.train import TEACHER, SeedRun
from sublearn.study.students.recipe import Lab, Recipe, trained
from sublearn.study.students.spec import Shared
from sublearn.tasks.rows import Pair

T = TypeVar("T")
AnyLab = TypeVar("AnyLab", bound=Lab)


class Watch:
    """CPU seconds of single students: what is made once for several of them is counted apart."""

    def __init__(self) -> None:
        self._apart = 0.0

    def apart(self, make: Callable[..., T]) -> Callable[..., T]:
        """The same function, whose seconds no student is charged with."""

        def made(*args: object) -> T:
            start, before = time.process_time(), self._apart
            found = make(*args)
            self._apart = before + time.process_time() - start
            return found

        return made

    def read(self) -> float:
        """The seconds so far that count."""
        return time.process_time() - self._apart


class RecipeRun(SeedRun, Generic[AnyLab]):
    """One seed: its rows and teachers are those of `numbers`, its students follow a recipe each."""

    def __init__(self, study: Study, settings: Shared, seed: int, setup: Setup) -> None:
        super().__init__(study, settings.numbers(), seed, setup)
        self.watch = Watch()
        self.prepared: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.steps: dict[str, int] = {}
        self.base = cache(self.watch.apart(self._base))
        self.teacher = cache(self.watch.apart(self._teacher))
        self.numbers = cache(self.watch.apart(self._numbers))
        self.recipe = cache(self._recipe)

    @abstractmethod
    def lab(self) -> AnyLab:
        """What the students may use of the base; the same each time."""

    @abstractmethod
    def recipe_of(self, arm: Arm, writer: Writer) -> Recipe:
        """The recipe of an arm's student, whose rows the writer wrote."""

    def rows(self, arm: Arm) -> list[Pair] | None:
        """What an arm's student is trained on; None where there is no student."""
        return None if arm.logits == "none" else list(self.recipe(arm).rows)

    def taught(self) -> PreTrainedModel:
        """The teacher's model."""
        return self.teacher(TEACHER).model

    def _recipe(self, arm: Arm) -> Recipe:
        self.lab()
        start = self.watch.read()
        recipe = self.recipe_of(arm, "teacher" if arm.teacher == "trained" else "base")
        self.prepared[arm.name] = self.watch.read() - start + recipe.seconds
        return recipe

    def _student(self, arm: Arm, rows: list[Pair]) -> PreTrainedModel:
        del rows  # the recipe has them
        recipe, start = self.recipe(arm), self.watch.read()
        student = trained(recipe, self.lab(), partial(self.steps.__setitem__, arm.name))
        self.seconds[arm.name] = self.prepared[arm.name] + self.watch.read() - start
        return student

    def _measured(self, arm: Arm) -> list[Record]:
        found = super()._measured(arm)
        if arm.name in self.seen and arm.name in self.seconds:  # not where the student was there already
            noted = {"seconds": round(self.seconds[arm.name], 3), "steps": self.steps[arm.name]}
            self.seen[arm.name] = self.seen[arm.name].model_copy(update=noted)
        self.recipe.cache_clear()  # rows that one student alone is trained on
        return found
