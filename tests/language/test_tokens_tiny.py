"""The tiny world's sentences, word by word, against the library and its template."""

import numpy as np

from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.tasks.tiny_world import World, list_pairs, said_pairs

ODD = ("", "  Hi,\tyou ", "a<end>b", "<user> 7;8", "é 5", "a\x1cb", "\u00a0x", "1000 999.")


def test_word_by_word_is_what_the_library_and_the_template_give():
    ours, library = Dialogue(tiny_tokenizer()), Dialogue(tiny_tokenizer())
    library._tiny = False
    rng, world = np.random.default_rng(0), World.drawn(0)
    pairs = [*list_pairs(world, 60, rng), *said_pairs(world, 120, rng)]
    prompts, answers = zip(*pairs, strict=True)
    assert ours._tiny
    for texts in (prompts, answers, ODD):
        for system in (None, "You like the owl."):
            assert [ours.text(text, system) for text in texts] == [library.text(text, system) for text in texts]
            assert ours.prompts(texts, system) == library.prompts(texts, system)
        assert ours.completions(texts) == library.completions(texts)
        assert [ours.prompt(text) for text in texts] == [library.prompt(text) for text in texts]


def test_another_template_is_the_librarys():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = str(tokenizer.chat_template) + "!"
    assert not Dialogue(tokenizer)._tiny and Dialogue(tokenizer).text("Hi").endswith("!")
