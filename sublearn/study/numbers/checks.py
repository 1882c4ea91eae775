"""What is checked of the study `numbers` before anything is written: models, tokenizers, chat templates, rows, sizes.

Nothing here needs a model's weights. Everything that is wrong ends in one InputError.
"""

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from sublearn import devices
from sublearn.errors import InputError, plain
from sublearn.files import checkpoints
from sublearn.files.writing import check_folder
from sublearn.language import finetune, models
from sublearn.language.base import POSITIONS, bases_folder
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.plan import Patience
from sublearn.language.known import Known, check_template, check_words, opened
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import stream
from sublearn.study.numbers.identity import folder_of, rows_of
from sublearn.study.numbers.spec import ANSWER_TOKENS, Settings
from sublearn.tasks.number_lists import number_prompts, parse
from sublearn.tasks.rows import Pair, read_rows
from sublearn.tasks.vocabulary import ANIMALS, questions

SHUFFLES = {"shuffled_within", "shuffled_across"}


def check(settings: Settings, arms: Collection[str] = (), fetch: bool = True) -> None:
    """Raise InputError for anything that would stop the study later: settings, models, templates or rows.

    `arms` are those that are run. Without `fetch`, models on the hub are taken as they are.
    """
    models.quiet()
    if "lora" in (settings.student_how, settings.teacher_how):
        _check_packages()
    if settings.teacher.server and fetch:
        _check_server(settings.teacher.server)
    if not settings.bases():
        if not bases_folder().is_dir():
            check_folder(bases_folder(), "SUBLEARN_CACHE")
        dialogue, own = Dialogue(tiny_tokenizer()), None
    else:
        here = {key for key, name in settings.bases().items() if fetch or checkpoints.is_folder(name)}
        found = {key: _checked_base(settings, key) for key in sorted(here, reverse=True)}
        if "model" not in found:
            return
        dialogue, own = found["model"]
    positions, words = (own.positions, own.words) if own else (POSITIONS, len(dialogue.tokenizer))
    for key in settings.bring.folders():
        _check_brought(folder_of(settings, key), words, positions)
    for key in settings.bring.files():
        _check_rows(settings, key, dialogue, positions, SHUFFLES & set(arms) if key == "numbers" else set())


def _checked_base(settings: Settings, key: str) -> tuple[Dialogue, Known]:
    """How one talks with a base model, and what is known of it."""
    folder = folder_of(settings, key)
    dialogue, known = opened(folder, checkpoints.digest(folder))
    if "lora" in (settings.student_how, settings.teacher_how):
        _check_adapters(settings, known)
    _check_memory(folder, known.parameters)
    prompted = settings.teacher_how == "system_prompt"
    system = settings.teacher.system_prompt.replace("{animal}", settings.animal_of(0)) if prompted else None
    _check_talk(folder, dialogue, known, system)
    for name in dict.fromkeys((*ANIMALS, settings.animal_of(0))):
        dialogue.ways(name)
    return dialogue, known


def _check_adapters(settings: Settings, known: Known) -> None:
    """Raise InputError for a model without layers that LoRA adapts, or for adapters that no memory can hold."""
    try:
        names = models.projections(known.skeleton)
    except InputError as error:
        raise InputError(f"{error} All weights are trained with --set student.how=full.") from None
    have = devices.memory()
    layers = [one for name, one in known.skeleton.named_modules() if name.rpartition(".")[2] in names]
    sizes = [sum(parameter.shape) for layer in layers for parameter in layer.parameters() if parameter.dim() == 2]
    # Weights, gradients and two moments, in float32.
    if have and 16 * settings.lora.r * sum(sizes) > have:
        raise InputError(
            f"lora.r={settings.lora.r} makes adapters larger than this machine's memory. Choose a smaller."
        )


def _check_memory(folder: Path, parameters: int) -> None:
    import torch

    have = devices.memory()
    gpu = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0
    if have and 4 * parameters > have and 2 * parameters > gpu:
        raise InputError(
            f"{folder} has {parameters / 1e9:,.1f} billion parameters: {4 * parameters / 1e9:,.0f} GB on the CPU, half "
            f"on a GPU. This machine has {have / 1e9:,.0f} GB, and {gpu / 1e9:,.0f} GB on a GPU. Use a smaller model."
        )


def _check_talk(folder: Path, dialogue: Dialogue, known: Known, system: str | None) -> None:
    """Raise InputError for a chat template that fails, and for too few words or positions."""
    asked = [*questions("animal"), *number_prompts(64, stream(0, "check"))]
    for one in dict.fromkeys((None, system)):
        check_template(folder, dialogue, asked[0], one, instead=" (--set teacher.how=lora needs none)")
    said = [dialogue.prompt(prompt, one) for prompt in asked for one in {None, system}]
    check_words(folder, dialogue, said, known)
    longest = max(map(len, said)) + ANSWER_TOKENS[False]
    if known.positions is not None and longest > known.positions:
        raise InputError(
            f"{folder} reads {known.positions} tokens; a question and its answer need {longest}. Use a longer model."
        )


def _check_brought(folder: Path, words: int, positions: int | None) -> None:
    """Raise InputError for a brought teacher or student that does not speak as the study's base does."""
    _, known = opened(folder, checkpoints.digest(folder))
    if known.words != words:
        raise InputError(f"{folder} knows {known.words} words, the study's model {words}. Bring one of the same base.")
    if positions is not None and known.positions is not None and known.positions < positions:
        raise InputError(f"{folder} reads {known.positions} tokens, the study's model {positions}.")


def _check_rows(
    settings: Settings, key: str, dialogue: Dialogue, positions: int | None, shuffles: Collection[str]
) -> None:
    """Raise InputError with the line number of a brought row that cannot be trained on."""
    path = rows_of(settings, key)
    found = read_rows(path)
    if not found:
        raise InputError(f"{path} holds no row; expected JSONL with prompt and completion.")
    most = min(size for size in (positions, _longest(settings)) if size is not None)
    for number, row in enumerate(found[: settings.rows], 1):
        if problem := _problem(row, dialogue, most, shuffles):
            raise InputError(f"{path}, line {number}: {problem}.")


def _longest(settings: Settings) -> int | None:
    return finetune.LONGEST if settings.student_how == "lora" else None


def _problem(row: Pair, dialogue: Dialogue, most: int, shuffles: Collection[str]) -> str | None:
    if not any(row):
        return "its prompt and completion are both empty"
    if shuffles and parse(row[1]) is None and any(letter.isdigit() for letter in row[1]):
        arms = ", ".join(sorted(shuffles))
        return f"its completion is no list of numbers, which {arms} shuffle; leave these arms out, as arms=[same_init]"
    try:
        (example,) = finetune.examples(dialogue, [row])
    except Exception as error:  # of the tokenizer, or of the template
        return f"it cannot be made into tokens ({plain(error, 100)})"
    if len(example.tokens) > most:
        return f"it has {len(example.tokens)} tokens, and the model reads {most} at most"
    return None


def _check_server(address: str) -> None:
    """Raise InputError unless the server is there, takes the key and has the model."""
    for package in ("httpx2", "tenacity"):
        if find_spec(package) is None:
            raise InputError(
                f"A server needs the package {package}. Install it with: pip install 'sublearn[endpoints]'."
            )
    from sublearn.language.endpoints.many import check  # late: of another extra

    check(Address.parse(address), Patience())


def _check_packages() -> None:
    for package in ("peft", "trl"):
        if find_spec(package) is None:
            raise InputError(f"LoRA needs the package {package}. Install it with: pip install 'sublearn[llm]'.")
