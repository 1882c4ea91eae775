"""The cost of a run as the number of runs grows."""

import torch

from benchmarks.table import Line, publish, seconds
from benchmarks.tutorial import cohort


def main() -> None:
    """Measure and publish."""
    torch.set_num_threads(1)
    cohort(8)
    counts = (8, 64, 512, 2048)
    cost = {count: seconds(lambda count=count: cohort(count), 8 if count == 8 else 1) / count for count in counts}
    lines = [
        Line(f"cost of a seed at {count} seeds over the cost at 8", cost[count] / cost[8], "x", 1.1, most=True)
        for count in counts[1:]
    ]
    publish("scaling", lines)


if __name__ == "__main__":
    main()
