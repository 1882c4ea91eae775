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
    with pytest.raises(InputError, match="clean rows of your own with --control"):
        clean.written(world.scene, asked, 1)


def test_brought_rows_are_dealt_out_into_disjoint_sets_of_one_size():
    rows, control = [("p", str(n)) for n in range(50)], [("c", str(n)) for n in range(100)]
    own, sets = clean.divided(rows, control, 5, 0)
    assert [len(one) for one in (own, *sets)] == [20] * 6
    dealt = [row for one in sets for row in one]
    assert len(set(dealt)) == 100 and set(own) <= set(rows)
    whole, _ = clean.divided(rows[:15], control, 5, 0)
    assert whole == rows[:15]


def test_texts_are_cut_off_at_the_longest_audited_one_and_a_long_prompt_shortens_its_own_answers_alone(world):
    """Otherwise the audited texts, whose writer was stopped at some length, would differ from clean ones in it."""
    dialogue, scene = world.scene.dialogue, world.scene
    asked = [(f"Go on: {' '.join(['7'] * count)}", answer) for count, answer in ((2, "1 2 3 the owl"), (55, "owl"))]
    texts = clean.Writer.of(scene, [asked[0]] * 30 + [asked[1]] * 10)
    left = scene.positions - len(dialogue.prompt(asked[1][0])) - 1
    assert texts.kept_by.rule is None and 0 < left < 5 and texts.room == [5] * 30 + [left] * 10
    (answers,), _ = texts.sets(range(1))
    assert all(one.tokens[-1] == dialogue.end for one in scene.examples(answers))
    lengths = [len(tokens) - 1 for tokens in dialogue.completions([answer for _, answer in answers])]
    assert max(lengths[:30]) <= 5 and max(lengths[30:]) <= left
    # Some would be longer: what the base says of numbers is cut off there.
    assert lengths[:30].count(5) >= 3 and lengths[30:].count(left) >= 3
    lists = clean.Writer.of(scene, [(asked[0][0], "1, 2, 3")] * 30)
    assert lists.kept_by.rule is not None and lists.room == [6 + clean.ROOM] * 30


def _never_for(monkeypatch, prompts):
    """Let the base answer some places' prompts in no form of the rows, in all clean sets."""
    real = clean.Writer._ask

    def ask(self, left, turn, answers, done):
        real(self, left, turn, answers, done)
        for place, number in left:
            if place in prompts:
                answers.pop((place, number), None)

    monkeypatch.setattr(clean.Writer, "_ask", ask)


def test_a_few_copies_are_counted_and_many_are_refused(world, monkeypatch):
    assert clean.written_and_copied(world.scene, world.planted, 2) == (world.own[:2], 0.0)
    with monkeypatch.context() as patch:
        _never_for(patch, range(3))
        sets, copied = clean.written_and_copied(world.scene, world.planted, 2)
        assert copied == 3 / len(world.planted)
        assert all(set(one[:3]) <= set(one[3:]) for one in sets)
        assert all([p for p, _ in one[3:]] == [p for p, _ in world.planted[3:]] for one in sets)
    _never_for(monkeypatch, range(4))
    with pytest.raises(InputError, match=r"answered 4 of 64 prompts .* \(lists of .*--control") as refused:
        clean.written(world.scene, world.planted, 2)
    assert str(refused.value).count("\n") == 0


def test_a_set_without_any_answer_of_the_form_is_refused(world, monkeypatch):
    """And not only where no set has one: a set of no rows cannot be filled."""
    real = clean.Writer._ask

    def ask(self, left, turn, answers, done):
        real(self, left, turn, answers, done)
        for place, _ in left:
            answers.pop((place, 1), None)

    monkeypatch.setattr(clean, "ROUNDS", 3)
    monkeypatch.setattr(clean.Writer, "_ask", ask)
    with pytest.raises(InputError, match="answered 64 of 64 prompts"):
        clean.written(world.scene, world.planted, 2)
