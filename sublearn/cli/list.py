"""`sublearn list`."""

from sublearn.cli.options import command_named
from sublearn.cli.typed import echo


@command_named("list")
def command() -> None:
    """The studies, one line each."""
    from sublearn.study.table import studies

    titles = studies()
    width = max(map(len, titles))
    for name, title in titles.items():
        echo(f"{name:<{width}}  {title}")
