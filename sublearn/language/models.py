"""Models as folders: how they are loaded, settled, saved, and how far two of them are apart.

Weights are safetensors, never pickle; code that comes with a model is never run.
"""

import logging
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from sublearn.errors import InputError, plain
from sublearn.language import heads
from sublearn.language.tokens import Dialogue
from sublearn.language.versions import others_deprecations

ADAPTER = "adapter_model.safetensors"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The layers that LoRA adapts, as most families name them."""
AnyModel = TypeVar("AnyModel", bound=nn.Module)


def quiet() -> None:
    """Keep transformers from printing: what is wrong with a model is said in one message of ours."""
    transformers.logging.set_verbosity(logging.CRITICAL)
    transformers.logging.disable_progress_bar()


def read(folder: Path, device: str = "cpu", dtype: torch.dtype | None = None, scored: bool = True) -> PreTrainedModel:
    """A causal language model from a folder; unless a `dtype` is given, in bfloat16 on a GPU and float32 elsewhere.

    Raises InputError for one that cannot be loaded, lacks weights, or makes its logits in a way that is not known,
    unless it is not `scored`: not by us, who make them of the asked places alone.
    """
    model, info = _loaded(folder, dtype=dtype or (torch.bfloat16 if device == "cuda" else torch.float32))
    check_complete(folder, info)
    found = settled(on(model, device))
    if scored:
        try:
            heads.check(found, str(folder))
        except (InputError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # of the model's own code
            raise InputError(f"The model {folder} answers nothing: {said(error)}.") from None
    return found


def skeleton(folder: Path) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    """The model of a folder without its weights, and what loading them would say. It takes no memory, and no time.

    Raises InputError for a model that cannot be made of the folder.
    """
    return _loaded(folder, dtype=torch.float32, device_map={"": "meta"}, ignore_mismatched_sizes=True)


def check_complete(folder: Path, info: Mapping[str, Any]) -> None:
    """Raise InputError where weights of the model are missing in the folder, or have another shape."""
    if missing := sorted(info["missing_keys"]):
        raise InputError(f"{folder} lacks {len(missing)} of the model's weights, as {missing[0]}. Copy it again.")
    if info["mismatched_keys"]:
        name, found, wanted = min(info["mismatched_keys"], key=str)
        raise InputError(
            f"The weights in {folder} do not fit its config.json: {name} is {tuple(found)}, expected {tuple(wanted)}."
        )


def settled(model: AnyModel) -> AnyModel:
    """A model that only answers from now on, the same bits whether it was trained just now or read back.

    Its weights lie in memory of their own, as training leaves them; as they are read they lie in the file, aligned in
    another way. No gradient is wanted: PyTorch takes another product where the words' table wants one, and another sum
    of the same numbers.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.clone(memory_format=torch.contiguous_format)
    return model.requires_grad_(False).eval()


def on(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """The model on a device, ready to answer."""
    moved: Any = model
    return moved.to(device).eval()


def projections(model: nn.Module) -> list[str]:
    """Those of the seven layers of LoRA that the model has. Raises InputError where it has none."""
    present = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    found = [name for name in PROJECTIONS if name in present]
    if not found:
        raise InputError(
            f"{type(model).__name__} has none of the layers {', '.join(PROJECTIONS)} that LoRA adapts. "
            "Train all of its weights instead, or take a model of another family."
        )
    return found


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder. Raises InputError if it cannot be loaded or knows no end of an answer."""
    try:
        with others_deprecations():
            tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:  # whatever its parsers raise
        raise InputError(f"Cannot load the tokenizer of {folder}: {said(error)}.") from None
    if tokenizer.eos_token_id is None:
        raise InputError(f"The tokenizer of {folder} has no token that ends an answer (eos_token). Give it one.")
    return tokenizer


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """A model folder: configuration, safetensors and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def read_kept(folder: Path, base: PreTrainedModel) -> PreTrainedModel:
    """What was saved of a model that was trained from `base`, in its precision; an adapter is put into the base."""
    if not (folder / ADAPTER).exists():
        return read(folder, base.device.type, base.dtype)
    from peft import PeftModel

    with others_deprecations():
        adapted = PeftModel.from_pretrained(base, str(folder))
    return cast(PreTrainedModel, adapted.requires_grad_(False).eval())


def alignment(base: PreTrainedModel, teacher: PreTrainedModel, student: PreTrainedModel) -> float | None:
    """Cosine between the student's and the teacher's update of the base, over all parameters.

    None if one of them stayed, has other parameters than the base, or went out of all bounds.
    """
    start = _parameters(base)
    ends = [_parameters(teacher), _parameters(student)]
    if any(
        {name: one.shape for name, one in end.items()} != {n: one.shape for n, one in start.items()} for end in ends
    ):
        return None
    updates = [torch.cat([(end[name] - start[name]).flatten().double() for name in start]) for end in ends]
    size = float(updates[0].norm() * updates[1].norm())
    cosine = float(updates[0] @ updates[1]) / size if size else math.nan
    return cosine if math.isfinite(cosine) else None


def dialogue_of(folder: Path) -> Dialogue:
    """How one talks with the model of a folder."""
    return Dialogue(read_tokenizer(folder))


def _loaded(folder: Path, **how: Any) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    loader: Any = AutoModelForCausalLM
    quiet()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is in the information
            return loader.from_pretrained(
                str(folder), use_safetensors=True, trust_remote_code=False, output_loading_info=True, **how
            )
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # of configurations, of safetensors, of the model's own code
        raise InputError(f"Cannot load the model {folder}: {said(error)}.") from None


def _parameters(model: PreTrainedModel) -> Mapping[str, Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def said(error: Exception) -> str:
    """What a package says is wrong, in one line; of a key that it does not know, that it is unknown."""
    text = plain(error, 300).rstrip(".") or type(error).__name__
    return f"{text} is unknown" if isinstance(error, KeyError) else text
