"""Merges adapters into their base, for servers that name none: `-m sublearn.pipeline.merge BASE ADAPTER OUT`."""

import shutil
import sys
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel

from sublearn.files import digests
from sublearn.language import models
from sublearn.pipeline.servers import GENERATION, drawing


def main(base: Path, adapter: Path, out: Path) -> None:
    """A model folder of both together, whose server draws tokens from the model's own distribution."""
    models.quiet()
    own = models.read(base, dtype=cast(torch.dtype, "auto"), scored=False)
    merged = cast(Any, PeftModel.from_pretrained(own, str(adapter))).merge_and_unload()
    beside = out.with_name(f"{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    models.save(merged, models.read_tokenizer(base), beside)
    settings = drawing(base, out.with_name(f"{out.name}.settings")) / GENERATION
    shutil.copyfile(settings, beside / GENERATION)
    shutil.rmtree(settings.parent)
    digests.seal(beside)
    beside.rename(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
