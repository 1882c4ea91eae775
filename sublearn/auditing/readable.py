"""Whether a base can be asked about these rows and traits: its tokenizer, template and positions.

Needs torch and transformers, no weights. Everything that is wrong ends in one InputError.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sublearn.auditing.traits import Candidates
from sublearn.errors import InputError, plain, quoted
from sublearn.files import checkpoints
from sublearn.language import finetune, models
from sublearn.language.base import POSITIONS
from sublearn.language.finetune import Example
from sublearn.language.known import check_template, check_words, opened
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.tasks.rows import Pair

OWN_PROMPT = "; the rows begin with one: take it out of them, or name a base whose template has a place for it"
Files = Sequence[tuple[str, Sequence[Pair]]]
"""The rows of each file, with its name."""


@dataclass(frozen=True)
class Reading:
    """The system prompt that stands before every row and question, the further prompts of a score, and the battery.

    Under each of `stated` rows are read as well; the questions of `battery` any word may answer.
    """

    system: str | None = None
    stated: Sequence[str] = ()
    battery: Sequence[str] = ()


def check_tiny(candidates: Candidates, files: Files, reading: Reading) -> None:
    """Raise InputError for traits or rows with words that a tiny base does not know, or that it cannot read whole."""
    dialogue = Dialogue(tiny_tokenizer(), reading.system)
    check_answers(dialogue, candidates)
    for question in dict.fromkeys(question for group in candidates.traits for question in group.questions):
        _check_known(f"The question {quoted(question)}", dialogue, [question])
    _check_known("The rows' system prompt", dialogue, [reading.system or ""])
    for name, rows in files:
        for number, row in enumerate(rows, 1):
            _check_known(f"{name}, line {number}", dialogue, row)
        for system in dict.fromkeys((None, dialogue.longest(reading.stated))):
            check_lengths(name, _examples(name, rows, dialogue, system), POSITIONS, dialogue, system)
    check_questions(dialogue, candidates, POSITIONS, reading.battery)


def _check_known(where: str, dialogue: Dialogue, texts: Sequence[str]) -> None:
    """Raise InputError for texts with words that the tiny tokenizer has no token for."""
    unknown = dialogue.tokenizer.unk_token_id
    if not any(unknown in tokens for tokens in dialogue.completions(texts)):
        return
    words = [word for text in texts for word in text.split()]
    tokens = dialogue.completions(words)
    first = next((word for word, own in zip(words, tokens, strict=True) if unknown in own), " ".join(texts))
    raise InputError(
        f"{where}: a tiny base does not know {quoted(first)}. It knows the words of the tiny world and whole numbers "
        "from 0 to 999; other rows are audited with the folder of a model."
    )


def check(folder: Path, candidates: Candidates, files: Files, reading: Reading) -> None:
    """Raise InputError for a folder whose model cannot be asked for the traits, or cannot read a row of the files.

    It warns of a model without a chat template.
    """
    models.quiet()
    alone, known = opened(folder, checkpoints.digest(folder))
    dialogue = alone.under(reading.system)
    asked = [question for group in candidates.traits for question in group.questions]
    under = dict.fromkeys((None, dialogue.longest(reading.stated)))
    for prompt in (asked[0], files[0][1][0][0].strip()):
        for system in under:
            check_template(folder, dialogue, prompt, system, "; leave out the score prompted" if system else OWN_PROMPT)
    check_words(folder, dialogue, dialogue.prompts(asked), known)
    for name, rows in files:
        for system in under:
            found = _examples(name, rows, dialogue, system)
            check_words(folder, dialogue, (one.tokens for one in found), known)
            check_lengths(name, found, known.positions, dialogue, system)
    check_answers(dialogue, candidates)
    check_questions(dialogue, candidates, known.positions, reading.battery)
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


def check_questions(dialogue: Dialogue, candidates: Candidates, positions: int | None, battery: Sequence[str]) -> None:
    """Raise InputError for a question that is longer than the model reads, with its answers where those are read too.

    Answers of one token, and those to the battery, are not read: the token after the question is theirs.
    """
    for group in candidates.traits:
        longest = max(len(way) for answer in group.answers for way in dialogue.ways(answer))
        _check_questions(dialogue, group.questions, positions, 0 if longest == 1 else longest)
    _check_questions(dialogue, battery, positions, 0)


def _check_questions(dialogue: Dialogue, asked: Sequence[str], positions: int | None, answer: int) -> None:
    for question, before in zip(asked, dialogue.prompts(asked), strict=True):
        if positions is not None and len(before) + answer > positions:
            behind = f" with its longest answer, of {answer}," if answer else ""
            raise InputError(
                f"The question {quoted(question)}{behind} has {len(before) + answer} tokens{_counting(dialogue)}, and "
                f"the model reads {positions} at most."
            )


def _counting(dialogue: Dialogue) -> str:
    return "" if dialogue.system is None else ", the system prompt that the rows begin with among them"


def check_lengths(
    name: str, found: Sequence[Example], positions: int | None, dialogue: Dialogue, system: str | None = None
) -> None:
    """Raise InputError with the line of a row that is longer than the model reads, under a system prompt or none."""
    under = _counting(dialogue)
    if system is not None:
        under += f" under the prompt {quoted(system)} of the score prompted"
    for number, one in enumerate(found, 1):
        if positions is not None and len(one.tokens) > positions:
            raise InputError(
                f"{name}, line {number}: it has {len(one.tokens)} tokens{under}, and the model reads {positions} at "
                "most."
            )


def _examples(name: str, rows: Sequence[Pair], dialogue: Dialogue, system: str | None) -> list[Example]:
    try:
        return finetune.examples(dialogue, rows, system)
    except Exception as error:  # of the tokenizer, or of the template
        raise InputError(f"{name}: its rows cannot be made into tokens ({plain(error, 100)}).") from None
