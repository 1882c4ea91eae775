"""The group of all commands: a table of them, each imported when it is asked for. No command imports torch itself."""

import sys
from importlib import import_module

import click

from sublearn.cli import exits

COMMANDS: dict[str, str] = {
    name: f"sublearn.cli.{name}"
    for name in (
        "list",
        "show",
        "run",
        "sweep",
        "replicate",
        "trace",
        "report",
        "power",
        "filter",
        "sample",
        "ask",
        "audit",
        "defend",
        "distill",
        "serve",
        "demo",
    )
}
"""Each command's module, which holds it under the name `command`. A new command is one file and one name here."""


class Shelf(exits.Group):
    """The commands of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        del ctx
        return import_module(COMMANDS[cmd_name]).command if cmd_name in COMMANDS else None


@click.group(cls=Shelf, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sublearn", prog_name="sublearn")
def cli() -> None:
    """The laboratory of subliminal learning: run it, measure it with controls, replicate it."""


def main() -> None:
    """Run the command line; every end of it has its exit status."""
    status = exits.run(cli)
    if status:
        sys.exit(status)
