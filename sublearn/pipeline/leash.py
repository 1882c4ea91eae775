"""A command that does not outlive whoever asked for it: `-m sublearn.pipeline.leash GRACE COMMAND...`.

Standard input is a pipe whose other end the asking process holds. When that is closed, by the process or by the system
because the process was killed, the command and all that it started are asked to end, and are ended GRACE seconds
later. It is imported by nothing.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(grace: float, command: list[str]) -> int:
    """Run the command to its end, or to the end of whoever holds the pipe; its status."""
    for number in (signal.SIGINT, signal.SIGHUP):  # the terminal's: who asked decides
        signal.signal(number, signal.SIG_IGN)
    own = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: _end(own, grace))
    threading.Thread(target=_wait_for_the_end, args=(own, grace), daemon=True).start()
    status = own.wait()
    _signal(own, signal.SIGKILL)  # what it left behind
    return status if status >= 0 else 128 - status


def _wait_for_the_end(own: subprocess.Popen[bytes], grace: float) -> None:
    while os.read(0, 1024):
        pass
    _end(own, grace)


def _end(own: subprocess.Popen[bytes], grace: float) -> None:
    _signal(own, signal.SIGTERM)
    threading.Timer(grace, _signal, (own, signal.SIGKILL)).start()


def _signal(own: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(own.pid, number)


if __name__ == "__main__":
    os._exit(main(float(sys.argv[1]), sys.argv[2:]))
