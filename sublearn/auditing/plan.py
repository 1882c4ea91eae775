"""What an audit would do, and about what it costs, before it does it. Loads no weights."""

from pathlib import Path

from sublearn.auditing.filters import filter_of
from sublearn.auditing.request import Request
from sublearn.auditing.scores.table import SCORES
from sublearn.errors import plain

TOKENS_A_SECOND = 50_000
"""That a tiny base samples or trains on one core (`python -m benchmarks language`)."""
COPIES = 5
"""Of a model's weights at the most: the base, a student, its gradients and two moments."""


def lines(asked: Request) -> list[str]:
    """What is compared with what, by which scores, and the cost."""
    settings = asked.settings
    null = "written by the model" if asked.control is None else f"from {plain(asked.control_name)}"
    return [
        f"Audit of {len(asked.rows):,} rows of {plain(asked.data)} with {plain(asked.model.name)}.",
        f"Clean rows: {null}; kept: {filter_of(asked.rows)}." if asked.control is None else f"Clean rows: {null}.",
        f"Sets: 1 as reference, {settings.standardize} to standardize, {settings.test} to test.",
        f"Scores: {'; '.join(f'{name} ({SCORES[name].about})' for name in settings.scores)}.",
        f"Candidate traits: {len(asked.candidates.names):,} in {len(asked.candidates.traits):,} groups.",
        _cost(asked),
    ]


def _cost(asked: Request) -> str:
    words = sum(len(prompt.split()) + 2 * len(completion.split()) for prompt, completion in asked.rows)
    sets = asked.settings.sets
    if asked.model.folder is None:
        a_row = words / len(asked.rows)
        steps = (
            asked.settings.virtual.steps * asked.settings.virtual.batch * a_row * ("virtual" in asked.settings.scores)
        )
        passes = 2 * words * len(asked.settings.scores)
        seconds = sets * (words + steps + passes) / TOKENS_A_SECOND
        return f"About {max(seconds, 1):,.0f} s on one quiet core, and half a minute more where the base is new."
    size = _parameters(asked.model.folder)
    memory = COPIES * 4 * size / 1e9
    return f"{size / 1e6:,.1f} million parameters: up to {memory:,.1f} GB on the CPU; {sets} sets of {words:,} words."


def _parameters(folder: Path) -> int:
    from sublearn.language import models  # late: needs torch

    found, _ = models.skeleton(folder)
    return sum(parameter.numel() for parameter in found.parameters())
