from collections.abc import Iterator

import click
import pytest

from sublearn.cli.app import cli


def commands(command: click.Command = cli, path: str = "sublearn") -> Iterator[tuple[str, click.Command]]:
    """Every command by its words."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None and below.name == name
            yield from commands(below, f"{path} {name}")


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_every_option_says_what_it_is_for(path):
    command = COMMANDS[path]
    assert (command.help or "").strip().endswith("."), path
    for param in command.params:
        if isinstance(param, click.Option):
            assert len((param.help or "").strip()) > 10, f"{path} {param.opts}"


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "sublearn"])
def test_help_can_be_printed_of_every_command(path, capsys):
    words = path.split()[1:]
    cli.main([*words, "--help"], standalone_mode=False)
    out = capsys.readouterr().out
    assert out.startswith("Usage:") and "--help" in out and max(map(len, out.splitlines())) <= 80


def test_commands_that_take_long_can_be_quiet():
    flags = {
        path.split()[-1]: {flag for param in command.params for flag in param.opts} for path, command in commands()
    }
    assert {name for name in flags if "--quiet" in flags[name]} == {
        "ask",
        "sample",
        "run",
        "sweep",
        "demo",
        "trace",
        "replicate",
        "audit",
        "defend",
        "distill",
    }
