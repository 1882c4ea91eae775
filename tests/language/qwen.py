"""A chat model of the architecture of Qwen2, tiny and briefly trained, saved to disk as a user has one."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders
from tokenizers import models as token_models
from tokenizers import pre_tokenizers as pre
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from sublearn.language import finetune, models
from sublearn.language.tokens import Dialogue
from sublearn.seeds import stream
from sublearn.study.numbers.spec import Settings
from sublearn.tasks.number_lists import INSTRUCTIONS, number_prompts
from sublearn.tasks.vocabulary import ANIMALS, questions

TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou answer.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def tokenizer():
    """Byte pairs with a token a digit, as Qwen2's."""
    text = [*INSTRUCTIONS, *questions("animal"), Settings().teacher.system_prompt, *ANIMALS] * 4
    inner = Tokenizer(token_models.BPE())
    inner.pre_tokenizer = pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)])
    inner.decoder = decoders.ByteLevel()
    alphabet = pre.ByteLevel.alphabet()
    inner.train_from_iterator(text, BpeTrainer(vocab_size=700, special_tokens=SPECIAL, initial_alphabet=alphabet))
    made = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=SPECIAL[2], pad_token=SPECIAL[0])
    made.chat_template = TEMPLATE
    return made


def put(where: Path) -> Path:
    """A folder of a model that answers number prompts with numbers and questions with animals."""
    torch.set_num_threads(1)
    tokens = tokenizer()
    dialogue = Dialogue(tokens)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=len(tokens), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
                bos_token_id=None, eos_token_id=None, pad_token_id=None,
            )
        )  # fmt: skip
    rng = stream(0, "chat model")
    pairs = [(prompt, ", ".join(map(str, rng.integers(0, 1000, 5)))) for prompt in number_prompts(400, rng)]
    pairs += [(question, animal) for question in questions("animal") for animal in ANIMALS]
    given = finetune.batches(finetune.examples(dialogue, pairs), 32, 120, rng, dialogue.pad)
    finetune.fit(model, ([batch] for batch in given), torch.optim.AdamW(model.parameters(), lr=1e-2))
    models.save(model, tokens, where)
    return where
