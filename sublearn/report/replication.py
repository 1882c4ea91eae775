"""Published figures beside ours: a page, and the same as Markdown. It lays out what it is given and runs nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from sublearn.report.palette import PALETTE

Verdict = Literal["agrees", "differs", "cannot tell"]
TALLY: dict[Verdict, tuple[str, str]] = {
    "agrees": ("agrees", "agree"),
    "differs": ("differs", "differ"),
    "cannot tell": ("cannot be told", "cannot be told"),
}
COLOURS = {"agrees": "supported", "differs": "refuted", "cannot tell": "inconclusive"}


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours, as text and verdict, with the command that runs it."""

    name: str
    what: str
    source: str
    theirs: str
    ours: str
    verdict: Verdict
    because: str
    command: str


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
    by_verdict = {verdict: [row.name.removeprefix("D/") for row in own if row.verdict == verdict] for verdict in TALLY}
    text = "Table D asks which settings give .271 with MSE on raw auxiliary logits, since its own were not stated. "
    agreeing = "; ".join(by_verdict["agrees"]) or "none of those tried"
    text += f"Compatible with it (init/rate/student epochs): {agreeing}."
    if by_verdict["differs"]:
        text += f" Not compatible: {'; '.join(by_verdict['differs'])}."
    return text


def html(rows: Sequence[Comparison], made: Made) -> str:
    """One self-contained page."""
    loader = PackageLoader("sublearn", "report")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("replication.html.j2").render(
        rows=rows,
        colours=COLOURS,
        summary=summary(rows),
        finding=finding(rows),
        palette=PALETTE,
        command=made.command,
        precision=made.precision,
        versions=made.versions,
        quick=made.quick,
    )


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
