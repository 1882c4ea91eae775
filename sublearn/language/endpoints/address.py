"""Where a served model is, and the key to it. The key comes from the environment and is written nowhere."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from sublearn.errors import InputError, quoted

KEY = "SUBLEARN_API_KEY"
"""The environment variable of the key, for whichever server is named."""
OWN_KEYS = {"api.openai.com": "OPENAI_API_KEY"}
"""Hosts whose usual variable is read as well. No other host gets what is in it."""
LONGEST = 500
EXAMPLE = "URL#MODEL, as in http://127.0.0.1:8000/v1#my-model"


@dataclass(frozen=True)
class Address:
    """The URL of an OpenAI-compatible server, up to and with its version, and a model that it serves.

    Answers are kept under the model's name, or under `known_as`, where one model goes by several names.
    """

    url: str
    model: str
    known_as: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str, option: str = "--teacher") -> Self:
        """An address from text. Raises InputError for anything else, without a password that may stand in it.

        >>> Address.parse("http://127.0.0.1:8000/v1/#m")
        Address(url='http://127.0.0.1:8000/v1', model='m')
        """
        url, mark, model = text.partition("#")
        if problem := _problem(url, model if mark else None):
            raise InputError(f"{option} {problem}; expected {EXAMPLE}.")
        return cls(url.rstrip("/"), model)

    def __str__(self) -> str:
        return f"{self.url}#{self.model}"

    @property
    def host(self) -> str:
        """The host's name or number."""
        return (urlsplit(self.url).hostname or "").lower()

    @property
    def encrypted(self) -> bool:
        """Whether what is sent can be read on its way by nobody else."""
        return urlsplit(self.url).scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine: what is sent stays here."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def key(self, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
        """The key from the environment, None if there is none.

        Raises InputError for a key that cannot be sent, or that would go unencrypted to another machine.
        """
        name = next((name for name in self.key_names if environment.get(name, "").strip()), None)
        if name is None:
            return None
        key = environment[name].strip()
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise InputError(f"The key in {name} holds spaces or letters that no key has. Set it anew.")
        if not self.encrypted and not self.loopback:
            raise InputError(
                f"{self.url} is no https: the key in {name} would be sent unencrypted. Name the server's https "
                f"address, reach it through a tunnel to this machine (ssh -L), or unset {name} if it needs none."
            )
        return SecretStr(key)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The environment variables that may hold the key of this server."""
        own = OWN_KEYS.get(self.host)
        return (KEY, own) if own else (KEY,)


def _problem(url: str, model: str | None) -> str | None:
    """What is wrong with a URL and the name of a model behind it."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "got a URL that cannot be read"
    if "@" in parts.netloc:  # never quoted
        return f"got a URL with a name or password in it; keys are read from {KEY}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return f"{quoted(url)} is no address of a server"
    if parts.query:
        return "got a URL with a query (?), which is not sent"
    if not model or not model.strip():
        return f"{quoted(url)} names no model behind a #"
    if len(url) + len(model) > LONGEST or not f"{url}{model}".isprintable() or not url.isascii() or " " in url:
        return f"{quoted(url)} is too long, or holds letters that no URL has"
    return None
