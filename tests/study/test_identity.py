import pytest

from sublearn.study.identity import changes
from sublearn.study.table import STUDIES, build

WORDS = {
    "title": lambda study: {"title": "x"},
    "question": lambda study: {"question": "x"},
    "arms": lambda study: {"arms": _each(study.arms, about="x")},
    "traits": lambda study: {"traits": _each(study.traits, about="x")},
    "claims": lambda study: {"claims": _each(study.claims, claim="x")},
}
SUBSTANCE = {
    "a setting": (lambda study: {"settings": {**study.settings, "own": 1}}, "setting own is new (1)"),
    "an arm's init": (lambda study: {"arms": _last(study.arms, init="same")}, "arm cross_init_control was "),
    "a claim": (
        lambda study: {"claims": (*study.claims, study.claims[2].model_copy(update={"trait": "trait_rate"}))},
        "claim 5 is new (trait_rate of same_init minus same_init_control against cross_init minus cross_init_control)",
    ),
    "what a claim compares": (
        lambda study: {"claims": (study.claims[0].model_copy(update={"control": "reference"}), *study.claims[1:])},
        "claim 1 was margin of same_init against same_init_control, is margin of same_init against reference",
    ),
    "an arm": (lambda study: {"arms": study.arms[:-1], "claims": ()}, "arm cross_init_control is there and no longer"),
    "a trait's chance": (lambda study: {"traits": _last(study.traits, chance=0.25)}, "trait margin was "),
    "a claim's delta": (
        lambda study: {"claims": _last(study.claims, delta=0.25)},
        "was delta 0.05, is delta 0.25",
    ),
    "a claim's kind": (lambda study: {"claims": _last(study.claims, kind="equivalent")}, "is kind equivalent"),
}


def _each(rows, **changed):
    return tuple(row.model_copy(update=changed) for row in rows)


def _last(rows, **changed):
    return (*rows[:-1], *_each(rows[-1:], **changed))


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("part", WORDS)
def test_words_are_no_part_of_a_studys_id(name, part):
    study = build(name)
    other = study.model_copy(update=WORDS[part](study))
    assert other != study
    assert other.id == study.id
    assert other.asks_what(study)
    assert changes(study.model_dump(mode="json"), other.model_dump(mode="json")) == []


@pytest.mark.parametrize("part", SUBSTANCE)
def test_whatever_changes_results_or_verdicts_is_and_is_told(part):
    study = build("prompts")
    change, said = SUBSTANCE[part]
    other = study.model_copy(update=change(study))
    assert other.id != study.id
    assert not other.asks_what(study)
    told = changes(study.model_dump(mode="json"), other.model_dump(mode="json"))
    assert any(said in phrase for phrase in told), told
