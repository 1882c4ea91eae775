"""Published figures beside ours, as text and as Markdown. It lays out what it is given and runs nothing."""

from collections import Counter
from collections.abc import Sequence

from sublearn.execution.replication import Comparison, Made, Verdict

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
