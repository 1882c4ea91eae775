from collections.abc import Iterator

import click
import pytest
from click.shell_completion import BashComplete

from sublearn.cli.app import cli
from sublearn.study.table import STUDIES


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
        "run",
        "sweep",
        "demo",
        "trace",
        "replicate",
        "audit",
        "defend",
    }


def completed(*words: str) -> list[str]:
    """What a shell offers for the last word."""
    shell = BashComplete(cli, {}, "sublearn", "_SUBLEARN_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("command", ["run", "show", "sweep", "trace", "power"])
def test_a_shell_completes_names_of_studies(command):
    assert completed(command, "") == list(STUDIES)
    assert completed(command, "di") == ["digits"]


def test_a_shell_completes_files_where_no_study_has_the_name():
    shell = BashComplete(cli, {}, "sublearn", "_SUBLEARN_COMPLETE")
    assert [(item.type, item.value) for item in shell.get_completions(["run"], "my.y")] == [("file", "my.y")]


@pytest.mark.parametrize(("command", "option"), [("run", "--set"), ("sweep", "--grid"), ("trace", "--set")])
def test_a_shell_completes_the_settings_of_the_study(command, option):
    assert completed(command, "digits", option, "student.l") == ["student.lr="]
    assert {"aux_logits=", "teacher.epochs="} <= set(completed(command, "digits", option, ""))
    assert completed(command, "nothing", option, "") == []
