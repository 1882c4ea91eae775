import json
from pathlib import Path

import numpy as np
import pytest

from sublearn import multi_seed_experiment, run_pipeline

FIGURES = json.loads((Path(__file__).parents[1] / "data" / "tutorial-figures.json").read_text())


def differences(rows: list[dict[str, float]]) -> np.ndarray:
    """Ours minus the tutorial's, shape "seed figure"."""
    ours = multi_seed_experiment([int(row["seed"]) for row in rows])
    return np.array([[mine[key] - row[key] for key in mine] for mine, row in zip(ours, rows, strict=True)])


def check_bounds(difference: np.ndarray) -> None:
    assert np.abs(difference).max() <= 0.02 + 1e-9
    assert (np.abs(difference) <= 0.005 + 1e-9).mean() >= 0.9


def test_each_figure_is_the_tutorials():
    check_bounds(differences(FIGURES[:25]))


@pytest.mark.slow
def test_all_100_seeds_and_their_means_are_the_tutorials():
    difference = differences(FIGURES)
    check_bounds(difference)
    assert np.abs(difference.mean(axis=0)).max() <= 0.002


def test_a_seed_alone_gives_what_it_gives_among_others(capsys):
    assert multi_seed_experiment([3, 1], verbose=True)[1] == run_pipeline(1)
    assert capsys.readouterr().out == "seed 3\nseed 1\n"


def test_the_eight_result_keys():
    assert set(run_pipeline(0)) == set(FIGURES[0]) - {"seed"}
