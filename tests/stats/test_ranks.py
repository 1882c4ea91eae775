import numpy as np
import pytest
from scipy import stats as scipy_stats

from sublearn import stats
from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.stats.ranks import _spearman


def test_rank_correlation_is_scipys_with_an_interval_that_covers_it():
    rng = stream(3, "tests/rank")
    x = rng.normal(size=(20, 5))
    y = x + rng.normal(size=(20, 5))
    found = stats.rank_correlation(x, y)
    assert found.mean == pytest.approx(scipy_stats.spearmanr(x.ravel(), y.ravel()).statistic)
    assert found.low is not None and found.high is not None and found.mean is not None
    assert found.low < found.mean < found.high
    assert [stats.rank_correlation(x[:n], y[:n]).low is None for n in (1, 4, 5)] == [True, True, False]
    with pytest.raises(InputError, match="one shape"):
        stats.rank_correlation(x, y[:3])


def test_within_settings_what_differs_between_them_adds_nothing():
    rng = stream(4, "tests/rank")
    x, y = rng.normal(size=(2, 30, 6))
    scale = np.arange(6) * 50.0
    apart = stats.rank_correlation(x + scale, y + scale, within=True)
    assert apart.mean == pytest.approx(stats.rank_correlation(x, y, within=True).mean)
    assert stats.rank_correlation(x + scale, y + scale).mean > 0.9 > 0.3 > abs(apart.mean)
    one = stats.rank_correlation(x[:, :1], y[:, :1], within=True)
    assert one.mean == pytest.approx(scipy_stats.spearmanr(x[:, 0], y[:, 0]).statistic)
    assert stats.rank_correlation(x * 0, y, within=True).mean is None


@pytest.mark.slow
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("n", [5, 8, 12, 24])
def test_the_interval_holds_what_many_runs_would_give_about_as_often_as_it_says(n, within):
    rng = stream(n, "tests/rank/coverage")

    def drawn(runs):
        """Runs that share something over six settings, of which the scale moves both."""
        scale, shared = np.linspace(0, 2, 6), rng.normal(size=(runs, 1)) / 2
        x = rng.normal(size=(runs, 6))
        return x + scale + shared, 0.4 * x + rng.normal(size=(runs, 6)) + scale + shared / 2

    truth = _spearman(*drawn(4000), within)
    found = [stats.rank_correlation(*drawn(n), within=within) for _ in range(400)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.9 <= held <= 0.995
