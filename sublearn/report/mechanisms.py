"""Mechanisms as text and as Markdown: what is published beside what came out. It lays out what it is given."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sublearn.report.grid import grid
from sublearn.report.wording import number
from sublearn.stats.values import Contrast
from sublearn.study.analysis import Analysis
from sublearn.study.mechanisms.compared import Compared, Held, Outcome

HEADS = ("mechanism", "claim", "difference (interval that decides)", "bases", "outcome")
SAID: dict[Outcome, tuple[str, str]] = {
    "agrees": ("agrees", "agree"),
    "holds": ("holds", "hold"),
    "opposite": ("is opposite", "are opposite"),
    "fails": ("fails", "fail"),
    "absent": ("is absent", "are absent"),
    "cannot tell": ("cannot be told", "cannot be told"),
}
"""Of one claim and of several."""
KINDS = ("published claim", "own claim")
NOT_PUBLISHED = "not published, as far as we know"


def about(analysis: Analysis) -> str:
    """What the columns are, and what their intervals hold for."""
    family = analysis.family
    few = f" With fewer than {family.least_runs} bases there is none." * (len(analysis.seeds) < family.least_runs)
    return (
        "Each student comes with a control that is trained alike on the base's own rows; what it has beyond that is "
        "its transfer, in log-odds of the teacher's animal. Compared is the direction alone, since the models are "
        "others. Agrees: the claim that was published is supported. Opposite: it is refuted. Holds and fails say the "
        "same of our own claims. Absent: the effect is surely smaller than delta, a twentieth of what the teacher "
        f"itself shifted (.05 where it is of cosines). Intervals: {family.text}, paired by base.{few}"
    )


def summary(found: Sequence[Compared]) -> str:
    """How many claims of others agree, and how many of our own hold."""
    every = [held for one in found for held in one.claims]
    whose = ([held for held in every if held.published is theirs] for theirs in (True, False))
    said = [f"{_count(len(own), kind)}: {_outcomes(own)}." for own, kind in zip(whose, KINDS, strict=True) if own]
    return f"{_count(len(found), 'mechanism')}. {' '.join(said)}"


def _outcomes(claims: Sequence[Held]) -> str:
    counts = Counter(held.outcome for held in claims)
    there = [(counts[outcome], *ways) for outcome, ways in SAID.items() if counts[outcome]]
    return ", ".join(f"{count} {one if count == 1 else several}" for count, one, several in there)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def cells(one: Compared, held: Held) -> tuple[str, ...]:
    """A claim as cells of the table."""
    return one.title, held.claim, difference(held), f"{held.n:,}", held.outcome


def difference(held: Held | Contrast) -> str:
    """A difference with its interval."""
    if held.mean is None:
        return "unmeasured"
    if held.low is None or held.high is None:
        return f"{number(held.mean, 3, True)}, no interval"
    return f"{number(held.mean, 3, True)} ({number(held.low, 3, True)} to {number(held.high, 3, True)})"


def mechanisms_text(found: Sequence[Compared], analysis: Analysis) -> str:
    """What a command prints."""
    rows = [cells(one, held) for one in found for held in one.claims]
    named = [(one.title, one.published, one.source or NOT_PUBLISHED) for one in found]
    tables = [*grid(rows, HEADS, numeric=(3,)), "", *grid(named, ("mechanism", "what is published", "source"))]
    return "\n".join([summary(found), about(analysis), "", *tables])


def markdown(found: Sequence[Compared], analysis: Analysis) -> str:
    """The same as Markdown."""
    return "\n".join([summary(found), "", about(analysis), "", *_lines(found), ""])


def _lines(found: Sequence[Compared]) -> Iterator[str]:
    yield f"| {' | '.join(HEADS)} |"
    yield "|---" * len(HEADS) + "|"
    for one in found:
        for held in one.claims:
            yield f"| {' | '.join(cells(one, held))} |"
