"""What a served model is asked for, and how patiently. Settings alone; torch-free."""

from pydantic import Field

from sublearn.config import Spec

MOST_TRIES = 8


class Request(Spec, frozen=True):
    """How an answer is drawn: settings that change what comes out."""

    max_tokens: int = Field(default=80, ge=1, le=100_000, description="tokens of an answer, at most")
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)


class Patience(Spec, frozen=True):
    """How many requests are under way at once, and how long a server that fails is borne with."""

    concurrency: int = Field(default=16, ge=1, le=1_000)
    timeout: float = Field(default=120.0, gt=0, le=86_400, description="seconds for one answer")
    tries: int = Field(default=MOST_TRIES, ge=1, le=1_000, description="of one request, before the command gives up")
    backoff: float = Field(default=0.5, gt=0, le=600, description="seconds; doubles with each try, and is drawn below")
