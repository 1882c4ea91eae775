"""What the documentation site holds beside docs/: the texts of the checkout's root, and the commands, from themselves.

A hook of mkdocs (mkdocs.yml names it). In the checkout pages link to one another as files; links of a page that stands
elsewhere on the site, and links to such a page, are turned to where it stands there.
"""

import posixpath
import re
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sublearn.cli.app import COMMANDS, cli

ROOT = Path(__file__).parents[1]
COMMAND_PAGE = "reference/commands.md"
PLACES = {"README.md": "index.md"} | {
    name: f"project/{name}" for name in ("ARCHITECTURE.md", "LOG.md", "CHANGELOG.md", "CONTRIBUTING.md")
}
"""Texts of the root, and where they stand on the site."""
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s:#]+)(?=[#)])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for name, place in PLACES.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text(encoding="utf-8")))
    files.append(File.generated(config, COMMAND_PAGE, content=command_reference()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page with its links as they must be on the site."""
    del config, files
    return relinked(markdown, page.file.src_uri)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """A finished page, in which the theme's search box has a name for readers who hear it."""
    del page, config
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


def relinked(markdown: str, place: str) -> str:
    """A text of this place on the site, its links turned to the places of their targets."""
    origin = {there: here for here, there in PLACES.items()}.get(place, f"docs/{place}")

    def turned(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), match["target"]))
        there = PLACES.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(there, posixpath.dirname(place) or ".")

    return LINK.sub(turned, markdown)


def command_reference() -> str:
    """The page of all commands, in the table's order."""
    with click.Context(cli, info_name="sublearn") as whole:
        parts = [_command(name, cli.get_command(whole, name), whole) for name in COMMANDS]
    lead = (
        "# Commands\n\nWhat `sublearn COMMAND --help` says. Exit status: 0 done, 2 bad input (one message, nothing "
        "written), 1 the run failed, 130 interrupted; what was stopped is resumed by the same command.\n"
    )
    return "\n".join([lead, *parts])


def _command(name: str, command: click.Command | None, whole: click.Context) -> str:
    """One command: what it does, how it is called, its options."""
    assert command is not None
    context = click.Context(command, info_name=name, parent=whole)
    usage = " ".join(["sublearn", name, *command.collect_usage_pieces(context)])
    rows = [_row(option, context) for option in command.get_params(context) if isinstance(option, click.Option)]
    table = "\n".join(["| option | |", "|---|---|", *rows])
    return f"## sublearn {name}\n\n```text\n{usage}\n```\n\n{_prose(command)}\n\n{table}\n"


def _prose(command: click.Command) -> str:
    """A command's help as Markdown: its words, nothing as markup."""
    paragraphs = (command.help or "").split("\n\n")
    return "\n\n".join(_plain(" ".join(text.split())) for text in paragraphs)


def _row(option: click.Option, context: click.Context) -> str:
    """An option's line in the table."""
    found = option.get_help_record(context)
    assert found is not None, option.name
    return f"| <code>{found[0].replace('|', '&#124;')}</code> | {_plain(found[1])} |"


def _plain(text: str) -> str:
    """Words as Markdown that shows them as they are; what stands between backticks stays code."""
    return re.sub(r"`[^`]*`|([\\|*_\[\]<>])", lambda match: f"\\{match[1]}" if match[1] else match[0], text)
