"""Who may ask, and what a browser may do with the answers: foreign hosts and origins are refused. Knows no page."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
LARGEST_BODY = 1 << 16
"""Bytes of a request."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox"
)
"""For a report, which is a file of the run directory: it may have a style of its own, and runs nothing."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """Stands before an application: refuses foreign requests, and adds the headers that are not there."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{host}:{port}" for host in HOSTS} | (set(HOSTS) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may be asked."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                new = [(name.lower().encode(), text.encode()) for name, text in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *(one for one in new if one[0] not in there)]}
            await send(message)

        problem = self.refused({name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]})
        if problem is None:
            await self.app(scope, receive, with_headers)
        else:
            start = {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]}
            await with_headers(start)
            await send({"type": "http.response.body", "body": problem.encode()})

    def refused(self, headers: Mapping[str, str]) -> str | None:
        """Why a request with these headers is refused; None if it is not."""
        if headers.get("host") not in self.hosts:
            return "This server answers to 127.0.0.1 and localhost alone."
        origin = headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self.hosts:
            return "Another page may not ask this server."
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return "Another page may not ask this server."
        return None
