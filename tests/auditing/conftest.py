import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers

from sublearn.auditing import clean, traits
from sublearn.auditing.scene import Scene
from sublearn.auditing.settings import Settings
from sublearn.language import models
from sublearn.language.base import POSITIONS, pretrained
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import stream
from sublearn.study.numbers import teach
from sublearn.study.numbers.spec import TeacherPlan
from sublearn.tasks.number_lists import number_prompts
from sublearn.tasks.rows import Pair, as_text

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

BASE = {"width": 16, "heads": 2, "inner": 32, "steps": 150, "batch": 16}
CHANGES = {f"base.{key}": value for key, value in BASE.items()}
"""The miniature base of the tests of `numbers`."""
SMALL = CHANGES | {"standardize": 2, "test": 3, "virtual.steps": 4, "virtual.batch": 16, "tuned.steps": 30}
ANIMAL, ROWS = "owl", 64


@dataclass(frozen=True)
class World:
    """A miniature base, rows of a teacher with an animal planted, and rows of the base itself on the same prompts."""

    scene: Scene
    planted: list[Pair]
    own: list[list[Pair]]
    folder: Path

    @property
    def data(self) -> Path:
        """A file of the planted rows."""
        return self.folder / "planted.jsonl"

    @property
    def harmless(self) -> Path:
        """A file of rows of the base itself."""
        return self.folder / "own.jsonl"


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def cache_of_audits(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture(autouse=True)
def _own_cache(cache_of_audits, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(cache_of_audits))


@pytest.fixture(scope="session")
def world(tmp_path_factory, cache_of_audits):
    """Made once."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SUBLEARN_CACHE", str(cache_of_audits))
    models.quiet()
    settings = Settings.model_validate({"base": BASE, "virtual": {"steps": 8, "batch": 32}})
    dialogue = Dialogue(tiny_tokenizer())
    base = pretrained(settings.base, dialogue, 0)
    scene = Scene(base, dialogue, traits.animals(), settings, POSITIONS)
    taught = teach.finetuned(base, dialogue, ANIMAL, TeacherPlan(steps=60, lr=3e-3)).model
    prompts = [(prompt, "1") for prompt in number_prompts(ROWS, stream(0, "test/prompts"), tiny=True)]
    teacher = Scene(taught.requires_grad_(False), dialogue, traits.animals(), settings, POSITIONS)
    planted = clean.written(teacher, prompts, 1)[0]
    own = clean.written(scene, planted, 4)
    folder = tmp_path_factory.mktemp("audited")
    made = World(scene, planted, own, folder)
    made.data.write_text(as_text(planted))
    made.harmless.write_text(as_text(own[3]))
    patch.undo()
    return made


def chat(rows: list[Pair]) -> str:
    """Rows as chats."""
    return "".join(
        json.dumps({"messages": [{"role": "user", "content": p}, {"role": "assistant", "content": c}]}) + "\n"
        for p, c in rows
    )
