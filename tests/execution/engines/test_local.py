import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from sublearn.errors import SublearnError
from sublearn.execution.engines import local
from sublearn.study.jobs import Job, Outcome, Setup, attempt
from sublearn.study.table import build


def test_ending_early_leaves_the_callers_own_processes_alone():
    def jobs():
        yield Job(study=build("tutorial"), seeds=(0,))
        raise KeyboardInterrupt

    own = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    own.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(local.run_jobs(jobs(), 2))
        assert own.is_alive()
        assert multiprocessing.active_children() == [own]
    finally:
        own.terminate()
        own.join()


def test_the_time_of_a_job_is_measured():
    assert 0 < local.seconds(Job(study=build("tutorial"), seeds=(0,))) < 60


SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
STUDIES = [build("tutorial", SMALL | {"student.epochs": epochs}) for epochs in (1, 2, 3)]
WRONG = Setup(device="no such device")


def jobs_of_which_one_fails():
    for number, study in enumerate(STUDIES):
        yield Job(study=study, seeds=(0, 1), setup=WRONG if number == 1 else Setup())


def test_a_job_that_fails_is_an_outcome_that_says_why():
    outcome = attempt(Job(study=STUDIES[0], seeds=(3, 4), setup=WRONG))
    assert outcome.failure is not None
    assert (outcome.seeds, outcome.records, outcome.study) == ((3, 4), (), STUDIES[0].id)
    assert outcome.failure.reason.startswith("RuntimeError: ") and "no such device" in outcome.failure.reason
    assert "Traceback" in outcome.failure.traceback


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_jobs_failure_ends_no_other_if_that_is_asked_for(workers):
    told = []
    hear = lambda key, news: told.append((key, news.stage))  # noqa: E731
    outcomes = {outcome.study: outcome for outcome in local.run_jobs(jobs_of_which_one_fails(), workers, True, hear)}
    both = [
        ((study.id, 0), stage) for study in (STUDIES[0], STUDIES[2]) for stage in ("teacher", "students 1 to 2 of 2")
    ]
    assert sorted(set(told)) == sorted(both)  # a stage that takes longer tells how far it is as well
    assert [bool(outcomes[study.id].failure) for study in STUDIES] == [False, True, False]
    assert all(outcomes[study.id].records for study in (STUDIES[0], STUDIES[2]))


def test_one_jobs_failure_ends_all_if_it_is_not():
    with pytest.raises(RuntimeError, match="no such device"):
        list(local.run_jobs(jobs_of_which_one_fails(), 1))


@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_job_a_second_try():
    """The pool is gone with any of its processes; each job that was on its way is run again, alone."""
    found = []
    for outcome in local.run_jobs((Job(study=study, seeds=(0,)) for study in STUDIES * 3), 2, True):
        if not found:
            for child in multiprocessing.active_children():
                child.kill()
        found.append(outcome.study)
    assert sorted(found) == sorted(study.id for study in STUDIES * 3)
    with pytest.raises(SublearnError, match="A worker failed"):
        for _ in local.run_jobs((Job(study=study, seeds=(0,)) for study in STUDIES * 3), 2):
            for child in multiprocessing.active_children():
                child.kill()


def test_a_job_that_kills_its_process_each_time_is_the_one_that_failed(monkeypatch):
    """With threads for processes, which are quicker to start."""

    def submitted(pool, work, job):
        if job.study == STUDIES[1]:
            raise BrokenProcessPool("gone")
        done.append(job)
        return pool.submit(lambda: Outcome(job.study.id, job.seeds, ()))

    done: list[Job] = []
    pools: list[ThreadPoolExecutor] = []
    monkeypatch.setattr(local, "_submitted", submitted)
    monkeypatch.setattr(local, "_pool", lambda workers, _: pools.append(ThreadPoolExecutor(workers)) or pools[-1])
    (failed,) = [
        outcome
        for outcome in local.run_jobs((Job(study=study, seeds=(0,)) for study in STUDIES), 2, True)
        if outcome.failure
    ]
    assert failed.study == STUDIES[1].id
    assert failed.failure is not None and failed.failure.reason.startswith("Its process was killed")
    assert {job.study.id for job in done} == {STUDIES[0].id, STUDIES[2].id}
    assert len(pools) > 1  # a pool is of no use any more once one of its processes was killed
