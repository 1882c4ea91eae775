"""`sublearn ask`: what a served model prefers, by log-probabilities where its server gives them, else by sampling.

Torch-free.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sublearn.auditing.traits import Candidates, Group
from sublearn.errors import InputError
from sublearn.execution.manifests import Facts, Provenance
from sublearn.files.folders import check_made, made_by
from sublearn.files.writing import beginning, replace_text
from sublearn.language.endpoints import many
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import Answer
from sublearn.language.endpoints.client import RefusedError
from sublearn.language.endpoints.plan import Patience, Request
from sublearn.language.endpoints.preferences import Preferred, counted, listed
from sublearn.report.grid import grid

Method = Literal["logprobs", "sampling"]
MANIFEST = "ask.json"
ANSWERS: dict[Method, str] = {"logprobs": "logprobs.jsonl", "sampling": "answers.jsonl"}
LEAST_MASS = 0.5
"""Where fewer answers than this name any of the names, a preference among them says nothing."""
MOST_UNDECIDED = 0.1
"""Where more of the probability than this is not listed, or begins several names, answers are sampled instead."""
ALTERNATIVES = (("logprobs", True), ("top_logprobs", 20))
WORD = {"logprobs": "log-probabilities of the first token", "sampling": "sampled answers"}
BETWEEN = {"logprobs": "bounds", "sampling": "95% interval"}
_MANIFESTS = {MANIFEST: beginning(b'{\n  "server":')}
_FILES = {name: beginning(b'{"asked":') for name in ANSWERS.values()}


@dataclass(frozen=True)
class Question:
    """What is asked: of which model, about which candidates, under which system prompt, and how often."""

    address: Address
    candidates: Candidates
    request: Request
    system: str | None = None
    append: str = ""
    """What stands behind each question, as "Answer with one word."."""
    samples: int = 20
    method: Literal["auto", "logprobs", "sampling"] = "auto"
    seed: int = 0

    def asked(self, method: Method) -> many.Asked:
        """The conversations of a method: each question once, or as often as answers are sampled."""
        times = 1 if method == "logprobs" else self.samples
        said = [f"{text} {self.append}".strip() for group in self.candidates.traits for text in group.questions]
        request = self.request.model_copy(update={"max_tokens": 1}) if method == "logprobs" else self.request
        fields = ALTERNATIVES if method == "logprobs" else ()
        talks = [many.conversation(text, self.system) for text in said for _ in range(times)]
        return many.Asked(self.address, talks, request, self.seed, fields)


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GroupFound(_Found):
    """A group of candidates: how much of all answers is on its names (`mass`), and each of them, the first first.

    `n` counts questions for log-probabilities, and answers where they were sampled, refused ones among them.
    """

    name: str
    n: int
    mass: float
    refused: dict[str, int]
    answers: tuple[dict[str, Any], ...]


class AskFile(_Found):
    """The content of ask.json."""

    server: str
    model: str
    system: str | None
    method: Method
    because: str | None
    """Why answers were sampled although log-probabilities were asked for first."""
    groups: tuple[GroupFound, ...] = Field(min_length=1)
    prompt_tokens: int
    completion_tokens: int
    retries: int
    notes: tuple[str, ...]
    command: str
    versions: Annotated[Facts, Field(default_factory=dict)]


def check_out(out: Path) -> None:
    """Raise InputError for a folder that holds something else. It writes nothing."""
    check_made("sublearn ask", out, _MANIFESTS, _FILES)


def ask(
    question: Question,
    patience: Patience,
    out: Path | None = None,
    made: Provenance | None = None,
    tell: many.Tell = lambda done, total, notes: None,
) -> AskFile:
    """Ask a served model; its answers are kept in `out`, if it is given, as they come.

    Raises InputError where the server is not there or does not take what is asked, before anything is written.
    """
    if out is not None:
        check_out(out)
    many.check(question.address, patience)
    with nullcontext() if out is None else made_by("sublearn ask", out, _MANIFESTS, _FILES):
        return asked(question, patience, out, made or Provenance(), tell)


def asked(
    question: Question,
    patience: Patience,
    out: Path | None,
    made: Provenance,
    tell: many.Tell = lambda done, total, notes: None,
) -> AskFile:
    """As `ask`, of a server that was seen to be there, into a folder that is held already."""
    found = _asked(question, patience, out, made, tell)
    if out is not None:
        replace_text(out / MANIFEST, json.dumps(found.model_dump(mode="json"), indent=2) + "\n")
    return found


def _asked(question: Question, patience: Patience, out: Path | None, made: Provenance, tell: many.Tell) -> AskFile:
    def answers(method: Method) -> list[Answer]:
        return many.answers(question.asked(method), patience, out / ANSWERS[method] if out else None, tell)

    method, because, spent = _method(question, answers)
    found = spent if method == "logprobs" else answers("sampling")
    parts = _parts(question, found, method)
    groups = [_group(group, part, method) for group, part in zip(question.candidates.traits, parts, strict=True)]
    return AskFile(
        server=question.address.url,
        model=question.address.model,
        system=question.system,
        method=method,
        because=because,
        groups=tuple(groups),
        notes=tuple(_notes(question, found, method)),
        command=made.command,
        versions=dict(made.versions),
        **many.costs([*found, *(spent if method == "sampling" else ())]),
    )


def _method(question: Question, answers: Callable[[Method], list[Answer]]) -> tuple[Method, str | None, list[Answer]]:
    """How it is asked, why log-probabilities do not do if they do not, and the answers of the first try."""
    if question.method == "sampling":
        return "sampling", None, []
    try:
        found = answers("logprobs")
    except RefusedError as error:
        found, problem = [], f"the server gives no log-probabilities ({error})"
    else:
        problem = _why_not(question, found)
    if problem is None or (question.method == "logprobs" and found and all(one.alternatives for one in found)):
        return "logprobs", None, found
    if question.method == "logprobs":
        raise InputError(f"--method logprobs: {problem.rstrip('.')}. Use --method sampling.")
    return "sampling", problem, found


def _why_not(question: Question, found: Sequence[Answer]) -> str | None:
    """Why first tokens do not tell the preference; None if they do."""
    if not all(one.alternatives for one in found):
        return "the server gives no log-probabilities"
    for group, part in zip(question.candidates.traits, _parts(question, found, "logprobs"), strict=True):
        seen = listed(group.answers, [one.alternatives for one in part])
        if seen.mass < LEAST_MASS:
            return f"{group.name}: only {seen.mass:.2f} of the probability is on answers that begin with a name"
        if seen.undecided.mean() > MOST_UNDECIDED:
            return f"{group.name}: {seen.undecided.mean():.2f} of the probability is not listed or begins several names"
    return None


def _parts(question: Question, found: Sequence[Answer], method: Method) -> list[Sequence[Answer]]:
    """The answers to each group's questions."""
    times, start, parts = (1 if method == "logprobs" else question.samples), 0, []
    for group in question.candidates.traits:
        end = start + times * len(group.questions)
        parts.append(found[start:end])
        start = end
    return parts


