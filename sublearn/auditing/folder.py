"""Whether a model's folder can be asked about these rows and traits: its tokenizer, template and positions.

Needs torch and transformers, no weights. Everything that is wrong ends in one InputError.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from sublearn.auditing.traits import Candidates
from sublearn.errors import InputError, plain
from sublearn.files import checkpoints
from sublearn.language import finetune, models
from sublearn.language.finetune import Example
from sublearn.language.known import check_template, check_words, opened
from sublearn.language.tokens import Dialogue
from sublearn.tasks.rows import Pair


def check(folder: Path, candidates: Candidates, files: Sequence[tuple[str, Sequence[Pair]]]) -> None:
    """Raise InputError for a folder whose model cannot be asked for the traits, or cannot read a row of the files.

    It warns of a model without a chat template.
    """
    models.quiet()
    dialogue, known = opened(folder, checkpoints.digest(folder))
    asked = [question for group in candidates.traits for question in group.questions]
    for prompt in (asked[0], files[0][1][0][0].strip()):
        check_template(folder, dialogue, prompt)
    check_words(folder, dialogue, dialogue.prompts(asked), known)
    for name, rows in files:
        found = _examples(name, rows, dialogue)
        check_words(folder, dialogue, (one.tokens for one in found), known)
        check_lengths(name, found, known.positions)
    check_answers(dialogue, candidates)
    if not dialogue.templated:
        warnings.warn(
            f"{plain(folder)} has no chat template: prompts and completions are read with a line break between them, "
            "as a base model without chats is. Rows of a chat model are audited with its own tokenizer and template.",
            stacklevel=2,
        )


def check_answers(dialogue: Dialogue, candidates: Candidates) -> None:
    """Raise InputError for an answer that the tokenizer has no tokens for."""
    for group in candidates.traits:
        for answer in group.answers:
            dialogue.ways(answer)


def check_lengths(name: str, found: Sequence[Example], positions: int | None) -> None:
    """Raise InputError with the line of a row that is longer than the model reads."""
    for number, one in enumerate(found, 1):
        if positions is not None and len(one.tokens) > positions:
            raise InputError(
                f"{name}, line {number}: it has {len(one.tokens)} tokens, and the model reads {positions} at most."
            )


def _examples(name: str, rows: Sequence[Pair], dialogue: Dialogue) -> list[Example]:
    try:
        return finetune.examples(dialogue, rows)
    except Exception as error:  # of the tokenizer, or of the template
        raise InputError(f"{name}: its rows cannot be made into tokens ({plain(error, 100)}).") from None
