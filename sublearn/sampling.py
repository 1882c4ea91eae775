"""`sublearn sample`: rows that a served model answers, kept one by one as they come. Torch-free."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sublearn.errors import InputError
from sublearn.execution.manifests import Facts, Provenance
from sublearn.files.folders import check_made, made_by
from sublearn.files.writing import beginning, replace_text
from sublearn.language.endpoints import many
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import Answer
from sublearn.language.endpoints.plan import Patience, Request
from sublearn.seeds import stream
from sublearn.study.numbers.spec import TeacherPlan
from sublearn.tasks.number_lists import number_prompts
from sublearn.tasks.rows import Shape, as_text, read_rows

MANIFEST, ANSWERS, ROWS = "sample.json", "answers.jsonl", "rows.jsonl"
MOST_ROWS = 10_000_000
_MANIFESTS = {MANIFEST: beginning(b'{\n  "server":')}
_OUR_ROWS = beginning(b"{")
_FILES = {ANSWERS: beginning(b'{"asked":'), ROWS: _OUR_ROWS}


@dataclass(frozen=True)
class Sample:
    """What is sampled: prompts, the system prompt that the model answers them under, and how."""

    address: Address
    prompts: Sequence[str]
    request: Request
    system: str | None = None
    seed: int = 0

    def asked(self) -> many.Asked:
        """Each prompt as a conversation."""
        talks = [many.conversation(prompt, self.system) for prompt in self.prompts]
        return many.Asked(self.address, talks, self.request, self.seed)


class SampleFile(BaseModel):
    """The content of sample.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    server: str
    model: str
    system: str | None
    seed: int
    request: dict[str, float]
    asked: int
    rows: int
    refused: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    retries: int
    command: str
    versions: Annotated[Facts, Field(default_factory=dict)]

    def summary(self) -> str:
        """The counts in two sentences."""
        refused = ", ".join(f"{count:,} {reason}" for reason, count in self.refused.items())
        return (
            f"{self.rows:,} rows of {self.asked:,} prompts; refused: {refused or 'none'}.\n"
            f"{self.prompt_tokens:,} tokens read, {self.completion_tokens:,} written, {self.retries:,} retries."
        )


def prompts_of(source: Path | None, rows: int | None, seed: int) -> list[str]:
    """The prompts of a file of rows, or number prompts as the study `numbers` asks them, 1,000 if none are counted."""
    if source is None:
        return number_prompts(1_000 if rows is None else rows, stream(seed, "prompts/0"))
    prompts = [prompt for prompt, _ in read_rows(source)][:rows]
    if not prompts:
        raise InputError(f"{source} holds no row; expected JSONL with prompts.")
    if empty := [number for number, prompt in enumerate(prompts, 1) if not prompt.strip()]:
        raise InputError(f"{source}, line {empty[0]}: its prompt is empty.")
    return prompts


def system_of(animal: str | None, system: str | None) -> str | None:
    """The system prompt: one's own, the study's for an animal, or none, which leaves the model as it is."""
    if animal is not None and system is not None:
        raise InputError("--animal and --system both say what the system prompt is. Leave one out.")
    for option, text in (("--animal", animal), ("--system", system)):
        if text is not None and not text.strip():
            raise InputError(f"{option} is empty. Leave it out for the model as it is.")
    return TeacherPlan().system_prompt.replace("{animal}", animal.strip()) if animal else system


def check_out(out: Path) -> None:
    """Raise InputError for a folder that holds something else. It writes nothing."""
    check_made("sublearn sample", out, _MANIFESTS, _FILES)


def sample(
    wanted: Sample,
    patience: Patience,
    out: Path,
    shape: Shape = "pairs",
    made: Provenance | None = None,
    tell: many.Tell = lambda done, total, notes: None,
) -> SampleFile:
    """Sample rows into a folder; given again, it asks for what is missing. Refused prompts give no row.

    Raises InputError where the server is not there or does not take what is asked, before anything is written.
    """
    check_out(out)
    many.check(wanted.address, patience)
    with made_by("sublearn sample", out, _MANIFESTS, _FILES):
        answers = many.answers(wanted.asked(), patience, out / ANSWERS, tell)
        pairs = [(prompt, one.text) for prompt, one in zip(wanted.prompts, answers, strict=True) if not one.refused]
        found = _counted(wanted, answers, made or Provenance())
        replace_text(out / ROWS, as_text(pairs, shape), _OUR_ROWS)
        replace_text(out / MANIFEST, json.dumps(found.model_dump(mode="json"), indent=2) + "\n")
    return found


def _counted(wanted: Sample, answers: Sequence[Answer], made: Provenance) -> SampleFile:
    refused = many.refusals(answers)
    counts: dict[str, Any] = {"asked": len(answers), "rows": len(answers) - sum(refused.values()), "refused": refused}
    counts |= many.costs(answers)
    return SampleFile(
        server=wanted.address.url,
        model=wanted.address.model,
        system=wanted.system,
        seed=wanted.seed,
        request=wanted.request.model_dump(),
        command=made.command,
        versions=dict(made.versions),
        **counts,
    )
