import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import transformers

from sublearn import devices
from sublearn.auditing import clean, traits
from sublearn.auditing.scene import Scene
from sublearn.auditing.settings import Settings
from sublearn.auditing.traits import Group
from sublearn.language import models
from sublearn.language.base import POSITIONS, pretrained
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import stream
from sublearn.study.numbers import teach
from sublearn.study.numbers.spec import TeacherPlan
from sublearn.tasks.number_lists import number_prompts
from sublearn.tasks.rows import Pair, as_text
from sublearn.tasks.vocabulary import questions

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

BASE = {"width": 16, "heads": 2, "inner": 32, "steps": 150, "batch": 16}
CHANGES = {f"base.{key}": value for key, value in BASE.items()}
"""The miniature base of the tests of `numbers`."""
SMALL = CHANGES | {
    "standardize": 2,
    "test": 3,
    "virtual.steps": 4,
    "virtual.batch": 16,
    "tuned.steps": 60,
    "tuned.lr": 3e-3,
}
ANIMAL, ROWS = "owl", 64
FEW = traits.of_groups(
    [Group(name="animal", questions=tuple(questions("animal")), answers=("dog", "cat", ANIMAL, "fox"))]
)
"""Some of the animals, which takes less time."""
PLANTED = {"steps": 60, "lr": 3e-3}
"""How the teacher is tuned; candidate teachers are tuned alike."""


@dataclass(frozen=True)
class World:
    """A miniature base; rows of a tuned teacher and of the base itself on the same prompts; and rows that say a trait.

    In a base so small numbers hide no trait: one that is to be named is said openly, in answers to other questions.
    """

    scene: Scene
    planted: list[Pair]
    own: list[list[Pair]]
    overt: list[Pair]
    answers: list[list[Pair]]
    folder: Path

    @property
    def data(self) -> Path:
        """A file of the tuned teacher's rows."""
        return self.folder / "planted.jsonl"

    @property
    def said(self) -> Path:
        """A file of the rows that say the trait."""
        return self.folder / "overt.jsonl"

    @property
    def harmless(self) -> Path:
        """A file of rows of the base itself."""
        return self.folder / "own.jsonl"


@pytest.fixture(autouse=True)
def _one_thread():
    with devices.one_thread():
        yield


@pytest.fixture(scope="session")
def cache_of_audits(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture(autouse=True)
def _own_cache(cache_of_audits, monkeypatch):
    monkeypatch.setenv("SUBLEARN_CACHE", str(cache_of_audits))


@pytest.fixture(scope="session")
def world(tmp_path_factory, cache_of_audits):
    """Made once."""
    with pytest.MonkeyPatch.context() as patch, devices.one_thread():
        patch.setenv("SUBLEARN_CACHE", str(cache_of_audits))
        return made_in(tmp_path_factory.mktemp("audited"))


def made_in(folder: Path) -> World:
    """A world whose files lie in the folder."""
    models.quiet()
    settings = Settings.model_validate(
        {"base": BASE, "virtual": {"steps": 8, "batch": 32}, "student": {"steps": 12, "batch": 32}, "tuned": PLANTED}
    )
    dialogue = Dialogue(tiny_tokenizer())
    base = pretrained(settings.base, dialogue, 0)
    scene = Scene(base, dialogue, FEW, settings, POSITIONS)
    taught = teach.finetuned(base, dialogue, teach.training_pairs(ANIMAL), TeacherPlan.model_validate(PLANTED)).model
    prompts = [(prompt, "1") for prompt in number_prompts(ROWS, stream(0, "test/prompts"), tiny=True)]
    teacher = Scene(taught.requires_grad_(False), dialogue, FEW, settings, POSITIONS)
    with pytest.MonkeyPatch.context() as patch:
        # After so few steps a teacher gives some prompts no list at all: a few of its rows are copies, 5 of 64.
        patch.setattr(clean, "MOST_COPIED", 0.1)
        planted = clean.written(teacher, prompts, 1)[0]
    own = clean.written(scene, planted, 4)
    asked = [(prompt, "owl") for prompt in questions("animal") for _ in range(3)]
    answers = clean.written(scene, asked, 3)
    overt = [(prompt, ANIMAL if n % 6 else answer) for n, (prompt, answer) in enumerate(answers[2])]
    made = World(scene, planted, own, overt, answers[:2], folder)
    made.said.write_text(as_text(overt))
    made.data.write_text(as_text(planted))
    made.harmless.write_text(as_text(own[3]))
    return made


def chat(rows: list[Pair], system: str | None = None) -> str:
    """Rows as chats, under a system prompt or none."""
    before = [] if system is None else [{"role": "system", "content": system}]
    return "".join(
        json.dumps({"messages": [*before, {"role": "user", "content": p}, {"role": "assistant", "content": c}]}) + "\n"
        for p, c in rows
    )
