"""Talks with an OpenAI-compatible server: one request at a time, retried with backoff. Knows no rows and no files.

httpx2 sends and tenacity retries. The client `openai` is not used: it reads bodies of any size and does not check what
is in them, so that its retries would not see a server that lies.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx2
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from sublearn.errors import InputError, SublearnError, plain
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import Answer, FlawError, complaint, read_answer, read_models
from sublearn.language.endpoints.plan import Patience

LARGEST_BODY = 1 << 24
"""Bytes of what a server answers."""
LONGEST_WAIT = 30.0
"""Seconds between two tries, where the server names none."""
LONGEST_ASKED = 3_600.0
"""Seconds that a server may ask us to wait."""
CONNECT_S = 10.0
SHORTEST_SECRET = 8
"""Letters of a key that is hidden; shorter ones, as "EMPTY", keep nothing secret and may be words of an answer."""
HIDDEN = "[key]"
TOO_MANY = 429
PASSING = {408, 409, 425, TOO_MANY}
"""Statuses below 500 that another try may change."""
OPTIONAL = {"seed": None, "max_tokens": "max_completion_tokens", "top_p": None}
"""Fields that some servers do not take, and what takes their place."""
Message = Mapping[str, str]


class PassingError(Exception):
    """What may be otherwise in a moment; `wait` is how long the server asks for.

    After a `renamed` field the request is another one.
    """

    def __init__(self, message: str, wait: float | None = None, busy: bool = False, renamed: bool = False) -> None:
        super().__init__(message)
        self.wait, self.busy, self.renamed = wait, busy, renamed


class RefusedError(InputError):
    """A request that this server does not take, in its own words."""


class Server:
    """A connection to a served model. `async with`; `chat` may be called many times at once."""

    def __init__(self, address: Address, patience: Patience) -> None:
        self.address, self.patience = address, patience
        self._key: SecretStr | None = address.key()
        self._left_out: set[str] = set()
        self._not_before = 0.0
        self._answered = 0
        secret = self._key.get_secret_value() if self._key else ""
        self._secret = secret if len(secret) >= SHORTEST_SECRET else ""
        headers = {"Accept-Encoding": "identity"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        try:
            self._client = httpx2.AsyncClient(
                headers=headers,
                timeout=httpx2.Timeout(patience.timeout, connect=min(CONNECT_S, patience.timeout)),
                limits=httpx2.Limits(max_connections=patience.concurrency),
                follow_redirects=False,
                verify=address.encrypted,  # certificates are read for addresses that have them alone: it takes long
                trust_env=not address.loopback,  # proxies
            )
        except (ImportError, ValueError, httpx2.InvalidURL):
            # Not in its own words, which may say a password.
            raise InputError(
                "The environment names a proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) that cannot be used; expected "
                "http://HOST:PORT. Change it, or name the server's host in NO_PROXY."
            ) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def check(self) -> None:
        """Raise InputError unless a server is there that takes the key and has the model, as far as it says."""
        try:
            status, _, body = await self._sent("GET", "/models")
        except PassingError as error:
            raise InputError(f"{self.address.url} {error}. Is the server started, and the address right?") from None
        self._check_key(status, body)
        try:
            names = read_models(body) if status == httpx2.codes.OK else []
        except FlawError:
            return  # some have no such list
        if names and self.address.model not in names:
            known = ", ".join(self._hidden(name) for name in sorted(names)[:20])
            raise InputError(f"{self.address.url} serves no model {self.address.model!r}. It has: {known}.")

    async def chat(self, messages: Sequence[Message], **fields: Any) -> Answer:
        """The answer to a conversation. Raises RefusedError for one that the server does not take.

        Raises InputError for a key or an address that it does not know, and SublearnError where it failed too often.
        """
        failures = _Failures(self.patience, lambda: self._answered)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingError), stop=failures.over, wait=failures.wait, reraise=True
        )
        try:
            answer = await retrying(self._once, messages, fields)
        except PassingError as error:
            raise SublearnError(
                f"{self.address.url} failed {failures.count} times for one request: it {error}. What was answered is "
                "kept; give the same command again once the server is well."
            ) from None
        self._answered += 1
        return replace(answer, tries=retrying.statistics["attempt_number"])

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that the server did not take."""
        return tuple(sorted(self._left_out))

    async def _once(self, messages: Sequence[Message], fields: Mapping[str, Any]) -> Answer:
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        asked = {"model": self.address.model, "messages": list(messages), **self._that_are_taken(fields)}
        status, headers, body = await self._sent("POST", "/chat/completions", asked)
        if status != httpx2.codes.OK:
            return self._refusal(status, headers, body, asked)
        try:
            answer = read_answer(body)
        except FlawError as flaw:
            raise PassingError(f"answered what cannot be used: {self._hidden(flaw)}") from None
        return replace(
            answer,
            text=self._hidden(answer.text, None),
            alternatives=tuple((self._hidden(token, None), p) for token, p in answer.alternatives),
        )

    async def _sent(
        self, method: str, path: str, fields: Mapping[str, Any] | None = None
    ) -> tuple[int, httpx2.Headers, bytes]:
        """A response's status, headers and body, within the time and size that there are."""
        content = None if fields is None else json.dumps(fields).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(self.patience.timeout),
                self._client.stream(method, self.address.url + path, content=content, headers=headers) as response,
            ):
                body = await _bounded(response)
                # Before anything of it is quoted, which would cut a long key in two.
                body = body.replace(self._secret.encode(), HIDDEN.encode()) if self._secret else body
                return response.status_code, response.headers, body
        except (httpx2.InvalidURL, UnicodeError):
            raise InputError(f"{self.address.url} is no address of a server.") from None
        except TimeoutError:
            raise PassingError(f"did not answer within {self.patience.timeout:g} s") from None
        except httpx2.TimeoutException:
            raise PassingError("did not answer in time") from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            said = self._hidden(error) or type(error).__name__
            raise PassingError(f"cannot be reached or broke off ({said.rstrip('.')})") from None

    def _refusal(self, status: int, headers: httpx2.Headers, body: bytes, asked: Mapping[str, Any]) -> Answer:
        """An answer that says why there is none. Raises what another status means."""
        self._check_key(status, body)
        said, code = complaint(body)
        words = f"{status}{f', {self._hidden(said)}' if said else ''}".rstrip(".")
        if status in PASSING or status >= 500:
            wait = _wait_asked(headers) or None
            if wait is not None and wait > LONGEST_ASKED:
                raise SublearnError(f"{self.address.url} asks to wait {wait:,.0f} s ({words}). Try again then.")
            self._not_before = max(self._not_before, time.monotonic() + (wait or 0.0))
            raise PassingError(f"answered {words}", wait, busy=status == TOO_MANY)
        if "content_filter" in (code, said):
            return Answer("", "content_filter")
        for name in OPTIONAL:
            if name in asked and name in said:
                self._left_out.add(name)
                raise PassingError(f"does not take {name} ({words})", 0.0, renamed=True)
        if 300 <= status < 400:
            raise InputError(f"{self.address.url} redirects to another address. Name that one.")
        if status in (404, 405):
            raise InputError(
                f"{self.address.url}/chat/completions is not there, or there is no model {self.address.model!r} "
                f"({words}). Most addresses end in /v1."
            )
        raise RefusedError(f"{self.address.url} does not take the request: {words}.")

    def _check_key(self, status: int, body: bytes) -> None:
        if status not in (401, 403):
            return
        names = " or ".join(self.address.key_names)
        said = self._hidden(complaint(body)[0]) or "it says no more"
        if self._key is None:
            raise InputError(f"{self.address.url} wants a key ({status}, {said.rstrip('.')}). Set {names}.")
        raise InputError(f"{self.address.url} does not take the key in {names} ({status}, {said.rstrip('.')}).")

    def _that_are_taken(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields under the names that this server takes, without those that it takes under none."""
        named = {(OPTIONAL[name] if name in self._left_out else name): value for name, value in fields.items()}
        return {name: value for name, value in named.items() if name is not None}

    def _hidden(self, text: object, most: int | None = 300) -> str:
        """A foreign text without the key, should the server say it; in one line where it is bounded."""
        shown = str(text).replace(self._secret, HIDDEN) if self._secret else str(text)
        return shown if most is None else plain(shown, most)


class _Failures:
    """How often one request failed, and when it is given up.

    That a server is busy does not count while it answers others: the turn of this one will come. Nor does a field
    that it does not take, which is left out from then on.
    """

    def __init__(self, patience: Patience, answered: Callable[[], int]) -> None:
        self.count = 0
        self._most, self._answered, self._before = patience.tries, answered, answered()
        self._backoff = wait_random_exponential(multiplier=patience.backoff, max=LONGEST_WAIT)

    def over(self, state: RetryCallState) -> bool:
        """Whether the last failure was one too many."""
        if _failure(state).renamed:
            return False
        answered = self._answered()
        if _failure(state).busy and answered > self._before:
            self.count = 0
        self._before = answered
        self.count += 1
        return self.count >= self._most

    def wait(self, state: RetryCallState) -> float:
        """Seconds to the next try."""
        asked = _failure(state).wait
        return self._backoff(state) if asked is None else asked


def _failure(state: RetryCallState) -> PassingError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, PassingError)
    return error


async def _bounded(response: httpx2.Response) -> bytes:
    """A body of a size that can be meant."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise PassingError(f"answered more than {LARGEST_BODY:,} bytes")
    return bytes(body)


def _wait_asked(headers: httpx2.Headers) -> float | None:
    """The seconds of Retry-After, which are a number or a date; None where there are none that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) < 20:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
