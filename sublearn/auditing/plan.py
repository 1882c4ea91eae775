"""What an audit would do, and about what it costs, before it does it. Loads no weights."""

from sublearn.auditing.calibration import LEVEL, fewest
from sublearn.auditing.filters import filter_of
from sublearn.auditing.request import Request
from sublearn.auditing.scores.table import SCORES
from sublearn.errors import plain, quoted

TOKENS_A_SECOND = 65_000
"""That a tiny base samples or trains on one core (`python -m benchmarks language`)."""


GB = 1e9


def lines(asked: Request) -> list[str]:
    """What is compared with what, by which scores, and the cost."""
    settings = asked.settings
    null = "written by the model" if asked.control is None else f"from {plain(asked.control_name)}"
    under = (
        "" if asked.system is None else f" Rows and questions are read under the system prompt {quoted(asked.system)}."
    )
    return [
        f"Audit of {len(asked.rows):,} rows of {plain(asked.data)} with {plain(asked.model.name)}.{under}",
        f"Clean rows: {null}; kept: {filter_of(asked.rows)}." if asked.control is None else f"Clean rows: {null}.",
        f"Sets of {asked.compared:,} rows: 1 as reference, {settings.standardize} to standardize, {settings.test} to "
        f"test{_too_few(asked)}.",
        f"Scores: {'; '.join(f'{name} ({SCORES[name].about})' for name in settings.scores)}.",
        f"Candidate traits: {len(asked.candidates.names):,} in {len(asked.candidates.traits):,} groups.",
        _cost(asked),
    ]


def _too_few(asked: Request) -> str:
    few = asked.settings.test < fewest()
    return f", too few for a signal to be found at {LEVEL}: that takes {fewest()}" if few else ""


def _cost(asked: Request) -> str:
    before = len((asked.system or "").split())
    words = sum(before + len(prompt.split()) + 2 * len(completion.split()) for prompt, completion in asked.rows)
    sets = asked.settings.sets
    if asked.model.folder is None:
        a_row = words / len(asked.rows)
        steps = asked.settings.students_read(len(asked.rows)) * a_row
        passes = 2 * words * len(asked.settings.scores)
        seconds = sets * (words + steps + passes) / TOKENS_A_SECOND
        return f"About {max(seconds, 1):,.0f} s on one quiet core, and half a minute more where the base is new."
    return _cost_of_folder(asked)


def _cost_of_folder(asked: Request) -> str:
    from sublearn.auditing import cost  # late: needs torch

    found = cost.of(asked)
    where = "the GPU" if asked.device == "cuda" else "the CPU"
    learns = "copies of the model" if found.whole else f"low-rank factors of rank {asked.settings.adapters.rank}"
    beside = f", and {found.beside / GB:,.2f} GB of traits' gradients or teachers" if found.beside else ""
    took = "the time is unknown: no block of this model could be made alone"
    if found.seconds is not None:
        took = f"about {duration(found.seconds)} by a pilot of one block here, other work on the machine not counted"
    return (
        f"{found.weights / 1e6:,.1f} million weights; students are {learns}. "
        f"Memory: about {found.device / GB:,.2f} GB on {where}{beside}. Time: {took}."
    )


def duration(seconds: float) -> str:
    """Seconds in the unit that one would say."""
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{max(seconds, 1):,.0f} s"
