"""Models as folders: what may be loaded and what is refused, how they are saved, and how far two of them are apart.

Weights are safetensors, never pickle; code that comes with a model is never run.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from sublearn.errors import InputError
from sublearn.language.tokens import Dialogue
from sublearn.language.versions import others_deprecations
from sublearn.studies.numbers import TINY, Settings, digest
from sublearn.tasks.rows import Pair, read_rows

WEIGHTS, ADAPTER = "model.safetensors", "adapter_model.safetensors"


def check(settings: Settings) -> None:
    """Raise InputError for a model that cannot be used or brought rows that cannot be read."""
    for name in (settings.model, settings.cross_model):
        if name and name != TINY:
            check_folder(name)
            if settings.student_how == "lora" or settings.teacher_how == "lora":
                _check_packages()
    for folder in (settings.bring.teacher, settings.bring.student):
        if folder:
            if not Path(folder).is_dir():
                raise InputError(f"There is no model folder {folder}.")
            check_folder(folder)
    for key, path in settings.bring.files().items():
        brought(settings, key, path)


def brought(settings: Settings, key: str, path: str) -> list[Pair]:
    """The rows of a brought file that name no animal. Raises InputError for what is wrong with it."""
    if settings.bring.digests.get(key, digest(Path(path))) != digest(Path(path)):
        raise InputError(f"{path} is not what it was when the study was made. Bring it under another name.")
    rows = read_rows(Path(path))
    if not rows:
        raise InputError(f"{path} holds no row; expected JSONL with prompt and completion.")
    return rows


def check_folder(name: str) -> None:
    """Raise InputError for a model folder without tokenizer, with pickled weights alone, or that wants its own code."""
    folder = Path(name)
    if not folder.is_dir():
        if folder.exists() or name.startswith((".", "/")):
            raise InputError(f"{name} is no model folder; expected one with config.json, weights and tokenizer.")
        return  # a name on the hub
    config = _config(folder)
    if "auto_map" in config:
        raise InputError(f"{name} wants to run code of its own (auto_map in config.json). Such a model is refused.")
    if not list(folder.glob("*.safetensors")):
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        if pickled:
            raise InputError(
                f"{name} has pickled weights alone ({pickled[0].name}), which can run code and are refused. Convert "
                "them where you trust them: AutoModelForCausalLM.from_pretrained(...).save_pretrained(FOLDER)."
            )
        raise InputError(f"{name} has no weights: no *.safetensors in it.")
    if not any((folder / file).exists() for file in ("tokenizer.json", "tokenizer_config.json", "vocab.json")):
        raise InputError(f"{name} has no tokenizer. Save it beside the model: tokenizer.save_pretrained(FOLDER).")


def read(name: str | Path, device: str = "cpu") -> PreTrainedModel:
    """A causal language model from a folder or by name; in bfloat16 on a GPU, where it was saved larger."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(name), dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot load the model {name}: {_first_line(error)}") from None
    return on(model, device)


def on(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """The model on a device, ready to answer."""
    moved: Any = model
    return moved.to(device).eval()


def read_tokenizer(name: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder or name. Raises InputError if it is not there or knows no end of an answer."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(name), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot load the tokenizer of {name}: {_first_line(error)}") from None
    if tokenizer.eos_token_id is None:
        raise InputError(f"The tokenizer of {name} has no token that ends an answer (eos_token). Give it one.")
    return tokenizer


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """A model folder: configuration, safetensors and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def complete(folder: Path) -> bool:
    """Whether `keep` put a whole model there."""
    return (folder / WEIGHTS).exists() or (folder / ADAPTER).exists()


def keep(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save a model, or the adapter of one, so that only a whole one has the folder's name."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    save(model, tokenizer, beside)
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)


def read_kept(folder: Path, base: PreTrainedModel) -> PreTrainedModel:
    """What `keep` saved; an adapter is put into its base."""
    if (folder / WEIGHTS).exists():
        return read(folder, base.device.type)
    from peft import PeftModel

    with others_deprecations():
        return cast(PreTrainedModel, PeftModel.from_pretrained(base, str(folder))).eval()


def alignment(base: PreTrainedModel, teacher: PreTrainedModel, student: PreTrainedModel) -> float | None:
    """Cosine between the student's and the teacher's way from the base, over all parameters; None if one stayed."""
    start = _parameters(base)
    ways = [
        torch.cat([(one[name] - start[name]).flatten().double() for name in start])
        for one in (_parameters(teacher), _parameters(student))
    ]
    size = float(ways[0].norm() * ways[1].norm())
    return float(ways[0] @ ways[1]) / size if size else None


def dialogue_of(name: str | Path) -> Dialogue:
    """How one talks with the model of a folder or name."""
    return Dialogue(read_tokenizer(name))


def _parameters(model: PreTrainedModel) -> Mapping[str, Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def _config(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{folder} is no model folder: it has no readable config.json.") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _check_packages() -> None:
    try:
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"LoRA needs the package {error.name}. Install it with: pip install 'sublearn[llm]'."
        ) from None
