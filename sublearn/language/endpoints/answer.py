"""What a server answers, as typed values. A body is foreign: what does not fit is a flaw, in a few words."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sublearn.errors import InputError
from sublearn.files.reading import json_value, typed

LONGEST_ANSWER = 1_000_000
"""Letters of an answer."""
MOST_TOKENS = 1_000_000_000
MOST_ALTERNATIVES = 1_000
ROUNDING = 1e-3
Refusal = Literal["refusal", "content_filter", "empty"]
"""Why there is no answer: the model's own words, the server's filter, or nothing said."""
Model = TypeVar("Model", bound=BaseModel)
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


class FlawError(Exception):
    """What a server answered cannot be used; asking again may help."""


@dataclass(frozen=True)
class Answer:
    """What was said, or why nothing was; the tokens that it cost; the first token's alternatives, if they were given.

    `alternatives` are texts of tokens with their log-probabilities. `tries` counts how often it was asked.
    """

    text: str
    refused: Refusal | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    alternatives: tuple[tuple[str, float], ...] = ()
    tries: int = 1


class _Body(BaseModel):
    """Other keys than those of use are left aside; numbers are no texts."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Top(_Body):
    token: str
    logprob: float = Field(le=ROUNDING)


class _Position(_Top):
    top_logprobs: list[_Top] = Field(default=[], max_length=MOST_ALTERNATIVES)


class _Logprobs(_Body):
    content: list[_Position] | None = None


class _Message(_Body):
    content: Annotated[str, Field(max_length=LONGEST_ANSWER)] | None = None
    refusal: str | None = None


class _Choice(_Body):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(_Body):
    prompt_tokens: Tokens = 0
    completion_tokens: Tokens | None = 0


class _Completion(_Body):
    choices: list[_Choice] = Field(min_length=1, max_length=1)
    usage: _Usage | None = None


class _Model(_Body):
    id: str


class _Models(_Body):
    data: list[_Model]


class _Problem(_Body):
    message: str = ""
    code: str | int | None = None


class _Complaint(_Body):
    error: _Problem | str | None = None
    detail: Any = None
    message: str | None = None


def read_answer(body: bytes) -> Answer:
    """The one answer of a chat completion. Raises FlawError for anything else."""
    found = _read(_Completion, body)
    choice, usage = found.choices[0], found.usage or _Usage()
    text = (choice.message.content or "").strip()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FlawError("a text of it holds half of a surrogate pair") from None
    return Answer(
        text,
        _why_refused(choice, text),
        usage.prompt_tokens,
        usage.completion_tokens or 0,
        _alternatives(choice.logprobs),
    )


def read_models(body: bytes) -> list[str]:
    """The names of the models that a server says it has. Raises FlawError for anything else."""
    return [model.id for model in _read(_Models, body).data]


def complaint(body: bytes) -> tuple[str, str]:
    """What a server says is wrong, and the code that it has for it; empty where it says nothing that can be read."""
    try:
        found = _read(_Complaint, body)
    except FlawError:
        return "", ""
    problem = found.error if isinstance(found.error, _Problem) else _Problem(message=found.error or "")
    return problem.message or found.message or str(found.detail or ""), str(problem.code or "")


def _read(model: type[Model], body: bytes) -> Model:
    try:
        return typed(model, json_value(body, "it"), "it")
    except InputError as error:
        raise FlawError(str(error).removeprefix("it cannot be used: ").rstrip(".")) from None


def _why_refused(choice: _Choice, text: str) -> Refusal | None:
    if choice.message.refusal:
        return "refusal"
    if choice.finish_reason == "content_filter":
        return "content_filter"
    return None if text else "empty"


def _alternatives(given: _Logprobs | None) -> tuple[tuple[str, float], ...]:
    if given is None or not given.content:
        return ()
    found = tuple((top.token, top.logprob) for top in given.content[0].top_logprobs)
    if math.fsum(math.exp(logprob) for _, logprob in found) > 1 + ROUNDING:
        raise FlawError("its probabilities sum to more than 1")
    return found
