"""Published figures beside ours, as text and as Markdown. It lays out what it is given and runs nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sublearn.execution.replication import Comparison, Provenance, Verdict
from sublearn.study.agreement import RULE, SPREAD, WITHIN

TALLY: dict[Verdict, tuple[str, str]] = {
    "agrees": ("agrees", "agree"),
    "differs": ("differs", "differ"),
    "cannot tell": ("cannot be told", "cannot be told"),
}
FOUND: dict[Verdict, tuple[str, str]] = {
    "agrees": ("agrees with it", "agree with it"),
    "differs": ("differs", "differ"),
    "cannot tell": ("cannot be told", "cannot be told"),
}
RULE_TEXT = (
    "A figure agrees when the joint 95% interval of the difference (both intervals and the published rounding) "
    f"lies wholly within {WITHIN:.2f} of zero, and differs when it lies wholly beyond. Everything else cannot "
    "be told, and so is a figure of which the number of runs or the spread was not published, wherever the "
    f"verdict hangs on that: one run, and a spread of {SPREAD:g} times ours, are allowed for. A published fall "
    "agrees when ours surely falls. A figure whose settings are not stated is undetermined, whatever was "
    "tried."
)
MEANING = (
    (
        "Agreement means that this program, given the recipe as far as its source states it, gives the same mean "
        f"accuracy to within {WITHIN:.2f}. The code is another, and so are the noise, the order of the data and the "
        "seeds; what a source does not state was filled in, and is named with each figure."
    ),
    (
        "It does not mean that the mechanism is the same, that the published explanation holds, or that what was "
        f"filled in is what they did: other recipes can give the same number. A difference below {WITHIN:.2f} goes "
        "unseen, and a figure near chance (0.10) agrees with anything that transfers nothing."
    ),
    "A difference would not mean that the source is wrong: a setting that nobody wrote down can make it.",
    (
        "Figures of one table share code, data and often the trained teachers. They are no independent "
        "confirmations, and how many agree says little beyond how many were published."
    ),
)
LEFT_OUT = (
    "Each figure stands here once. Left out are networks that were not trained (table A's reference, and table "
    "B with one auxiliary logit, whose KL divergence has no gradient) and a figure that another one repeats "
    "(table C's uniform noise is table A's first student)."
)
FIRST_RULE = (
    "Measured by an earlier version and shown with its verdicts: some figures were counted more than once, some "
    "were judged as if their unpublished numbers of runs were known. The same command makes it again under the "
    "present rule."
)


def summary(rows: Sequence[Comparison], rule: int = RULE) -> str:
    """How many figures agree, differ and cannot be told; those that nothing can determine are counted apart."""
    counts = Counter(row.verdict for row in rows)
    said = [f"{counts[verdict]} {words[counts[verdict] != 1]}" for verdict, words in TALLY.items()]
    apart, judged = counts["undetermined"], counts.total() - counts["undetermined"]
    text = f"{judged} {'figure' if rule == RULE else 'row'}{'' if judged == 1 else 's'}: {', '.join(said)}."
    if apart:
        text += f" Apart from these, {apart} {'is' if apart == 1 else 'are'} undetermined: settings are not stated."
    return text if rule == RULE else f"{text} Counted and judged by an earlier rule."


def sources_of(rows: Sequence[Comparison]) -> list[str]:
    """Who measured the figures, each once, without how they were read."""
    return list(dict.fromkeys(row.source.partition(";")[0] for row in rows))


def finding(rows: Sequence[Comparison]) -> str | None:
    """What was tried in search of figures whose settings are not stated; None where there are none."""
    return " ".join(_sought(row) for row in rows if row.readings) or None


def _sought(row: Comparison) -> str:
    tried = f"{len(row.readings)} setting{' was' if len(row.readings) == 1 else 's were'} tried"
    text = (
        f"{row.name} asks which settings give {row.theirs}, since its source does not state {_listed(row.unstated)}. "
    )
    counts = Counter(one.verdict for one in row.readings)
    said = [f"{counts[one]} {words[counts[one] != 1]}" for one, words in FOUND.items() if counts[one]]
    text += f"{tried}: {_listed(said)}. "
    late = [one.label for one in row.readings if one.late]
    text += f"Chosen after the others were seen: {'; '.join(late)}. " if late else ""
    return f"{text}They were picked in search of the figure: agreement says what could have given it, not what did."


def _listed(several: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(several[:-1]), *several[-1:])))


def markdown(rows: Sequence[Comparison], made: Provenance) -> str:
    """The same figures as Markdown."""
    head = [f"{summary(rows, made.rule)} Measured by `{made.command}`.", ""]
    if made.rule != RULE:
        head = [f"**{FIRST_RULE}**", "", *head]
    if made.quick:
        head = [f"**A first look with {made.quick} runs a figure; not a replication.**", "", *head]
    lines = ["| figure | theirs | ours, 95% interval | verdict | because |", "|---|---|---|---|---|"]
    lines += [f"| {r.name}: {r.what} | {r.theirs} | {r.ours} | {r.verdict} | {r.because} |" for r in rows]
    lines += _tried(rows)
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    sources = _sources(rows) if made.rule == RULE else []
    return "\n".join([*head, *lines, *sources, "", f"Versions: {versions}; precision {made.precision}.", ""])


def _tried(rows: Sequence[Comparison]) -> Iterator[str]:
    """What was tried in search of figures whose settings are not stated."""
    said = finding(rows)
    if said:
        yield from (
            "",
            said,
            "",
            "| tried | ours, 95% interval | stands to the figure | because |",
            "|---|---|---|---|",
        )
    for one in (reading for row in rows for reading in row.readings):
        yield f"| {one.label} | {one.ours} | {one.verdict} | {one.because} |"


def _sources(rows: Sequence[Comparison]) -> Iterator[str]:
    """The rule, what agreement means, and the sources."""
    yield from ("", "## What agreement can and cannot mean", "", RULE_TEXT)
    for text in (*MEANING, LEFT_OUT):
        yield from ("", text)
    yield from ("", "## Sources", "")
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source]
        yield f"- {', '.join(row.name for row in own)}: {source}."
        yield from _known("Not stated", {row.name: row.unstated for row in own})
        yield from _known("Known to be otherwise here", {row.name: row.otherwise for row in own})


def _known(intro: str, facts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Facts by the figures that they hold for; those of all of a source's figures without their names."""
    about: dict[tuple[str, ...], list[str]] = {}
    for fact in dict.fromkeys(fact for several in facts.values() for fact in several):
        about.setdefault(tuple(name for name in facts if fact in facts[name]), []).append(fact)
    for names, several in about.items():
        where = "" if len(names) == len(facts) else f" ({', '.join(names)})"
        yield f"  - {intro}{where}: {'; '.join(several)}."
