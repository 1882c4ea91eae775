"""What every engine of the table must do. Ray starts a cluster of its own, so that its rows are slow."""

import inspect
import typing

import pytest

from sublearn.errors import InputError
from sublearn.execution.engines.table import ENGINES, Engine
from sublearn.execution.options import Options
from sublearn.study.base import Study
from sublearn.study.jobs import Job, Setup, measure
from sublearn.study.table import build

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
ROWS = [pytest.param(name, marks=pytest.mark.slow) if name == "ray" else name for name in ENGINES]
OFFERED = [name for name, found in vars(Engine).items() if inspect.isfunction(found) and not name.startswith("_")]


@pytest.fixture
def engine(request):
    """An engine that is connected to what is there: this machine."""
    found = ENGINES[request.param]
    found.connect(1, "cpu")
    yield found
    found.disconnect()


def jobs() -> list[Job]:
    return [Job(study=build("tutorial", SMALL), seeds=seeds, setup=Setup(threads=1)) for seeds in ((0, 1), (2,))]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_offers_what_an_engine_must_in_the_same_words(name):
    assert len(OFFERED) >= 7
    for offered in OFFERED:
        wanted = list(inspect.signature(getattr(Engine, offered)).parameters)[1:]
        found = getattr(ENGINES[name], offered)
        assert list(inspect.signature(found).parameters) == wanted, offered
        assert inspect.getdoc(found), offered


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its processes to its own end
@pytest.mark.parametrize("engine", ROWS, indirect=True)
def test_an_engine_gives_what_its_jobs_give(engine):
    found = sorted(engine.run_jobs(jobs(), 1), key=lambda outcome: outcome.seeds)
    assert [(one.study, one.seeds, one.failure) for one in found] == [(job.study.id, job.seeds, None) for job in jobs()]
    for one, job in zip(found, jobs(), strict=True):
        assert sorted(one.records, key=str) == sorted(measure(job).records, key=str)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its processes to its own end
@pytest.mark.parametrize("engine", ROWS, indirect=True)
def test_an_engine_makes_an_outcome_of_a_failure_if_that_is_asked_for(engine):
    first, second = jobs()
    read = Study.model_validate_json(first.study.model_dump_json())  # has no design, and cannot be run
    failed, done = engine.run_jobs([first.model_copy(update={"study": read}), second], 1, tolerant=True)
    assert failed.failure is not None and "not how it is measured" in failed.failure.reason
    assert done.failure is None and done.records


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its processes to its own end
@pytest.mark.parametrize("engine", ROWS, indirect=True)
def test_an_engine_runs_at_least_one_job_and_no_more_than_fit(engine):
    assert engine.workers(0.0, 4) >= 1
    assert engine.workers(1e9, 4) <= 4
    assert isinstance(engine.sends(2), bool)
    assert engine.uses_this_memory("cuda") is False
    assert 0 < engine.seconds(jobs()[0]) < 60


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its processes to its own end
@pytest.mark.parametrize("engine", ROWS, indirect=True)
def test_an_engine_says_which_device_it_takes_and_how_many_jobs_fit(engine):
    device, slots = engine.connect(2, "cpu")
    assert device == "cpu"
    assert slots >= 1


@pytest.mark.parametrize("name", ENGINES)
def test_leaving_an_engine_that_was_not_connected_is_nothing(name):
    ENGINES[name].disconnect()


def test_the_options_know_every_engine_and_no_other():
    assert Options(engine="local").engine in ENGINES
    with pytest.raises(InputError, match=r"Unknown engine 'locl'\. Did you mean 'local'"):
        Options(engine=typing.cast(typing.Any, "locl"))
