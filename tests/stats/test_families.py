import pytest

from sublearn import stats
from sublearn.errors import InputError
from sublearn.stats import Family


def test_all_looks_together_spend_the_whole_chance_of_an_error_and_no_more():
    spent = sum(stats.alpha_at(look) for look in range(1, 100_000))
    assert stats.ALPHA * 0.999 < spent < stats.ALPHA


def test_an_interval_has_its_share_of_the_claims_cells_and_looks():
    assert Family(4, 12, 3).tail == pytest.approx(stats.alpha_at(3) / 4 / 12 / 2)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (Family(), "95%"),
        (Family(3), "95% for all 3 claims together"),
        (Family(1, 12), "95% for all 12 cells together"),
        (Family(3, 12, 2), "95% for all 3 claims, 12 cells and 2 looks together"),
    ],
)
def test_it_says_what_its_intervals_hold_for(family, text):
    assert family.text == text


@pytest.mark.parametrize(("claims", "least"), [(1, 7), (3, 8), (4, 9), (40, 12)])
def test_the_least_runs_can_find_the_clearest_effect_and_one_less_cannot(claims, least):
    family = Family(claims)
    assert family.least_runs == least
    clear = [1 + index / 1000 for index in range(least)]
    low = stats.contrast(clear, [0.0] * least, family).low
    assert low is not None and low > 0
    assert stats.contrast(clear[1:], [0.0] * (least - 1), family).low is None


def test_an_empty_family_is_refused():
    with pytest.raises(InputError, match="at least one"):
        Family(0)
