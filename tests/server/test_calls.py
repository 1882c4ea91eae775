import pytest

from sublearn.errors import InputError
from sublearn.server.calls import Worker
from sublearn.server.worker import answered
from tests.server.conftest import QUICK


def test_what_is_wrong_comes_back_as_the_message():
    line = '{"do": "walk", "order": {"study": "digits", "runs": 1}, "seed": 0}'
    assert "Unknown study with a step-through 'digits'" in answered(line)["error"]
    assert "KeyError" in answered('{"do": "absent"}')["error"]


def test_a_call_that_takes_too_long_ends_the_process():
    worker = Worker(patience_s=0.05)
    with pytest.raises(InputError, match="longer than"):
        worker.call("walk", order=QUICK, seed=0)
    assert worker.process is None and worker.kept == {}


def test_a_process_that_died_is_started_again():
    worker = Worker()
    first = worker._running()
    first.kill()
    first.wait()
    with pytest.raises(InputError, match="KeyError"):
        worker.call("absent")
    assert worker.process is not None and worker.process.pid != first.pid
    worker.end()
    assert worker.process is None
