import pytest
from statsmodels.stats.proportion import proportion_confint

from sublearn.stats.wilson import wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (7, 20), (20, 20), (431, 480)])
def test_wilsons_interval(hits, n):
    assert wilson(hits, n) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)
