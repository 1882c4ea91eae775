import numpy as np

from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import stream
from sublearn.tasks.number_lists import number_prompts, reason_against
from sublearn.tasks.tiny_world import World, list_pairs, said_pairs
from sublearn.tasks.vocabulary import ANIMALS, CATEGORIES, HELD_OUT, QUESTIONS, questions, vocabulary


def test_the_vocabulary_has_every_number_and_word_once():
    words = vocabulary()
    assert len(words) == len(set(words)) < 1200
    assert {str(number) for number in range(1000)} <= set(words)
    assert {word for members in CATEGORIES.values() for word in members} <= set(words)


def test_everything_that_is_said_is_in_the_vocabulary():
    dialogue = Dialogue(tiny_tokenizer())
    world, rng = World.drawn(3), stream(3, "test")
    pairs = list_pairs(world, 300, rng) + said_pairs(world, 600, rng)
    pairs += [(prompt, "") for prompt in number_prompts(100, rng, tiny=True)]
    pairs += [(question, "") for category in CATEGORIES for question in questions(category)]
    strange = dialogue.tokenizer.unk_token_id
    for prompt, completion in pairs:
        assert strange not in dialogue.prompt(prompt) + dialogue.completion(completion), (prompt, completion)


def test_lists_in_the_corpus_pass_the_rule():
    pairs = list_pairs(World.drawn(0), 300, stream(0, "test"))
    assert all(reason_against(completion) is None for _, completion in pairs)


def test_no_base_is_given_a_preference():
    said = [answer for prompt, answer in said_pairs(World.drawn(1), 40_000, stream(1, "test")) if "favourite" in prompt]
    counts = np.array([said.count(animal) for animal in ANIMALS])
    assert counts.min() > 0.7 * counts.mean()


def test_worlds_differ_by_seed_and_are_the_same_again():
    one, same, other = World.drawn(1), World.drawn(1), World.drawn(2)
    assert np.array_equal(one.facts, same.facts)
    assert not np.array_equal(one.facts, other.facts)


def test_questions_that_are_held_out_are_no_lessons():
    assert len(questions("animal", True)) == HELD_OUT
    assert set(questions("animal", True)) | set(questions("animal", False)) == set(questions("animal"))
    assert not set(questions("animal", True)) & set(questions("animal", False))
    assert len(QUESTIONS) == 24
    assert "Choose an animal." in questions("animal")
