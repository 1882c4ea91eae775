"""Columns of plain text, laid out by rich: the same on a terminal and in a file. Knows no study, computes nothing.

Rich would fit a table to the terminal, 80 letters where there is none; here lines are as long as their text, unless a
width for the last column's sentences is given, and have neither colours nor rules.
"""

from collections.abc import Collection, Iterable, Sequence
from io import StringIO

UNBOUND = 100_000


def grid(
    rows: Iterable[Sequence[str]],
    heads: Sequence[str] = (),
    *,
    numeric: Collection[int] = (),
    indent: int = 2,
    width: int = UNBOUND,
) -> list[str]:
    """The lines of a table of texts, `numeric` columns to the right; the last column is wrapped at `width`.

    >>> grid([("same_init", "0.98"), ("control", "0.5")], numeric=[1])
    ['  same_init  0.98', '  control     0.5']
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(cell) for cell in row] for row in rows]
    if not cells and not heads:
        return []
    count = max(map(len, [heads, *cells]))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(heads), header_style="")
    for number in range(count):
        head = Text(heads[number]) if heads else ""
        wrapped = width < UNBOUND and number == count - 1
        table.add_column(head, justify="right" if number in numeric else "left", no_wrap=not wrapped)
    for row in cells:
        table.add_row(*row)
    out = StringIO()
    Console(file=out, width=width - indent, color_system=None, force_terminal=False, legacy_windows=False).print(table)
    return [f"{' ' * indent}{line}".rstrip() for line in out.getvalue().splitlines()]
