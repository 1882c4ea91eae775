"""Columns of plain text as rich lays them out: the same on a terminal and in a file. Knows no study, computes nothing.

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
    cells = [list(row) for row in rows]
    lines = [list(heads), *cells] if heads else cells
    if not lines:
        return []
    if width == UNBOUND and all(cell.isprintable() for line in lines for cell in line):
        return _unwrapped(lines, numeric, indent)
    return _by_rich(cells, heads, numeric, indent, width)


def _unwrapped(lines: Sequence[Sequence[str]], numeric: Collection[int], indent: int) -> list[str]:
    """What rich makes of lines of which each stays one, in a hundredth of its time: sweeps have thousands."""
    from rich.cells import cell_len

    widths: dict[int, int] = {}
    for line in lines:
        for number, cell in enumerate(line):
            widths[number] = max(widths.get(number, 0), cell_len(cell))

    def filled(number: int, cell: str) -> str:
        text = cell.rstrip() if number in numeric else cell
        space = " " * (widths[number] - cell_len(text))
        return space + text if number in numeric else text + space

    return [" " * indent + "  ".join(filled(*pair) for pair in enumerate(line)).rstrip() for line in lines]


def _by_rich(
    rows: Sequence[Sequence[str]], heads: Sequence[str], numeric: Collection[int], indent: int, width: int
) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(cell) for cell in row] for row in rows]
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
