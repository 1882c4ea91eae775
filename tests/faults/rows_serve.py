"""Ways in which the laboratory in the browser cannot be started."""

from tests.faults.table import Row


def _row(name: str, says: str, *args: str, kind: str = "commands", **others) -> Row:
    return Row(f"serve: {name}", kind, ("serve", "--port", "0", *args), says, **others)


ROWS = [
    _row("a port beyond the last", "65536 is not in the range", "--port", "65536"),
    _row("a port below the first", "-1 is not in the range", "--port", "-1"),
    _row("a port that is a word", "'eighty' is not a valid integer", "--port", "eighty"),
    _row("a file for the folder of runs", "runs is", "--runs", "runs", kind="paths", files={"runs": "mine"}),
    _row("an empty name for the folder of runs", "--runs", "--runs", "", kind="paths"),
    _row("a study as an argument", "unexpected extra argument", "tutorial"),
]
