"""One miniature base with a teacher, as the defences see it. As in tests/auditing: one thread, a cache of its own."""

from dataclasses import dataclass

import numpy as np
import pytest

from sublearn import devices
from sublearn.auditing.defences.design import Defences, built
from sublearn.auditing.defences.recipe import Lab
from sublearn.auditing.defences.spec import Settings
from sublearn.auditing.defences.train import DefenceRun
from sublearn.language import models
from sublearn.study.base import Setup
from tests.auditing.conftest import _one_thread, _own_cache, cache_of_audits

__all__ = ["_one_thread", "_own_cache", "cache_of_audits"]


def seed_run(keep=None, seed=0, **changes) -> DefenceRun:
    """One seed of the small study."""
    models.quiet()
    study = built({**Defences.small, **changes})
    settings = study.designed.settings
    assert isinstance(settings, Settings)
    return DefenceRun(study, settings, seed, Setup(keep=keep and str(keep)))


@dataclass(frozen=True)
class Small:
    """A run of one seed and its lab."""

    run: DefenceRun
    lab: Lab


@pytest.fixture(scope="session")
def small(cache_of_audits):
    """Made once, for tests that change nothing in it."""
    with pytest.MonkeyPatch.context() as patch, devices.one_thread():
        patch.setenv("SUBLEARN_CACHE", str(cache_of_audits))
        run = seed_run()
        lab = run.lab()
        lab.rows("teacher"), lab.rows("base"), lab.rows("placebo_teacher")
        return Small(run, lab)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
