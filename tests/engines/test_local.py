import multiprocessing
import time

import pytest

from sublearn.engines import local
from sublearn.studies import build
from sublearn.studies.run import Job


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
