"""What Ctrl-C, SIGTERM and SIGHUP do, with a program that needs no torch."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from sublearn import signals

pytestmark = pytest.mark.usefixtures("hearing_signals")
PROGRAM = """
import sys, time
import click
from sublearn.cli import exits
from sublearn import signals

@click.group(cls=exits.Group)
def program(): pass

def ready():
    print("at work", flush=True)

@program.command()
def work():
    {work}

sys.argv = ["sublearn", "work"]
sys.exit(exits.run(program))
"""
FOR_EVER = "ready(); time.sleep(60)"
SLOW_TO_CLOSE = """
    signals.GRACE_S = 0.5
    try:
        ready()
        time.sleep(60)
    finally:
        print("closing", flush=True)
        time.sleep(60)
"""
WHOLE = """
    with signals.unbroken():
        ready()
        time.sleep(1)
        print("whole", flush=True)
    print("never", flush=True)
"""
SWALLOWED = """
    try:
        ready()
        time.sleep(60)
    except BaseException:
        pass
    with signals.unbroken():
        print("whole", flush=True)
    print("never", flush=True)
"""
CLOSES = """
    try:
        ready()
        time.sleep(60)
    finally:
        print("closing", flush=True)
        time.sleep(1)
        print("closed", flush=True)
"""
RAY_LIKE = """
    import signal
    with signals.kept():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    ready()
    time.sleep(60)
"""


def begun(work: str, **options) -> subprocess.Popen[str]:
    code = PROGRAM.format(work=work.strip())
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
SAFE = "What was recorded is safe; the same command resumes from there.\n"


@pytest.mark.parametrize("name", STATUS)
def test_a_signal_ends_a_command_with_one_line_and_its_status(name):
    process = begun(FOR_EVER)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == STATUS[name]
    assert err == f"{'Interrupted' if name == 'SIGINT' else f'Ended by {name}'}. {SAFE}"


@pytest.mark.parametrize("second", STATUS)
def test_a_second_signal_while_things_are_closed_for_long_ends_at_once_with_the_status_of_the_first(second):
    process = begun(SLOW_TO_CLOSE)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "closing\n"
    time.sleep(0.6)
    process.send_signal(getattr(signal, second))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == f"Interrupted. {SAFE}"


@pytest.mark.parametrize("second", STATUS)
def test_a_second_signal_at_once_lets_things_be_closed(second):
    process = begun(CLOSES)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "closing\n"
    process.send_signal(getattr(signal, second))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "closed\n", f"Interrupted. {SAFE}")


@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_must_not_be_cut_is_done_first(times):
    process = begun(WHOLE)
    for _ in range(times):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (143, "whole\n", f"Ended by SIGTERM. {SAFE}")


def test_a_signal_that_a_library_swallows_ends_the_command_at_the_next_record():
    process = begun(SWALLOWED)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (143, "whole\n", f"Ended by SIGTERM. {SAFE}")


def test_a_library_that_sets_its_own_handler_does_not_change_the_end():
    process = begun(RAY_LIKE)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == f"Ended by SIGTERM. {SAFE}"
    assert process.returncode == 143


def test_a_signal_that_nohup_ignores_stays_ignored():
    process = begun(
        "ready(); time.sleep(1); print('done')", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "done\n", "")


def test_the_callers_handlers_come_back():
    before = [signal.getsignal(number) for number in signals.ENDING]
    with signals.handled():
        assert [signal.getsignal(number) for number in signals.ENDING] != before
        with pytest.raises(signals.Ended):
            signal.raise_signal(signal.SIGTERM)
        assert signals.ended() == signal.SIGTERM
    assert [signal.getsignal(number) for number in signals.ENDING] == before
    assert signals.ended() is None


def test_outside_the_main_thread_nothing_is_changed():
    before = [signal.getsignal(number) for number in signals.ENDING]
    inside: list[object] = []

    def work() -> None:
        with signals.handled(), signals.kept():
            inside.extend(signal.getsignal(number) for number in signals.ENDING)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == before


def test_signals_are_held_back_while_a_process_is_started():
    with signals.handled():
        with signals.blocked():
            signal.raise_signal(signal.SIGHUP)
            assert signals.ended() is None
            with pytest.raises(signals.Ended):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.ENDING)
        assert signals.ended() == signal.SIGHUP
