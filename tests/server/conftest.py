"""A server in a thread of the tests' own process, on a loopback port and a folder of its own."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import SMALL, wait_for

pytest.importorskip("fastapi", reason="sublearn serve is tested where the extra 'serve' is installed")
QUICK = {"study": "tutorial", "settings": {key: str(value) for key, value in SMALL.items()}, "runs": 12}
"""An order whose runs take a moment."""
LONG = {"study": "tutorial", "settings": {"student.epochs": "5"}, "runs": 400}
"""One that is still at work when something happens to it."""


@dataclass(frozen=True)
class Served:
    """Where a server answers, and the folder that it shows."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text; a body that is no text is sent as JSON."""
        given = {"Host": f"127.0.0.1:{self.port}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        if body is not None:
            given = {"Content-Type": "application/json"} | given
        text = body if isinstance(body, str | None) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, text, given)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read().decode()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        status, _, text = self.ask("GET", path)
        assert status == 200, text
        return json.loads(text)

    def post(self, path: str, value: Any) -> Any:
        status, _, text = self.ask("POST", path, value)
        assert status == 200, text
        return json.loads(text)

    def run(self, name: str) -> Any:
        return self.get(f"/api/run?name={name}")

    def reaches(self, name: str, *states: str, done: int = 0) -> Any:
        """The run in one of these states, with so many runs done at least."""
        found: dict[str, Any] = {}

        def there() -> bool:
            found.update(self.run(name))
            return found["state"] in states and found["done"] >= done

        assert wait_for(there, 240), found
        return found


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    import uvicorn

    from sublearn.server.app import make_app

    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
        config = uvicorn.Config(make_app(folder, port), log_level="warning", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [own]})
        thread.start()
        try:
            assert wait_for(lambda: server.started, 30)
            yield Served(port, folder)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="package")
def served(tmp_path_factory) -> Iterator[Served]:
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    with serving(tmp_path_factory.mktemp("served") / "runs") as one:
        yield one
    os.environ.pop("OMP_NUM_THREADS") if before is None else os.environ.update(OMP_NUM_THREADS=before)


@pytest.fixture(scope="package")
def finished(served) -> str:
    """The name of a run that has ended, as its command would have left it."""
    from sublearn.execution.options import Options
    from sublearn.execution.plan import Point
    from sublearn.results.single import run_point
    from sublearn.server.orders import Order

    order = Order.model_validate(QUICK)
    study = order.asked()
    folder = served.folder / study.id
    run_point(Point(study, range(order.runs), folder, order.command(folder)), Options())
    return study.id
