"""Published figures beside ours, as text and as Markdown. It lays out what it is given and runs nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["agrees", "differs", "cannot tell"]
TALLY: dict[Verdict, tuple[str, str]] = {
    "agrees": ("agrees", "agree"),
    "differs": ("differs", "differ"),
    "cannot tell": ("cannot be told", "cannot be told"),
}
FOUND: dict[Verdict, tuple[str, str]] = {
    "agrees": ("agrees with it", "agree with it"),
    "differs": ("differs", "differ"),
    "cannot tell": ("cannot tell", "cannot tell"),
}


@dataclass(frozen=True)
class Span:
    """A mean with the ends of its 95% interval, if it has one; `label` is a trend's setting, or empty."""

    label: str
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours, as text and verdict, with the command that runs it.

    `published` and `measured` are the same as numbers; a trend has several measured ones. Version 0.1 kept none.
    """

    name: str
    what: str
    source: str
    theirs: str
    ours: str
    verdict: Verdict
    because: str
    command: str
    published: Span | None = None
    measured: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Made:
    """How a replication was made; `quick` is the number of runs a figure if it was only a first look."""

    command: str
    precision: str
    versions: Mapping[str, str]
    quick: int | None = None


def summary(rows: Sequence[Comparison]) -> str:
    """How many figures agree, differ and cannot be told."""
    counts = Counter(row.verdict for row in rows)
    said = [f"{counts[verdict]} {words[counts[verdict] != 1]}" for verdict, words in TALLY.items()]
    return f"{len(rows)} figure{'' if len(rows) == 1 else 's'}: {', '.join(said)}."


def finding(rows: Sequence[Comparison]) -> str | None:
    """What the rows of table D say of its open question; None where there are none."""
    own = [row for row in rows if row.name.startswith("D/")]
    if not own:
        return None
    tried = "1 setting was tried" if len(own) == 1 else f"{len(own)} settings were tried"
    text = (
        "Table D asks which settings give .271 with MSE on raw auxiliary logits, since its own init and learning rate "
        f"were not stated. {tried} (init/rate/student epochs)."
    )
    for verdict, words in FOUND.items():
        some = [f"{row.name.removeprefix('D/')}, {row.ours}" for row in own if row.verdict == verdict]
        text += f" {len(some)} {words[len(some) != 1]}: {'; '.join(some)}." if some else ""
    if not any(row.verdict == "agrees" for row in own):
        text += " None agrees with it."
    return f"{text} They were picked in search of the figure: agreement says what could have given it, not what did."


def markdown(rows: Sequence[Comparison], made: Made) -> str:
    """The same figures as Markdown."""
    head = [f"{summary(rows)} Made by `{made.command}`.", ""]
    if made.quick:
        head = [f"**A first look with {made.quick} runs a figure; not a replication.**", "", *head]
    lines = ["| figure | theirs | ours, 95% interval | verdict | because |", "|---|---|---|---|---|"]
    lines += [f"| {r.name}: {r.what} | {r.theirs} | {r.ours} | {r.verdict} | {r.because} |" for r in rows]
    said = finding(rows)
    lines += ["", said] if said else []
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return "\n".join([*head, *lines, "", f"Versions: {versions}; precision {made.precision}.", ""])
