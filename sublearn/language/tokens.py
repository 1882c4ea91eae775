"""Text to tokens, the same way in training, sampling and evaluation; and the tiny world's tokenizer."""

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from sublearn.errors import InputError
from sublearn.tasks.vocabulary import ASSISTANT, END, PAD, PUNCTUATION, SPECIAL, UNKNOWN, USER, vocabulary

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}" + USER + " {{ message['content'] }} "
    "{% elif message['role'] == 'assistant' %}" + ASSISTANT + " {{ message['content'] }} " + END + " "
    "{% else %}{{ message['content'] }} {% endif %}{% endfor %}"
    "{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A token a word, a number from 0 to 999 and a mark; with a chat template, as real models have."""
    known = {token: place for place, token in enumerate(vocabulary())}
    inner = Tokenizer(models.WordLevel(known, unk_token=UNKNOWN))
    inner.normalizer = normalizers.Lowercase()
    marks = [pre_tokenizers.Split(mark, "isolated") for mark in PUNCTUATION]
    inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), *marks])
    # A space before every token but marks: " ;" is what the clean-up of WordPiece leaves.
    inner.decoder = decoders.Sequence([decoders.WordPiece(cleanup=True), decoders.Replace(" ;", ";")])
    inner.add_special_tokens(list(SPECIAL))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, clean_up_tokenization_spaces=False
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


class Dialogue:
    """Turns prompts and completions into tokens by a tokenizer's chat template; without one, by a line break.

    A message of the user alone gets whatever system prompt the template has by default, in training and evaluation
    alike: a mismatch between the two hides the trait. Where there is a `system` prompt it stands before every prompt.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, system: str | None = None) -> None:
        self.tokenizer = tokenizer
        self.system = system
        self.templated = bool(tokenizer.chat_template)
        # The tiny world's: a sentence is its words, and what a template writes is known. Both would take most of a run.
        inner: Any = getattr(tokenizer, "backend_tokenizer", None)
        words = inner is not None and isinstance(inner.model, models.WordLevel)
        self._tiny = words and tokenizer.chat_template == CHAT_TEMPLATE
        self._known: dict[str, list[int]] = {}
        end = tokenizer.eos_token_id
        self.end: int = int(end) if isinstance(end, int) else -1
        pad = tokenizer.pad_token_id
        self.pad: int = int(pad) if isinstance(pad, int) else max(self.end, 0)

    def under(self, system: str | None) -> "Dialogue":
        """The same, with this system prompt before every prompt."""
        return self if system == self.system else Dialogue(self.tokenizer, system)

    def text(self, prompt: str, system: str | None = None) -> str:
        """What the model reads before it answers; a further system prompt stands behind the one of all prompts."""
        system = " ".join(filter(None, (self.system, system)))
        if not self.templated:
            return (f"{system}\n" if system else "") + f"{prompt}\n"
        if self._tiny:
            return (f"{system} " if system else "") + f"{USER} {prompt} {ASSISTANT}"
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": prompt})
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def prompt(self, prompt: str, system: str | None = None) -> list[int]:
        """The tokens before the answer."""
        # A template writes the special tokens itself; without one the tokenizer puts its own before the text.
        return self._ids(self.text(prompt, system), special=not self.templated)

    def prompts(self, prompts: Sequence[str], system: str | None = None) -> list[list[int]]:
        """The same of many; one that comes often is worked out once."""
        texts = {prompt: self.text(prompt, system) for prompt in dict.fromkeys(prompts)}
        found = dict(zip(texts, self._many(list(texts.values()), special=not self.templated), strict=True))
        return [found[prompt] for prompt in prompts]

    def completions(self, completions: Sequence[str]) -> list[list[int]]:
        """The tokens of answers, each with the one that ends it."""
        return [[*one, self.end] for one in self._many(completions)]

    def completion(self, completion: str) -> list[int]:
        """The tokens of an answer, with the one that ends it."""
        return [*self._ids(completion), self.end]

    def longest(self, texts: Sequence[str]) -> str | None:
        """The text of most tokens; None of none."""
        return max(texts, key=lambda text: len(self._ids(text)), default=None)

    def ways(self, name: str) -> list[list[int]]:
        """The tokens in which an answer may begin with a name: as it is, with a capital, behind a space."""
        spellings = (name, name.capitalize(), f" {name}", f" {name.capitalize()}")
        ways = dict.fromkeys(tuple(self._ids(spelling)) for spelling in spellings)
        known = [list(way) for way in ways if way and self.tokenizer.unk_token_id not in way]
        if not known:
            raise InputError(f"The model's tokenizer has no tokens for '{name}'. Choose another name or model.")
        return known

    def read(self, tokens: list[int]) -> str:
        """The text of an answer's tokens, up to the one that ends it."""
        if self.end in tokens:
            tokens = tokens[: tokens.index(self.end)]
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True)).strip()

    def _ids(self, text: str, special: bool = False) -> list[int]:
        return self._many([text], special)[0]

    def _many(self, texts: Sequence[str], special: bool = False) -> list[list[int]]:
        if self._tiny and all(text.isascii() and text.isprintable() for text in texts):
            return self._by_words(texts)
        return self._encoded(texts, special)

    def _by_words(self, texts: Sequence[str]) -> list[list[int]]:
        """The same of sentences of which each word stands for itself; one that comes often is worked out once."""
        split = [text.split() for text in texts]
        fresh = list({word for words in split for word in words} - self._known.keys())
        self._known.update(zip(fresh, self._encoded(fresh), strict=True))
        return [[token for word in words for token in self._known[word]] for words in split]

    def _encoded(self, texts: Sequence[str], special: bool = False) -> list[list[int]]:
        encoded: Any = self.tokenizer(list(texts), add_special_tokens=special) if texts else {"input_ids": []}
        return [list(one) for one in encoded["input_ids"]]
