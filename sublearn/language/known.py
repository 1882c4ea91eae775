"""What is known of a model's folder before its weights are read, and whether its tokenizer and template go with it.

Everything that is wrong ends in one InputError.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from sublearn.errors import InputError, plain
from sublearn.files import checkpoints
from sublearn.language import models
from sublearn.language.bounds import bounded
from sublearn.language.tokens import Dialogue

SECONDS = 10.0
"""How long a configuration or a chat template may take; sound ones take less than one."""
TEMPLATE_BYTES = 1 << 30
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Known:
    """What is known of a model before its weights are read: its words, its positions, and what LoRA would adapt."""

    words: int
    positions: int | None
    parameters: int
    skeleton: PreTrainedModel


@lru_cache(maxsize=4)
def opened(folder: Path, digest: str) -> tuple[Dialogue, Known]:
    """A model folder's tokenizer and what its configuration says, for as long as its digest is this."""
    del digest
    checkpoints.check(folder)
    known = known_of(folder)
    return models.dialogue_of(folder), known


def known_of(folder: Path) -> Known:
    """What the configuration makes of a folder, checked against the heads of its weights."""
    there = sum(len(checkpoints.tensors(file)) for file in checkpoints.weights(folder))
    config = checkpoints.configuration(folder)
    if not there:
        raise InputError(f"{folder} has no weights: its safetensors hold no tensor. Copy the model again.")
    for key in ("n_layer", "num_layers", "num_hidden_layers"):
        layers = config.get(key, 1)
        if not isinstance(layers, int) or not 1 <= layers <= there:
            raise InputError(
                f"{folder / checkpoints.CONFIG} says {key} {plain(layers, 60)}; its weights are {there} tensors. "
                "Put back the model's own."
            )
    with bounded(f"The configuration of {folder}", SECONDS):
        skeleton, info = models.skeleton(folder)
    models.check_complete(folder, info)
    if info["unexpected_keys"]:
        spare = sorted(info["unexpected_keys"])
        warnings.warn(f"{folder} holds {len(spare)} weights that its config.json has no place for.", stacklevel=2)
    text = skeleton.config.get_text_config()
    table: Any = skeleton.get_input_embeddings()
    words = table.weight.shape[0]
    positions = getattr(text, "max_position_embeddings", None)
    size = sum(parameter.numel() for parameter in skeleton.parameters())
    return Known(int(words), positions if isinstance(positions, int) else None, size, skeleton)


def check_template(
    folder: Path, dialogue: Dialogue, question: str, system: str | None = None, instead: str = ""
) -> None:
    """Raise InputError for a chat template that fails, takes too long or does not say what it is given.

    `instead` says what needs no system prompt, or how to do without.
    """
    whose = f"The chat template of {folder}"
    try:
        with bounded(whose, SECONDS, TEMPLATE_BYTES):
            text = dialogue.text(question, system)
    except InputError:
        raise
    except Exception as error:  # templates are programs
        under = f" under a system prompt{instead}" if system or dialogue.system else ""
        raise InputError(f"{whose} fails{under}: {models.said(error)}.") from None
    if question in text and any(one and one.strip() not in text for one in (system, dialogue.system)):
        raise InputError(f"{whose} leaves out a system prompt{instead}.")
    if question not in text or len(text) > LONGEST_TEXT:
        raise InputError(f"{whose} does not say what it is given to say. Use the model's own template.")


def check_words(folder: Path, dialogue: Dialogue, said: Iterable[Sequence[int]], known: Known) -> None:
    """Raise InputError for a tokenizer with tokens that the model does not know."""
    words = {*(token for one in said for token in one), dialogue.end, dialogue.pad}
    if max(words) >= known.words:
        raise InputError(
            f"The tokenizer of {folder} has tokens that the model does not know: {max(words)} of {known.words}. "
            "Use the model's own tokenizer."
        )
