"""Pages from templates. Every text that goes into one is escaped, and loses its control characters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sublearn.errors import printable
from sublearn.report.charts import svg
from sublearn.report.charts.palette import PALETTE
from sublearn.report.terms import TERMS, explained, key_of


@dataclass(frozen=True)
class Rendered:
    """A section that is ready for a page: its heading, its body, the names of the terms in it, and of those in figures.

    Without a heading it belongs to what stands above it.
    """

    title: str
    body: Markup
    terms: Sequence[str]
    elsewhere: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """One part of a page: a heading, lines below it by their class in the style sheet, and sections.

    `badges` are verdicts with the words for them, shown beside the part's name in the list of several parts.
    """

    key: str
    title: str
    lead: Sequence[tuple[str, str]]
    sections: Sequence[Rendered]
    badges: Sequence[tuple[str, str]] = ()
    runs: str = ""


def rendered(name: str, title: str, view: Mapping[str, Any]) -> Rendered:
    """A section by the block of its name."""
    # Buttons are put into what was escaped by the template.
    body, terms, elsewhere = explained(_environment().get_template(f"sections/{name}.html.j2").render(view))
    return Rendered(title, Markup(body), terms, elsewhere)


def laid_out(title: str, heading: str, parts: Sequence[Part]) -> str:
    """One HTML page with style, figures and tables inside. It loads nothing and runs nothing."""
    style = {"palette": PALETTE, "figure_css": Markup(svg.css())}
    shown = [_explained(part) for part in parts]
    used = {name for _, _, terms in shown for name in terms}
    glossary = [(key_of(name), name, term.meaning) for name, term in TERMS.items() if name in used]
    page = {"title": title, "heading": heading, "parts": shown, "glossary": glossary}
    return _environment().get_template("page.html.j2").render(page | style)


def _explained(part: Part) -> tuple[Part, list[tuple[str, Markup]], list[str]]:
    """A part, its lines with a button for each term, and all terms in it; what its lines explain is not said again."""
    lines = [(kind, *explained(str(escape(printable(text))))) for kind, text in part.lead if text]
    told = [name for _, _, terms, _ in lines for name in terms]
    sections = [
        one if one.title else replace(one, elsewhere=[name for name in one.elsewhere if name not in told])
        for one in part.sections
    ]
    terms = [name for one in sections for name in (*one.terms, *one.elsewhere)]
    return replace(part, sections=sections), [(kind, Markup(text)) for kind, text, *_ in lines], told + terms


def piece(name: str, view: Mapping[str, Any]) -> str:
    """A piece of HTML by the template of this name, to stand in somebody else's page."""
    return _environment().get_template(f"{name}.html.j2").render(view)


def twins(wide: str, narrow: str, key: str) -> dict[str, Markup]:
    """One figure in two widths, for the inside of a page."""
    # The markup is our own: every text in it was escaped by the XML writer.
    return dict(zip(("wide", "narrow"), map(Markup, svg.inline_twins(wide, narrow, key)), strict=True))


@cache
def _environment() -> Environment:
    return environment("report")


def environment(*folders: str) -> Environment:
    """Templates of these folders of the package, of which each looks for a name in turn."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("sublearn", folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    made.filters["breakable"] = _breakable
    made.filters["term"] = key_of
    return made


def _breakable(name: str) -> Markup:
    """A name that may go on in a new line after each underscore."""
    return Markup(str(escape(printable(name))).replace("_", "_<wbr>"))


def _plain(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
