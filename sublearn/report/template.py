"""The pages' templates. Every text that goes into one is escaped, and loses its control characters."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from sublearn.errors import printable


@cache
def template(name: str) -> Template:
    """The template of this file name."""
    environment = Environment(
        loader=PackageLoader("sublearn", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    return environment.get_template(name)


def _plain(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
