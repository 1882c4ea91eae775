"""What other systems lack is asked for, not taken for granted: the whole package imports and works without it."""

import subprocess
import sys
from pathlib import Path

LIKE_WINDOWS = """
import os, signal, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask", "setitimer"):
    delattr(signal, name)
for name in ("O_NOFOLLOW", "sched_getaffinity", "sysconf"):
    delattr(os, name)
"""
"""Standard modules and names that Windows lacks are gone."""
EVERY_MODULE = """
import importlib, pkgutil, sys
def every_module():
    sublearn = importlib.import_module("sublearn")
    for found in pkgutil.walk_packages(sublearn.__path__, "sublearn."):
        if not found.name.endswith(("__main__", "engines.ray")):  # the one runs, the other needs an extra
            yield importlib.import_module(found.name).__name__
for name in [*every_module(), "sublearn"]:  # what they use is here as on Unix, they themselves come anew
    del sys.modules[name]
"""
SIGNALS = """
from sublearn import signals
from sublearn.language.bounds import bounded
with signals.handled(), signals.blocked(), signals.unbroken(), bounded("nothing", 1):
    print(sorted(signal.Signals(number).name for number in signals.ENDING))
signals.left_to_the_parent()
"""


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports_where_only_windows_names_are():
    names = python(f"{EVERY_MODULE}{LIKE_WINDOWS}print(*every_module())").split()
    assert len(names) > 100 and "sublearn.language.models" in names


def test_signals_and_bounds_do_without_those_of_unix():
    assert python(LIKE_WINDOWS + SIGNALS) == "['SIGINT', 'SIGTERM']\n"


def test_pipes_are_made_in_one_place_which_asks_for_them():
    tests = Path(__file__).parents[1]
    made = {file.name for file in tests.rglob("*.py") if "mkfifo(" in file.read_text(encoding="utf-8")}
    assert made == {"pipes.py", Path(__file__).name}
