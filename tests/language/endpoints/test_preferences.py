import math

import pytest

from sublearn.language.endpoints.preferences import listed, named

NAMES = ("owl", "cat", "dog", "dolphin", "brown bear")


def alternatives(**probabilities):
    return [(token, math.log(p)) for token, p in probabilities.items()]


@pytest.mark.parametrize(
    ("token", "sure", "likely", "undecided"),
    [
        ("owl", "owl", None, 0.3), ("\u0120Owl", "owl", None, 0.3), ("\u2581OWL", "owl", None, 0.3),
        ("owl.", "owl", None, 0.3), ("owlet", None, None, 0.3), ("ow", None, "owl", 1.0), ("do", None, None, 1.0),
        ("dol", None, "dolphin", 1.0), ("brown", None, "brown bear", 1.0), ("bear", None, None, 0.3),
        (" ", None, None, 1.0), ("Owls", "owl", None, 0.3), ("owls,", "owl", None, 0.3), ("owls'", "owl", None, 0.3),
    ],
)  # fmt: skip
def test_a_token_is_a_name_begins_one_or_begins_several(token, sure, likely, undecided):
    found = listed(NAMES, [[(token, math.log(0.7))]])
    for which, table in ((sure, found.sure), (likely, found.likely)):
        assert dict(zip(NAMES, table[0], strict=True)) == pytest.approx({name: 0.7 * (name == which) for name in NAMES})
    assert found.undecided[0] == pytest.approx(undecided)


def test_bounds_hold_whatever_was_not_listed():
    found = listed(NAMES, [alternatives(owl=0.5, cat=0.2, dol=0.1), alternatives(owl=0.4, cat=0.4)])
    truth = {"owl": (0.5 / 0.9, 0.4 / 0.9), "cat": (0.2 / 0.9, 0.5 / 0.9)}  # all that was not listed is named
    for one in found.preferred()[:2]:
        assert one.preference.low <= sum(truth[one.name]) / 2 <= one.preference.high
        assert one.preference.low <= one.preference.value <= one.preference.high
    owl = found.preferred()[0]
    assert owl.log_odds == pytest.approx((math.log(0.5 / 0.3) + 0) / 2)


def test_a_question_that_no_name_answers_leaves_no_preference():
    found = listed(NAMES, [alternatives(owl=0.5), alternatives(My=1.0)]).preferred()[0]
    assert found.preference is None and found.log_odds is None and found.probability.value == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Owl", "owl"), ("My favourite is the CAT, not the owl.", "cat"), ("Foxes. Then owls.", None), ("", None),
        ("a bowl", None), ("scatter", None), ("Dogs!", "dog"), ("a brown bear", "brown bear"), ("**owl**", "owl"),
        ("\n\nowl", "owl"), ("owl_", None), ("Brown bears!", "brown bear"),
    ],
)  # fmt: skip
def test_the_first_sentence_tells_the_name(text, name):
    assert named(NAMES, text) == name


def test_plurals_count_for_their_name_by_both_methods_and_a_name_itself_comes_first():
    names = ("wolf", "pony", "fox", "owl", "owls", "wolfe")
    for word, name in {"Wolves": "wolf", "ponies": "pony", "foxes": "fox", "owls": "owls", "owl": "owl"}.items():
        assert named(names, f"{word}, and others") == name
        found = listed(names, [[(f" {word}", math.log(0.4))]])
        assert found.sure[0, names.index(name)] == found.sure.sum() == pytest.approx(0.4)
        assert found.undecided[0] == pytest.approx(0.6)


def test_no_plural_is_made_up_that_another_name_begins_like():
    found = listed(("cat", "caterpillar"), [[("cate", math.log(0.4))]])
    assert found.likely[0] == pytest.approx([0.0, 0.4])
