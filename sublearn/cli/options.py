"""Options that several commands have. No torch."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from sublearn.cli import completion, exits
from sublearn.errors import InputError
from sublearn.execution.options import Options, Shard, option

command_named = partial(click.command, cls=exits.Command)
"""Declares a command: `@command_named("run")`."""


def as_json(about: str) -> Callable[..., Any]:
    """The option --json, which says what it prints."""
    return click.option("--json", "as_json", is_flag=True, help=about)


class _Path(click.Path):
    """A path; an empty text, which would be the folder of the moment, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            named = param.opts[-1] if isinstance(param, click.Option) else getattr(param, "metavar", "A path")
            name = named.strip("[]")  # which an argument has that may be left out
            raise InputError(f"{name} is empty; expected a name.")
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path, allow_dash=True)
STUDY = click.argument("study", shell_complete=completion.studies)
CHANGES = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=completion.settings,
    help="Change a setting, as in student.lr=1e-3; may be repeated. `sublearn show STUDY` lists them.",
)
GRID = click.option(
    "--grid",
    multiple=True,
    metavar="KEY=A,B,C",
    shell_complete=completion.settings,
    help="Values of a setting; may be repeated, then every combination is run.",
)
SEEDS = click.option("--seeds", metavar="SEEDS", help="Which runs: 0:200, 0,11,23 or 7.  [default: 0:24]")
SHAPE = click.Choice(["pairs", "chat"])
"""pairs: with the keys prompt and completion; chat: with messages, as hosted fine-tuning reads rows."""
QUIET = click.option("-q", "--quiet", is_flag=True, help="Show no progress, only warnings and the result.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Print what would be run, and about how long it takes.")


def out(about: str, default: str | None = None) -> Callable[..., Any]:
    """The option --out, which says what is written there."""
    shown: dict[str, Any] = {} if default is None else {"default": Path(default), "show_default": True}
    return click.option("--out", type=PATH, help=about, **shown)


def how_to_run(*names: str) -> Callable[..., Any]:
    """The options of these names, which a command gets as one `Options`, the argument `options`."""

    def declare(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def given(**arguments: Any) -> Any:
            own = {name: arguments.pop(name) for name in names}
            return command(options=_options(own), **arguments)

        for name in reversed(names):
            given = _declared(name)(given)
        return given

    return declare


SYSTEM = click.option("--system", metavar="TEXT", help="Under this system prompt.  [default: none]")
REQUEST = click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Of answers: max_tokens, temperature or top_p."
)


def how_to_ask(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that ask a server, which they get as one `Patience`, the argument `patience`."""

    @wraps(command)
    def given(concurrency: int, timeout: float, tries: int, **arguments: Any) -> Any:
        from sublearn.language.endpoints.plan import Patience  # late: --help needs no settings

        return command(patience=Patience(concurrency=concurrency, timeout=timeout, tries=tries), **arguments)

    shown: dict[str, Any] = {"show_default": True}
    for declared in (
        click.option("--tries", type=click.IntRange(1, 1000), default=8, help="Of one request.", **shown),
        click.option("--timeout", type=click.FloatRange(1, 86_400), default=120, help="Seconds an answer.", **shown),
        click.option("--concurrency", type=click.IntRange(1, 1000), default=16, help="Requests at once.", **shown),
    ):
        given = declared(given)
    return given


RUN = ("device", "jobs", "engine", "trainer", "precision", "shard", "trackers")
"""The options of commands that run studies."""


def _declared(name: str) -> Callable[..., Any]:
    """The click option of one part of Options."""
    part = option(name)
    about, choices = part.metadata["about"], part.metadata["choices"]
    if choices:
        kind = click.Choice(choices)
        return click.option(f"--{name}", type=kind, default=part.default, show_default=True, help=about)
    if name == "jobs":
        return click.option("--jobs", type=click.IntRange(min=1), help=about)
    if name == "trackers":
        return click.option("--tracker", "trackers", multiple=True, metavar="NAME", help=about)
    return click.option(f"--{name}", metavar=part.metadata["metavar"], help=about)


def _options(given: dict[str, Any]) -> Options:
    """Options as they were typed; without a number, as many jobs as there are cores."""
    if "jobs" in given and given["jobs"] is None:
        from sublearn.execution.engines.local import cores  # late: it loads what a job is

        given["jobs"] = cores()
    if given.get("shard") is not None:
        given["shard"] = Shard.parse(given["shard"])
    return Options(**given)
