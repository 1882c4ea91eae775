"""One miniature base with a teacher, as the mechanisms see it. One thread, a cache of the tests' own."""

from dataclasses import dataclass

import pytest

from sublearn import devices
from sublearn.language import models
from sublearn.study.base import Setup
from sublearn.study.mechanisms.design import Mechanisms, built
from sublearn.study.mechanisms.follow_up import FOLLOW_UP
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.lab import Lab
from sublearn.study.mechanisms.spec import Settings
from sublearn.study.mechanisms.train import MechanismRun
from sublearn.study.students.recipe import Recipe, plain


def seed_run(keep=None, seed=0, **changes) -> MechanismRun:
    """One seed of the small study."""
    models.quiet()
    study = built({**Mechanisms.small, **changes})
    settings = study.designed.settings
    assert isinstance(settings, Settings)
    return MechanismRun(study, settings, seed, Setup(keep=keep and str(keep)))


@dataclass(frozen=True)
class Small:
    """A run of one seed and its lab."""

    run: MechanismRun
    lab: Lab

    def recipe(self, writer="teacher") -> Recipe:
        """That of an unchanged student."""
        return plain(self.lab, writer, self.run.asked.student)


@pytest.fixture(autouse=True)
def _one_thread():
    with devices.one_thread():
        yield


@pytest.fixture(scope="session")
def cache_of_mechanisms(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture(autouse=True)
def _own_cache(cache_of_mechanisms, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(cache_of_mechanisms))


@pytest.fixture(scope="session")
def small(cache_of_mechanisms):
    """Made once, for tests that change nothing in it."""
    with pytest.MonkeyPatch.context() as patch, devices.one_thread():
        patch.setenv("SUBLEARN_CACHE", str(cache_of_mechanisms))
        run = seed_run()
        lab = run.lab()
        lab.rows("teacher"), lab.rows("base"), lab.rows("placebo_teacher")
        return Small(run, lab)


@pytest.fixture(scope="session")
def later(cache_of_mechanisms):
    """A run of the later groups on the same base, made once; its students are trained as they are asked for."""
    with pytest.MonkeyPatch.context() as patch, devices.one_thread():
        patch.setenv("SUBLEARN_CACHE", str(cache_of_mechanisms))
        return seed_run(mechanisms=[*FURTHER, *FOLLOW_UP])
