"""Numbers that a server writes: the answers of one round, kept one by one as they come."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.plan import Patience, Request
from sublearn.study.numbers.spec import ANSWER_TOKENS, TINY, Settings

PATIENCE = Patience(concurrency=32, timeout=300)


def served(
    settings: Settings, prompts: Sequence[str], system: str | None, seed: int, journal: Path | None
) -> tuple[list[str], Counter[str]]:
    """A server's answer to each prompt, nothing where it was refused, and what they cost.

    With a `journal`, answers that are there are not asked for again.
    """
    from sublearn.language.endpoints import many  # late: of another extra

    asked = many.Asked(
        Address.parse(settings.teacher.server),
        [many.conversation(prompt, system) for prompt in prompts],
        Request(max_tokens=ANSWER_TOKENS[settings.model == TINY]),
        seed,
    )
    found = many.answers(asked, PATIENCE, journal)
    return [one.text if one.refused is None else "" for one in found], Counter(many.costs(found) | many.refusals(found))
