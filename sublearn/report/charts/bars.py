"""A bar chart in plain text, for the terminal: each arm's mean, its interval and the chance level. No torch."""

from sublearn.study.analysis import Analysis

WIDTH = 50


def bars(analysis: Analysis, trait: str) -> str:
    """One line an arm for a trait that is a share: the mean as a bar from 0 to 1, its 95% interval between brackets."""
    rows = [row for row in analysis.estimates if row.trait == trait]
    width = max(len(row.arm) for row in rows)
    chance = next(one.chance for one in analysis.study.traits if one.name == trait)
    lines = []
    for row in rows:
        found = row.estimate
        if found.mean is None:
            lines.append(f"{row.arm:<{width}}  (unmeasured)")
            continue
        cells = ["█" if (i + 0.5) / WIDTH <= found.mean else " " for i in range(WIDTH)]
        for bound, mark in ((found.low, "["), (found.high, "]")):
            if bound is not None and 0 <= bound <= 1:
                cells[min(WIDTH - 1, int(bound * WIDTH))] = mark
        lines.append(f"{row.arm:<{width}}  |{''.join(cells)}| {found.mean:.2f}")
    if chance is not None:
        lines.append(f"{'':<{width}}   {' ' * int(chance * WIDTH)}^ chance {chance:.2f}; [ ] is the 95% interval")
    return "\n".join(lines)
