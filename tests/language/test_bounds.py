import resource
import signal
import threading
import time

import pytest

from sublearn.errors import InputError
from sublearn.language.bounds import bounded

LIMITS = resource.RLIMIT_AS


def test_what_ends_in_time_is_let_through_and_leaves_nothing_behind():
    before = resource.getrlimit(LIMITS), signal.getsignal(signal.SIGALRM)
    with bounded("It", 100, 1 << 30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        assert resource.getrlimit(LIMITS)[0] != resource.RLIM_INFINITY
    assert (resource.getrlimit(LIMITS), signal.getsignal(signal.SIGALRM)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_does_not_end_is_refused():
    with pytest.raises(InputError, match=r"It takes longer than 0\.05 s"), bounded("It", 0.05):
        while True:
            try:
                time.sleep(0.001)
            except Exception:  # as a package would that goes on whatever happens
                continue
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_wants_too_much_memory_is_refused():
    before = resource.getrlimit(LIMITS)
    with pytest.raises(InputError, match="It wants too much memory"), bounded("It", 100, 1 << 24):
        bytes(1 << 28)
    assert resource.getrlimit(LIMITS) == before


def test_other_errors_come_out_as_they_are():
    with pytest.raises(KeyError), bounded("It", 100, 1 << 30):
        raise KeyError


def test_outside_the_main_thread_nothing_is_bound():
    done = []

    def work():
        with bounded("It", 1e-6):
            done.append(sum(range(1000)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [499500]
