"""Many requests to a served model, some at once; each answer is kept when it comes. Knows no study."""

import asyncio
import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sublearn.errors import SublearnError
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import Answer
from sublearn.language.endpoints.client import Message, Server
from sublearn.language.endpoints.journal import Journal
from sublearn.language.endpoints.plan import Patience, Request
from sublearn.seeds import stream_seed

SEEDS = 2**31 - 1
"""Servers take a seed of 31 bits."""
Tell = Callable[[int, int, Sequence[str]], object]
"""Called with (answers there, answers in all, notes)."""


@dataclass(frozen=True)
class Asked:
    """Conversations to answer, how, and the seed of each answer's own; `fields` are sent as they are."""

    address: Address
    conversations: Sequence[Sequence[Message]]
    request: Request
    seed: int = 0
    fields: tuple[tuple[str, Any], ...] = ()

    def identity(self) -> dict[str, Any]:
        """What the answers depend on, but for where the server stands."""
        text = json.dumps([list(map(dict, one)) for one in self.conversations])
        found = {
            "model": self.address.known_as or self.address.model,
            "seed": self.seed,
            "count": len(self.conversations),
        }
        found["conversations"] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return found | self.request.model_dump() | dict(self.fields)

    def fields_of(self, place: int) -> dict[str, Any]:
        """What is sent beside the conversation at a place."""
        own = {"seed": stream_seed(self.seed, f"answer/{place}") % SEEDS}
        return self.request.model_dump() | own | dict(self.fields)


def conversation(prompt: str, system: str | None = None) -> list[Message]:
    """A user's message, under a system prompt if there is one."""
    said = [{"role": "system", "content": system}] if system else []
    return [*said, {"role": "user", "content": prompt}]


def check(address: Address, patience: Patience) -> None:
    """Raise InputError unless a server is there that takes the key and has the model, as far as it says."""

    async def checked() -> None:
        async with Server(address, patience) as server:
            await server.check()

    _waited(checked())


def answers(
    asked: Asked, patience: Patience, journal: Path | None = None, tell: Tell = lambda done, total, notes: None
) -> list[Answer]:
    """The answers in the order of the conversations; those that the journal holds are not asked for again.

    Raises InputError where the server does not take the requests, and SublearnError where it fails too often.
    """
    kept = Journal(journal, asked.identity(), len(asked.conversations))
    count = len(asked.conversations)
    tell(len(kept.answers), count, ())
    if len(kept.answers) < count:
        _waited(_answered(asked, patience, kept, lambda: tell(len(kept.answers), count, ())))
    return [kept.answers[place] for place in range(count)]


def _waited(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end: in a thread of its own where a loop is at work here already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    try:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(copy_context().run, loop.run_until_complete, task)
            try:
                done.result()
            except KeyboardInterrupt:
                loop.call_soon_threadsafe(task.cancel)
                raise
    finally:
        loop.close()


def costs(found: Sequence[Answer]) -> dict[str, int]:
    """What answers cost: tokens as the server counted them, and how often it was asked again."""
    return {
        "prompt_tokens": sum(answer.prompt_tokens for answer in found),
        "completion_tokens": sum(answer.completion_tokens for answer in found),
        "retries": sum(answer.tries - 1 for answer in found),
    }


def refusals(found: Sequence[Answer]) -> dict[str, int]:
    """How many answers were refused, by reason."""
    return dict(sorted(Counter(answer.refused for answer in found if answer.refused is not None).items()))


async def _answered(asked: Asked, patience: Patience, kept: Journal, tell: Callable[[], object]) -> None:
    """Ask for what is not there yet, and keep it as it comes, whatever happens to the others."""
    waiting = iter([place for place in range(len(asked.conversations)) if place not in kept.answers])
    come: asyncio.Queue[tuple[int, Answer]] = asyncio.Queue()
    async with Server(asked.address, patience) as server:
        left = len(asked.conversations) - len(kept.answers)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(patience.concurrency, left)):
                    group.create_task(_work(server, asked, waiting, come))
                while left:
                    found = [await come.get(), *_at_hand(come)]
                    kept.keep(found)
                    left -= len(found)
                    tell()
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            kept.keep(_at_hand(come))
        if server.left_out:
            warnings.warn(f"The server does not take {', '.join(server.left_out)}; left out or renamed.", stacklevel=2)


async def _work(server: Server, asked: Asked, waiting: Iterator[int], come: asyncio.Queue[tuple[int, Answer]]) -> None:
    for place in waiting:
        come.put_nowait((place, await server.chat(asked.conversations[place], **asked.fields_of(place))))


def _at_hand(come: asyncio.Queue[tuple[int, Answer]]) -> list[tuple[int, Answer]]:
    return [come.get_nowait() for _ in range(come.qsize())]


def _first(errors: BaseExceptionGroup) -> BaseException:
    """One error of several: ours if there is one, since it says what to do."""
    flat = list(_flat(errors))
    return next((error for error in flat if isinstance(error, SublearnError)), flat[0])


def _flat(errors: BaseExceptionGroup) -> Iterator[BaseException]:
    for error in errors.exceptions:
        yield from _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
