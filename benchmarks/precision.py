"""The studies' figures by float32 matrix precision, on the same seeds."""

import sublearn
from benchmarks.table import Line, publish, seconds
from sublearn import stats
from sublearn.devices import Precision

SEEDS = range(16)


def accuracies(precision: Precision) -> dict[str, list[float]]:
    """Accuracy of each seed by arm of the digits study."""
    result = sublearn.run(sublearn.build("digits", {"arms": ["same_init", "cross_init"]}), SEEDS, precision=precision)
    found: dict[str, list[float]] = {}
    for record in result.records:
        found.setdefault(record.arm, []).append(record.value or 0.0)
    return found


def main() -> None:
    """Measure and publish."""
    found: dict[Precision, dict[str, list[float]]] = {}
    took = {}
    for precision in ("highest", "high", "medium"):
        took[precision] = seconds(lambda p=precision: found.__setitem__(p, accuracies(p)), repeats=1)
    lines = []
    for precision in ("high", "medium"):
        lines.append(Line(f"digits, 16 seeds: {precision} over highest, speed", took["highest"] / took[precision], "x"))
        for arm in ("same_init", "cross_init"):
            shift = stats.contrast(found[precision][arm], found["highest"][arm])
            half = (shift.high or 0.0) - (shift.mean or 0.0)
            lines.append(
                Line(f"{arm} accuracy, {precision} minus highest (95% CI ± {half:.4f})", shift.mean or 0.0, "")
            )
    publish("precision", lines)


if __name__ == "__main__":
    main()
