"""The tables in docs/mechanisms.md: `python docs/make_mechanisms.py` writes what is published and claimed, from the
table of mechanisms; `python docs/make_mechanisms.py FOLDER` also what came out in a run directory.

Each stands between `<!-- NAME -->` and `<!-- end -->`; prose stays.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sublearn.errors import InputError
from sublearn.report.charts.mechanisms import mechanisms_figure
from sublearn.report.mechanisms import difference, markdown
from sublearn.results.single import Result
from sublearn.study.analysis import Analysis
from sublearn.study.mechanisms.compared import Compared
from sublearn.study.mechanisms.follow_up import FOLLOW_UP
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.table import EVERY, MECHANISMS
from sublearn.study.students.spec import LOG_ODDS

FILE = Path(__file__).parent / "mechanisms.md"
GROUPS = {"measured": MECHANISMS, "further": FURTHER, "follow_up": FOLLOW_UP}
FIGURES = {name: f"figures/{'mechanisms' if name == 'measured' else name}.svg" for name in GROUPS}
ALT = "The claims of the table on one axis, a panel for each mechanism: differences with the intervals that decide"


def claims() -> Iterator[str]:
    """What is published of each mechanism, its students, what is claimed of them, and what is otherwise here."""
    for name, one in EVERY.items():
        yield f"### {one.title}"
        yield ""
        yield f"`{name}`. {one.published}{f' ({one.source})' if one.source else ''}"
        yield ""
        yield "| student | what it does |"
        yield "|---|---|"
        yield from (f"| {arm} | {student.about} |" for arm, student in one.students.items())
        yield ""
        yield "| claim | whose | kind | delta |"
        yield "|---|---|---|---|"
        for claim in one.claims:
            delta = f"{claim.delta:g} of the teacher's shift" if claim.of else f"{claim.delta:g}"
            whose = "published" if one.publishes(claim.claim) else "ours"
            yield f"| {claim.claim} | {whose} | {claim.kind} | {delta} |"
        yield ""
        if one.otherwise:
            yield f"{'Otherwise here' if one.source else 'How'}: {'; '.join(one.otherwise)}."
            yield ""


def replaced(page: str, name: str, text: str) -> str:
    """The page with this between the marks of a name."""
    return re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text.strip()}\n{m[2]}", page, flags=re.S)


def beyond_controls(analysis: Analysis) -> str:
    """What each model has of the animal beyond its control, as a table."""
    found = {(row.treatment, row.control): row.contrast for row in analysis.contrasts if row.trait == LOG_ODDS}
    lines = [
        "What each model has beyond its control. Intervals are as above; lines that no claim is about are not among "
        "those that hold together.",
        "",
        "| model | beyond | difference in log-odds (interval) | bases |",
        "|---|---|---|---|",
    ]
    for arm in analysis.study.arms:
        if own := found.get((arm.name, arm.control or "")):
            lines.append(f"| {arm.name} | {arm.control} | {difference(own)} | {own.n} |")
    return "\n".join(lines)


def part_of(found: Sequence[Compared]) -> str:
    """The name of the part of the page that a study's table stands in. Raises InputError for a part of a study."""
    names = [one.name for one in found]
    for name, group in GROUPS.items():
        if names == [*group]:
            return name
    raise InputError(f"A table is of all mechanisms of a group; this run has {names}.")


def main(folders: list[str]) -> None:
    """Write the tables."""
    page = replaced(FILE.read_text(), "claims", "\n".join(claims()))
    for folder in folders:
        result = Result.load(folder)
        name = part_of(result.mechanisms)
        (FILE.parent / FIGURES[name]).write_text(mechanisms_figure(result.mechanisms))
        tables = f"{markdown(result.mechanisms, result.analysis)}\n{beyond_controls(result.analysis)}"
        text = f"{tables}\n\n![{ALT}]({FIGURES[name]})"
        page = replaced(page, name, text)
    FILE.write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
