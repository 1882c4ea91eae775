import numpy as np
import pytest

from sublearn.auditing import calibration
from sublearn.auditing.calibration import Scale, most_surprising, rank_p


def test_a_rank_is_the_share_of_sets_that_are_as_large():
    assert rank_p(5.0, [1.0, 2.0, 3.0]) == 0.25
    assert rank_p(2.0, [1.0, 2.0, 3.0]) == 0.75
    assert rank_p(0.0, [1.0]) == 1.0


def test_z_counts_the_spread_of_clean_sets_and_the_error_of_their_mean():
    clean = np.array([[0.0, 10.0], [2.0, 14.0], [4.0, 12.0], [2.0, 8.0]])
    scale = Scale.of(clean)
    assert scale.mean == pytest.approx([2.0, 11.0])
    # What both traits have in common counts for ten sets, their own spread for three.
    own = clean.var(axis=0, ddof=1)
    wanted = np.sqrt((10 * own.mean() + 3 * own) / 13)
    assert scale.sd == pytest.approx(wanted)
    assert scale.z(np.array([3.0, 11.0])) == pytest.approx([1 / (wanted[0] * np.sqrt(1.25)), 0.0])
    one = Scale.of(clean[:, :1])
    assert one.sd == pytest.approx(np.sqrt(own[:1])) and one.df == 3


def test_scores_of_one_value_and_of_many_are_surprising_alike():
    rng = np.random.default_rng(0)
    one, many = Scale.of(rng.normal(size=(4000, 1))), Scale.of(rng.normal(size=(4000, 20)))
    sets = [(one.surprise(rng.normal(size=1)), many.surprise(rng.normal(size=20))) for _ in range(2000)]
    # Both are the log of one over a p over all values, where that is small.
    assert np.quantile(sets, 0.95, axis=0) == pytest.approx([3.0, 3.0], abs=0.3)
    values = {"one": rng.normal(size=1), "many": rng.normal(size=20)}
    assert most_surprising({"one": one, "many": many}, values) == max(
        one.surprise(values["one"]), many.surprise(values["many"])
    )


@pytest.mark.parametrize("size", [1, 20])
def test_the_needed_z_is_as_surprising_as_asked(size):
    scale = Scale.of(np.random.default_rng(1).normal(size=(5, size)))
    values = scale.mean.copy()
    values[0] += scale.needed(4.0, size) * scale.sd[0] * np.sqrt(1 + 1 / 5)
    assert scale.surprise(values) == pytest.approx(4.0)


@pytest.mark.parametrize("sets", [1, 18, 19, 20, 38, 39, 59, 99, 139, 1000])
def test_so_many_clean_sets_may_be_above_as_p_allows(sets):
    clean = [float(n) for n in range(sets)]
    allowed = calibration.allowed(sets)
    # Beyond the allowed-th largest of the clean sets p is at most the level, beyond the next one it is not.
    found = [rank_p(value + 0.5, clean) <= calibration.LEVEL for value in sorted(clean, reverse=True)]
    assert found == [n < allowed for n in range(sets)]
    assert (allowed > 0) == (sets >= calibration.fewest())


def test_clean_sets_without_any_spread_divide_by_nothing():
    assert np.isfinite(Scale.of(np.zeros((3, 4))).z(np.ones(4))).all()


def test_ranks_are_uniform_whatever_the_scores_are():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(2000):
        # Two scores that go together, heavy-tailed and of unlike scale.
        sets = rng.standard_t(3, size=(1 + 3 + 9, 6)) * np.array([1, 1, 1, 1, 100, 100])
        sets[:, 4:] += 50 * sets[:, :2]
        parts = {"a": sets[:, :4], "b": sets[:, 4:]}
        scales = {name: Scale.of(one[1:4]) for name, one in parts.items()}
        largest = [most_surprising(scales, {n: one[k] for n, one in parts.items()}) for k in (0, *range(4, 13))]
        found.append(rank_p(largest[0], largest[1:]))
    shares = [np.mean(np.array(found) <= level + 1e-9) for level in (0.1, 0.2, 0.5, 0.9)]
    assert shares == pytest.approx([0.1, 0.2, 0.5, 0.9], abs=0.035)


def test_the_interval_covers_another_set_as_often_as_it_says():
    rng = np.random.default_rng(3)
    sets = rng.normal(size=(4000, 6))
    sd = sets[:, 1:].std(axis=1, ddof=1)
    half = np.array([calibration.half_width(one, 5) for one in sd])
    assert np.mean(np.abs(sets[:, 0] - sets[:, 1:].mean(axis=1)) <= half) == pytest.approx(0.95, abs=0.012)
