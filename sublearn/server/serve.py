"""Serves the application on loopback until a signal ends it."""

import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from sublearn import signals
from sublearn.errors import InputError
from sublearn.server.app import make_app

HOST = "127.0.0.1"
GRACE_S = 2
"""Seconds in which open answers may end."""


class _Server(uvicorn.Server):
    """A server for which a signal is the ordinary end."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let signals end the server; afterwards they are handled as before."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with signals.kept():
            for number in signals.ENDING:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, self.handle_exit)
            yield


def serve(runs: Path, port: int, ready: Callable[[str], object]) -> None:
    """Serve the folder until a signal comes; `ready` is told the address. Port 0 is any free one.

    Raises InputError for a port that is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((HOST, port))
            own.listen()  # from here on who asks is heard, a moment later
        except OSError as error:
            raise InputError(f"--port {port} cannot be used: {error.strerror}. Choose another, or 0 for any.") from None
        port = own.getsockname()[1]
        app = make_app(runs, port)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S, lifespan="on", ws="none"
        )
        ready(f"http://{HOST}:{port}/")
        _Server(config).run(sockets=[own])
