import pytest
from scipy import stats as scipy_stats

from sublearn import stats
from sublearn.errors import InputError
from sublearn.seeds import stream


def test_rank_correlation_is_scipys_with_an_interval_that_covers_it():
    rng = stream(3, "tests/rank")
    x = rng.normal(size=(20, 5))
    y = x + rng.normal(size=(20, 5))
    found = stats.rank_correlation(x, y)
    assert found.mean == pytest.approx(scipy_stats.spearmanr(x.ravel(), y.ravel()).statistic)
    assert found.low is not None and found.high is not None and found.mean is not None
    assert found.low < found.mean < found.high
    assert stats.rank_correlation(x[:1], y[:1]).low is None
    with pytest.raises(InputError, match="one shape"):
        stats.rank_correlation(x, y[:3])
