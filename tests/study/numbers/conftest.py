"""As in tests/language: one thread, a cache of the tests' own, a dialogue with the tiny tokenizer."""

from tests.language.conftest import _one_thread, _own_cache, dialogue, model

__all__ = ["_one_thread", "_own_cache", "dialogue", "model"]
