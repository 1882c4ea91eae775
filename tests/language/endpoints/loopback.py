"""A small OpenAI-compatible server on loopback that answers as a test tells it to: well, late, busy, or with lies."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "tiny"
Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body; status 0 closes the connection instead."""


def said(text: str | None, **more: Any) -> Reply:
    """A sound chat completion; `more` goes into its only choice, and `usage` and `choices` in place of those."""
    usage = more.pop("usage", {"prompt_tokens": 7, "completion_tokens": 3})
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more
    body = {"id": "x", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
    return 200, {}, json.dumps(body).encode()


def first_token(**probabilities: float) -> Reply:
    """A completion of one token with the log-probabilities of its alternatives."""
    import math

    tops = [{"token": token.replace("_", " "), "logprob": math.log(p)} for token, p in probabilities.items()]
    return said("x", logprobs={"content": [tops[0] | {"top_logprobs": tops}]})


def problem(status: int, message: str = "", **headers: str) -> Reply:
    """What is wrong, as servers say it."""
    return status, headers, json.dumps({"error": {"message": message, "code": None}}).encode()


@dataclass
class Loopback:
    """What a test tells the server, and what the server saw.

    `reply` is called with a request's fields and how often these very fields have come, from 1.
    """

    reply: Callable[[dict[str, Any], int], Reply]
    models: Reply = (200, {}, json.dumps({"object": "list", "data": [{"id": MODEL}]}).encode())
    url: str = ""
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _times: Counter[str] = field(default_factory=Counter)

    @property
    def address(self) -> str:
        return f"{self.url}#{MODEL}"

    def answer(self, fields: dict[str, Any], headers: dict[str, str]) -> Reply:
        key = json.dumps(fields, sort_keys=True)
        with self._lock:
            self.asked.append(fields)
            self.headers.append(headers)
            self._times[key] += 1
            times = self._times[key]
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.reply(fields, times)
        finally:
            with self._lock:
                self.at_once -= 1

    def prompts(self) -> Counter[str]:
        """How often each user's message was asked."""
        return Counter(one["messages"][-1]["content"] for one in self.asked)


@contextmanager
def serving(reply: Callable[[dict[str, Any], int], Reply], **more: Any) -> Iterator[Loopback]:
    """A server on a free port."""
    told = Loopback(reply, **more)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            told.headers.append(dict(self.headers))
            self._give(told.models)

        def do_POST(self) -> None:
            fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._give(told.answer(fields, dict(self.headers)))

        def _give(self, reply: Reply) -> None:
            status, headers, body = reply
            # A body that is shorter than was announced ends with the connection.
            self.close_connection = not status or "Content-Length" in headers
            if not status:
                return
            with suppress(OSError):  # who asked has gone
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        request_queue_size = 64
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # who asked has gone

    with Quiet(("127.0.0.1", told.port), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def numbers(fields: dict[str, Any], times: int) -> Reply:
    """An answer that tells which prompt it is of, and by which seed."""
    del times
    return said(f"{len(fields['messages'][-1]['content'])}, {fields['seed'] % 1000}")