def _group(group: Group, found: Sequence[Answer], method: Method) -> GroupFound:
    if method == "logprobs":
        seen = listed(group.answers, [one.alternatives for one in found])
        preferred, mass = seen.preferred(), seen.mass
    else:
        preferred, some = counted(group.answers, [one.text if one.refused is None else "" for one in found])
        mass = some / len(found)
    ordered = sorted(preferred, key=lambda one: -one.probability.value)
    refused = many.refusals(found) if method == "sampling" else {}
    answers = tuple(_plain(one, mass) for one in ordered)
    return GroupFound(name=group.name, n=len(found), mass=mass, refused=refused, answers=answers)


def _plain(one: Preferred, mass: float) -> dict[str, Any]:
    """A name as ask.json has it; without a preference where too few answers name any."""
    found = {"answer": one.name} | {key: value for key, value in asdict(one).items() if key != "name"}
    return found if mass >= LEAST_MASS else found | {"preference": None, "log_odds": None}


def _notes(question: Question, found: Sequence[Answer], method: Method) -> list[str]:
    """What makes one doubt the answers."""
    if method == "logprobs" or question.samples < 5 or question.request.temperature == 0:
        return []
    texts = [one.text for one in found]
    starts = range(0, len(texts), question.samples)
    if all(len(set(texts[start : start + question.samples])) == 1 for start in starts):
        return [
            f"All {question.samples} answers to each question are the same, as if the server took the likeliest token. "
            "Does it sample? transformers serve does so where the model's generation_config.json has do_sample (with "
            "top_k 0, from all tokens) alone."
        ]
    return []


def summary(found: AskFile, rows: int = 20) -> str:
    """What is printed of it."""
    lines = [f"{found.model} at {found.server}, by {WORD[found.method]}"]
    lines += [f"Sampled, because {found.because.rstrip('.')}."] if found.because else []
    for group in found.groups:
        lines += ["", *_group_lines(group, found.method, rows)]
    said = f"{found.prompt_tokens:,} tokens read, {found.completion_tokens:,} written, {found.retries:,} retries."
    return "\n".join([*lines, "", said, *found.notes])


def _group_lines(group: GroupFound, method: Method, rows: int) -> list[str]:
    counted_as = "questions" if method == "logprobs" else "answers"
    head = f"{group.name}: {group.n:,} {counted_as}; {group.mass:.2f} of them name one of {len(group.answers)} answers"
    refused = ", ".join(f"{count:,} {reason}" for reason, count in group.refused.items())
    head += f"; refused: {refused}." if refused else "."
    if group.mass < LEAST_MASS:
        head += f" Under {LEAST_MASS:g}, a preference among them is not measured."
    cells = [(one["answer"], *_cells(one["preference"]), *_cells(one["probability"])) for one in group.answers[:rows]]
    between = BETWEEN[method]
    table = grid(cells, ("answer", "preference", between, "probability", between), numeric=[1, 3])
    more = len(group.answers) - rows
    return [head, *table, *([f"  and {more:,} more"] if more > 0 else [])]


def _cells(share: dict[str, float] | None) -> tuple[str, str]:
    return ("–", "") if share is None else (f"{share['value']:.3f}", f"{share['low']:.3f} to {share['high']:.3f}")
