"""Models as Hugging Face keeps them: which files of a folder are loaded, their digest and their size. Loads no model.

A model is a folder, or a name on the hub, which is one commit's folder in the hub's cache. Needs no torch.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sublearn.errors import InputError, plain, quoted
from sublearn.files import digests
from sublearn.files.reading import file_text

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
LOADED = (".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken")
"""Endings of the files that are loaded from a folder: weights, configuration, tokenizer, chat template."""
PICKLED = (".bin", ".pt", ".pth")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.json")
LARGEST_CONFIG = 1 << 24
"""Bytes of a configuration or of an index of weights."""
MISSING = "expected one with config.json, weights and tokenizer"


def is_folder(name: str) -> bool:
    """Whether a model's name is a folder, and not a name on the hub. Raises InputError for what can be neither."""
    try:
        folder = Path(name)
        if folder.is_dir():
            return True
        if folder.exists() or name.startswith((".", "/", "~")):
            raise InputError(f"{plain(name)} is no model folder; {MISSING}.")
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
        if isinstance(error, InputError):
            raise
        raise InputError(f"{quoted(name)} is no model folder and no name of a model.") from None
    return False


def files(folder: Path) -> dict[str, Path]:
    """The files of a model folder that are loaded, by name. Raises InputError for one that is no regular file."""
    try:
        found = {path.name: path for path in folder.iterdir() if path.suffix in LOADED}
    except OSError as error:
        raise InputError(f"{folder} is no model folder: {error.strerror}.") from None
    found |= {f"templates/{path.name}": path for path in folder.glob("additional_chat_templates/*.jinja")}
    for path in found.values():
        if not path.is_file():
            raise InputError(f"{path} is no regular file. A model folder holds files alone; remove it.")
    return found


def digest(folder: Path) -> str:
    """What identifies a model folder: 32 hexadecimal digits of all that is loaded from it."""
    return digests.of_files(files(folder), "the model's file")[:32]


def check(folder: Path) -> None:
    """Raise InputError for a folder without configuration, weights or tokenizer, with pickled or damaged weights, or
    that wants to run code of its own. It looks at the files alone.
    """
    config = configuration(folder)
    if "auto_map" in config:
        raise InputError(f"{folder} wants to run code of its own (auto_map in config.json). Such a model is refused.")
    if "adapter_config.json" in files(folder):
        raise InputError(f"{folder} holds adapters. Merge them into their base and save that: merge_and_unload().")
    for file in weights(folder):
        tensors(file)
    if not any(name in files(folder) for name in TOKENIZERS):
        raise InputError(f"{folder} has no tokenizer. Save it beside the model: tokenizer.save_pretrained(FOLDER).")


def configuration(folder: Path) -> dict[str, Any]:
    """A folder's config.json. Raises InputError where there is none, or it is no JSON object."""
    if CONFIG not in files(folder):
        raise InputError(f"{folder} is no model folder: it has no readable config.json; {MISSING}.")
    return _object(folder / CONFIG, "the configuration")


def weights(folder: Path) -> list[Path]:
    """The files that a folder's weights are loaded from: one, or the parts that an index names."""
    there = files(folder)
    if WEIGHTS in there:
        return [there[WEIGHTS]]
    if INDEX not in there:
        raise _without_weights(folder)
    parts = _object(there[INDEX], "the index of weights").get("weight_map")
    named = set(parts.values()) if isinstance(parts, dict) and _texts(parts) else set()
    if not named <= there.keys() or not named:
        absent = ", ".join(map(quoted, sorted(named - there.keys())[:1])) or "no file"
        raise InputError(f"{there[INDEX]} cannot be used: it names {absent}, which is not there. Copy the model again.")
    return [there[name] for name in sorted(named)]


def tensors(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a safetensors file, from its head. Raises InputError for a damaged one.

    The head must be whole, and the tensors it names must fill the file to its end.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError:
        raise InputError("Models need the package safetensors. Install it with: pip install 'sublearn[llm]'.") from None
    try:
        with safe_open(file, framework="numpy") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{file} holds no sound weights: {plain(error, 200)}. Copy the file again.") from None


def parameters(name: str) -> int | None:
    """A model's parameters, from the heads of its weights, or from a name as "...-7B-..."; None if unknown."""
    if is_folder(name):
        return sum(math.prod(shape) for file in weights(Path(name)) for shape in tensors(file).values())
    named = re.search(r"(\d{1,6}(?:\.\d{1,6})?)[bB](?![a-zA-Z])", name)
    return int(float(named[1]) * 1e9) if named else None


def _object(path: Path, what: str) -> dict[str, Any]:
    # Not the strict reader of our own files: configurations that others write hold Infinity.
    try:
        value = json.loads(file_text(path, what, LARGEST_CONFIG))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be used: it is no JSON ({plain(error, 100)}).") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} cannot be used: it is {quoted(value)}, expected a JSON object.")
    return value


def _texts(values: dict[str, Any]) -> bool:
    return all(isinstance(value, str) for value in values.values())


def _without_weights(folder: Path) -> InputError:
    pickled = next(_pickled(folder), None)
    if pickled is None:
        return InputError(f"{folder} has no weights: no {WEIGHTS} or {INDEX} in it.")
    return InputError(
        f"{folder} has pickled weights alone ({pickled.name}), which can run code and are refused. Convert them where "
        "you trust them: AutoModelForCausalLM.from_pretrained(...).save_pretrained(FOLDER)."
    )


def _pickled(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix in PICKLED)
