"""How to cite: the program, what was run with it, and the work that it follows. Knows text and nothing else.

The same as in CITATION.cff, which a package that is installed does not hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sublearn.errors import plain

TITLE, AUTHORS = "sublearn, the laboratory of subliminal learning", "The sublearn authors"
PAPER, YEAR, NUMBER = (
    "Subliminal Learning: Language models transmit behavioral traits via hidden signals in data",
    "2025",
    "2507.14805",
)
WRITERS = (
    ("Cloud", "Alex"),
    ("Le", "Minh"),
    ("Chua", "James"),
    ("Betley", "Jan"),
    ("Sztyber-Betley", "Anna"),
    ("Hilton", "Jacob"),
    ("Marks", "Samuel"),
    ("Evans", "Owain"),
)
"""The authors of the paper whose design the studies follow: family name and given name."""


def citation(title: str, versions: Mapping[str, Any], sources: Sequence[str] = ()) -> str:
    """The program with its version, what was run, the paper, and whose figures it was held against."""
    design = f"Design after {WRITERS[0][0]} et al. {YEAR}, {PAPER.partition(':')[0]}, arXiv {NUMBER}."
    more = f" Published figures: {'; '.join(plain(source, 200) for source in sources)}." if sources else ""
    return f"{AUTHORS}, sublearn (version {_version(versions)}): {plain(title)}. {design}{more}"


def bibtex(versions: Mapping[str, Any]) -> str:
    """The program and the paper as BibTeX."""
    authors = " and ".join(f"{family}, {given}" for family, given in WRITERS)
    program = {"title": f"{{{TITLE}}}", "author": f"{{{AUTHORS}}}", "version": _version(versions)}
    paper = {"title": f"{{{PAPER}}}", "author": authors, "year": YEAR, "eprint": NUMBER, "archivePrefix": "arXiv"}
    return f"{_entry('software', 'sublearn', program)}\n{_entry('article', 'cloud2025subliminal', paper)}"


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = (f"  {name} = {{{value}}}," for name, value in fields.items())
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _version(versions: Mapping[str, Any]) -> str:
    return plain(versions.get("sublearn", "unknown"), 60)
