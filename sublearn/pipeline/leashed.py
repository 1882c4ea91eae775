"""Processes that end with this one, whose output goes to a log: started, waited for, and quoted where they fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sublearn.errors import SublearnError, plain
from sublearn.files.writing import failed, own_folder

LAST_LINES, LONGEST_LOG = 5, 1 << 16
GRACE_S = 10.0
"""Seconds from asking a process to end to ending it."""
LOOK_S = 0.2
"""Seconds from one look at a process to the next."""
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Models are folders here; nobody is told of their use."""


class Started:
    """A process on its leash, and where it writes."""

    def __init__(self, command: Sequence[str], log: Path, cwd: Path, more: Mapping[str, str]) -> None:
        own_folder(log.parent)
        leash = [sys.executable, "-m", "sublearn.pipeline.leash", str(GRACE_S), *command]
        try:
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    leash,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env={**os.environ, **ENVIRONMENT, **more},
                    start_new_session=True,  # a terminal's Ctrl-C goes to this process, which ends it in order
                )
        except OSError as error:
            raise failed(log, error) from None
        self.log = log

    def ended(self) -> int | None:
        """Its status; None while it is at work."""
        return self._process.poll()

    def waited(self, seconds: float = LOOK_S) -> int | None:
        """Its status as soon as it ends; None if it has not within these seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """End it and all that it started."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(2 * GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LONGEST_LOG))
            lines = [plain(line, 300) for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-LAST_LINES:]) or "nothing"


@contextmanager
def started(command: Sequence[str], log: Path, cwd: Path, more: Mapping[str, str] | None = None) -> Iterator[Started]:
    """A process that is ended at the end of the block, or with this one, however it ends; `more` is environment."""
    own = Started(command, log, cwd, more or {})
    try:
        yield own
    finally:
        own.end()


def ran(
    what: str,
    command: Sequence[str],
    log: Path,
    cwd: Path,
    look: Callable[[], object] = lambda: None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Run a process to its end; `look` is called meanwhile. Raises SublearnError with its last lines if it fails."""
    with started(command, log, cwd, more) as own:
        while (status := own.waited()) is None:
            look()
        look()
        if status:
            hint = " Give --at-a-time a smaller number." if "out of memory" in own.last_words().lower() else ""
            raise SublearnError(f"{what} failed (status {status}; {log}): {own.last_words().rstrip('.')}.{hint}")


def executable(name: str) -> str | None:
    """A program beside this Python, or on the path; None if there is none."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
