"""Print the tutorial's figures beside ours: `python -m tests.tutorial_figures [single]`."""

import json
import sys
from pathlib import Path

import numpy as np

import sublearn
from sublearn.execution.options import TrainerName

FIGURES = json.loads((Path(__file__).parent / "data" / "tutorial-figures.json").read_text())
KEYS = {
    ("teacher", "trait_rate"): "teacher_pref",
    ("baseline", "trait_rate"): "baseline_pref",
    ("distill_same_init", "trait_rate"): "studentA_pref_same_init",
    ("distill_diff_init", "trait_rate"): "studentB_pref_diff_init",
    ("teacher", "accuracy"): "teacher_acc",
    ("baseline", "accuracy"): "baseline_acc",
    ("distill_same_init", "accuracy"): "studentA_acc",
    ("distill_diff_init", "accuracy"): "studentB_acc",
}


def differences(rows: list[dict[str, float]], trainer: TrainerName = "auto") -> np.ndarray:
    """Ours minus the tutorial's, shape "seed figure", the figures in the order of KEYS."""
    result = sublearn.run("tutorial", [int(row["seed"]) for row in rows], trainer=trainer)
    ours = {(record.seed, record.arm, record.trait): record.value for record in result.records}
    return np.array([[(ours[row["seed"], *key] or 0.0) - row[name] for key, name in KEYS.items()] for row in rows])


def main() -> None:
    """Print one line a figure and one for all."""
    difference = differences(FIGURES, "single" if "single" in sys.argv else "auto")
    print(f"{'figure':<26}{'largest difference':>20}{'within .005':>14}{'difference of means':>22}")
    for name, column in [*zip(KEYS.values(), difference.T, strict=True), ("all", difference.ravel())]:
        within = (np.abs(column) <= 0.005 + 1e-9).mean()
        print(f"{name:<26}{np.abs(column).max():>20.3f}{within:>14.1%}{column.mean():>22.5f}")
    print(f"{len(FIGURES)} seeds; stated bounds: .02, 90%, .002.")


if __name__ == "__main__":
    main()
