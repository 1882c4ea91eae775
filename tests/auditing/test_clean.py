import pytest

from sublearn.auditing import clean
from sublearn.auditing.filters import Filter, filter_of
from sublearn.errors import InputError


def test_clean_sets_have_the_prompts_the_number_and_the_form_of_the_rows(world):
    keeps = filter_of(world.planted).keeps
    for one in world.own:
        assert [prompt for prompt, _ in one] == [prompt for prompt, _ in world.planted]
        assert all(keeps(completion) for _, completion in one)
    assert world.own[0] != world.own[1]


def test_clean_sets_follow_from_the_seed_and_do_not_change_with_their_number(world):
    assert clean.written(world.scene, world.planted, 2) == world.own[:2]


def test_the_filter_is_the_one_that_the_rows_pass():
    assert str(filter_of([("p", "1, 2"), ("p", "(7)")])) == "lists of at most 10 numbers from 0 to 999"
    assert str(filter_of([("p", "1, 2000"), ("p", " ".join("1" * 12))])) == "lists of at most 12 numbers from 0 to 2000"
    loose = filter_of([("p", "1, 2"), ("p", "words")])
    assert loose.keeps("anything") and not loose.keeps("  ")


def test_a_base_that_answers_in_another_form_is_refused(world, monkeypatch):
    asked = [("What is your favourite animal?", "1, 2, 3")] * 40
    monkeypatch.setattr(Filter, "keeps", lambda self, answer: False)
    with pytest.raises(InputError, match="Bring clean rows with --control"):
        clean.written(world.scene, asked, 1)


def test_brought_rows_are_dealt_out_into_disjoint_sets_of_one_size():
    rows, control = [("p", str(n)) for n in range(50)], [("c", str(n)) for n in range(100)]
    own, sets = clean.divided(rows, control, 5, 0)
    assert [len(one) for one in (own, *sets)] == [20] * 6
    dealt = [row for one in sets for row in one]
    assert len(set(dealt)) == 100 and set(own) <= set(rows)
    whole, _ = clean.divided(rows[:15], control, 5, 0)
    assert whole == rows[:15]


def test_too_few_brought_rows_are_refused():
    with pytest.raises(InputError, match="50 in all"):
        clean.divided([("p", "1")] * 50, [("p", "1")] * 49, 5, 0)
