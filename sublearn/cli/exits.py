"""How a command ends: its exit status, and one line on standard error that says why. Knows no command.

0 done, 2 input that cannot be used, 1 anything else that failed, 128 + n ended by signal n. A traceback is shown
with -v alone, and never for what the user can mend.
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from sublearn import signals
from sublearn.errors import FOR_PROGRAMMERS, LONGEST_MESSAGE, InputError, SublearnError, plain, printable

FAULT = "This is a fault of sublearn, not of your input; give -v to see where."
VERBOSE = "verbose"


class Command(click.Command):
    """A command that takes -v as the whole program does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(verbose_option())


class Group(click.Group):
    """Commands whose ends come out as they are: click would print for some of them itself."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(verbose_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, OSError) as error:
            raise _Carried from error


class _Carried(BaseException):
    """Takes its cause past click."""


def verbose_option() -> click.Option:
    """The option -v, which may stand before and after the command's name."""

    def note(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            ctx.ensure_object(dict)[VERBOSE] = True

    about = "Tell each stage as it begins, and keep the traceback of a failure."
    return click.Option(["-v", "--verbose"], is_flag=True, is_eager=True, expose_value=False, callback=note, help=about)


def is_verbose() -> bool:
    """Whether -v was given to the command that is run."""
    context = click.get_current_context(silent=True)
    return bool(context and isinstance(context.obj, dict) and context.obj.get(VERBOSE))


def run(commands: click.Command) -> int:
    """Run the command line and return the exit status; every end is told in one line at most."""
    chosen: dict[str, bool] = {}
    _open_closed_streams()
    with signals.handled(), _plain_warnings():
        try:
            ended = commands.main(standalone_mode=False, obj=chosen)
            sys.stdout.flush()
            status = ended if isinstance(ended, int) else 0  # click hands on how --help and --version end
        except BaseException as error:
            carried = error.__cause__ if isinstance(error, _Carried) and error.__cause__ else error
            status = _reported(carried, chosen.get(VERBOSE, False))
        _quieten_streams()
        if signals.ended() is not None:
            os._exit(status)  # further signals would end what is left of this process without a status
    return status


def _reported(error: BaseException, verbose: bool) -> int:
    """Say why a command ended, and return the exit status."""
    number = signals.ended()
    if number is not None or isinstance(error, (KeyboardInterrupt, click.Abort)):
        how = () if number is None else (number,)
        _say(signals.last_words(*how))
        return signals.status_of(*how)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, InputError):
        _say(f"Error: {error}")
        return 2
    if isinstance(error, BrokenPipeError):  # the reader has had enough
        return 0
    if verbose:
        import traceback

        _say(printable("".join(traceback.format_exception(error)).rstrip()))
    _say(f"Failed: {_failure(error)}")
    return 1


def _failure(error: BaseException) -> str:
    if isinstance(error, SublearnError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory is full. What was recorded is safe; fewer --jobs need less."
    if isinstance(error, OSError):
        # Files of ours are written by `writing` and `store`, whose errors name them; what is left is what was printed.
        place = "standard output" if error.filename is None else error.filename
        return plain(f"{place}: {error.strerror or type(error).__name__}.", LONGEST_MESSAGE)
    said = plain(error, 300)
    return f"{type(error).__name__}{': ' if said else ''}{said.removesuffix('.')}. {FAULT}"


def _usage(error: click.ClickException) -> int:
    """A command line that click cannot read; without any argument it is the help that is shown."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return error.exit_code
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    see = f" See {command} --help." if command else ""
    message = plain(error.format_message(), LONGEST_MESSAGE // 2)
    _say(f"Error: {message}{'' if message.endswith(('.', '?')) else '.'}{see}")
    return error.exit_code


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # standard error may be closed or full
        click.echo(text, err=True)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings as one line each, and those that are meant for programmers not at all."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not issubclass(category, FOR_PROGRAMMERS):
            _say(f"Warning: {plain(message, LONGEST_MESSAGE)}")

    before, warnings.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        warnings.showwarning = before


def _open_closed_streams() -> None:
    """Give closed standard streams a place, or the next file that is opened would stand there.

    Nothing can be read from a closed input nor written to a closed output; what would go to standard error is dropped.
    """
    for number, name, flags in ((0, "stdin", os.O_WRONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, flags)
            if place != number:
                os.dup2(place, number)
                os.close(place)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]


def _quieten_streams() -> None:
    """Drop what a full or closed stream did not take: Python would try again, and complain, when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                place = os.open(os.devnull, os.O_WRONLY)
                os.dup2(place, stream.fileno())
                os.close(place)
