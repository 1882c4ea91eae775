"""Every reader meets random bytes, random JSON and changed copies of its own files: it reads them, or refuses them.

The one error that may come out is InputError, of one bounded line. A new reader is one row here.
"""

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sublearn import filtering
from sublearn.auditing import traits
from sublearn.auditing.benchmark import found as benchmarks
from sublearn.auditing.found import read_flagged
from sublearn.config import assignments
from sublearn.errors import InputError
from sublearn.execution import failures, live, store, sweep, tracing
from sublearn.execution.options import Shard
from sublearn.files import checkpoints, digests
from sublearn.files.reading import json_value, yaml_value
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import FlawError, complaint, read_answer
from sublearn.language.endpoints.journal import Journal
from sublearn.report.charts.trace import PANELS
from sublearn.results.load import load
from sublearn.seeds import parse_seeds
from sublearn.study.base import Study
from sublearn.study.identity import first_id_of
from sublearn.study.numbers.metrics import read_metrics
from sublearn.study.table import build, read_file
from sublearn.tasks.idx import read_images, read_labels
from sublearn.tasks.number_lists import Rule
from sublearn.tasks.rows import filtered, read_rows
from tests.cli.test_terminal import hostile
from tests.language.endpoints import loopback
from tests.report import samples
from tests.tasks.tiny_mnist import PACKED, RAW

OLD = Path(__file__).parent / "data" / "v0.1.0"
RUN, NUMBERS, SWEEP = OLD / "run", OLD / "numbers", OLD / "sweep"
QUICK, THOROUGH = 100, 2_000


@dataclass(frozen=True)
class Reader:
    """What is read from a file in a folder, which begins as a copy of `folder`."""

    read: Callable[[Path], object]
    file: str
    valid: bytes
    folder: Path | None = None
    share: float = 1.0
    """Of the examples, for those that take long."""


def _writing(folder: Path) -> None:
    """Open a run directory as a run that goes on does."""
    study = build("tutorial", {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4})
    with store.writing(folder, study, {"precision": "highest"}, "c"):
        pass


def _filtered(file: Path) -> None:
    with file.open("rb") as lines:
        filtered(lines, BytesIO(), Rule(0, 999, 10, frozenset()), "rows")


def _answered(folder: Path) -> None:
    """A body that a server sends: an answer, or a flaw in a few words."""
    try:
        read_answer((folder / "body").read_bytes())
        complaint((folder / "body").read_bytes())
    except FlawError as flaw:
        raise InputError(str(flaw)) from None


def _file(path: Path) -> bytes:
    return path.read_bytes()


FAILED = json.dumps({"reason": "KeyError: 'x'", "seeds": [0, 1], "traceback": ""}).encode()
CONFIG = json.dumps({"model_type": "gpt2", "n_layer": 1, "n_embd": 16, "architectures": ["GPT2LMHeadModel"]}).encode()
PARTS = json.dumps({"metadata": {}, "weight_map": {"wte.weight": "model-1.safetensors"}}).encode()
HEAD_OF_ANSWERS = json.dumps({"asked": {"model": "m"}}, sort_keys=True).encode() + b"\n"
ANSWER = {"place": 0, "text": "7", "refused": None, "prompt_tokens": 1, "completion_tokens": 1, "alternatives": []}
ANSWERS = HEAD_OF_ANSWERS + json.dumps(ANSWER | {"tries": 1}).encode() + b"\n"
COMPLETION = loopback.first_token(owl=0.5, cat=0.25)[2]
SEAL = json.dumps({"files": {"a.txt": "0" * 64}}).encode()
YAML = b"study: tutorial\nseeds: [0, 11, 23]\nsettings:\n  student: {lr: 1e-3}\ngrid:\n  hidden: [4, 8]\n"
ROWS = _file(NUMBERS / "made/seed-0/numbers/teacher.jsonl")[:600]

ESTIMATE = {"mean": 0.5, "se": 0.1, "low": 0.25, "high": 0.75, "n": 4, "method": "95% t-interval"}
HEAD = {"study": "prompts-0123456789ab", "command": "sublearn trace prompts", "versions": {"sublearn": "0.1.0"}}
STEPS = [(arm, quantity, step) for arm in ("same_init", "cross_init") for quantity in PANELS for step in (0, 10, 100)]
WAY = [{"arm": a, "quantity": q, "layer": "", "step": step, "estimate": ESTIMATE} for a, q, step in STEPS]
TRACE = json.dumps(HEAD | {"rows": WAY}).encode()
SCALES = [{"perturb": scale, "initial_cosine": ESTIMATE, "transfer": ESTIMATE} for scale in (0.0, 0.2, 0.4)]
ALIGNMENT = json.dumps(HEAD | {"rows": SCALES, "spearman": ESTIMATE, "runs": 4}).encode()
MADE = {"command": "sublearn replicate", "precision": "highest", "versions": {"sublearn": "0.1.0"}, "quick": None}
MADE |= {"rule": 2, "runtime": {"precision": "highest"}}
FIGURE = dict.fromkeys(("name", "what", "source", "theirs", "ours", "because", "command"), "x") | {"verdict": "agrees"}
FIGURE |= {
    "published": {"label": "", "mean": 0.5, "low": 0.4, "high": None},
    "measured": [{"label": "a", "mean": 0.5, "low": 0.4, "high": 0.6}],
    "unstated": ["init"],
    "otherwise": ["noise"],
    "readings": [{"label": "a", "ours": "0.5", "verdict": "differs", "because": "x", "late": True}],
}
REPLICATION = json.dumps({"made": MADE, "figures": [FIGURE] * 3}).encode()
CURVE = {"model": "teacher", "runs": 8, "every": 2, "losses": [0.7, None, 0.1]}
NOW = {"stage": "teacher", "done": 1.5, "total": 24, "left_s": 12.5, "curves": [CURVE]}
TRAINING = json.dumps({"curves": [CURVE, CURVE | {"runs": 2}], "now": NOW}).encode()
LOOKS = json.dumps({"looks": [{"runs": 2, "units": 2, "seeds": "0123456789abcdef", "time": "2026"}] * 2}).encode()
DEMO = json.dumps(
    {"demo": ["tutorial"], "command": "sublearn demo", "versions": {"sublearn": "0.1.0"}, "runtime": {"device": "cpu"}}
).encode()

AUDIT = samples.audit().found.model_dump_json(indent=2).encode()
BENCHMARK = samples.benchmark().model_dump_json(indent=2).encode()
OF_A_BASE = "".join(samples.of_a_set(name).model_dump_json() + "\n" for name in ("clean", "placebo")).encode()
FLAGGED = "".join(one.model_dump_json() + "\n" for one in samples.audit().flagged[:5]).encode()
TRAITS = b"traits:\n  - name: drink\n    questions: ['Tea or coffee?']\n    answers: [tea, coffee]\n"


def _reported(folder: Path) -> None:
    load(folder).write()


def _true_to_its_id(folder: Path) -> None:
    """A report of a foreign study whose id is true, and of its records, as one who means harm would leave them."""
    file = folder / "study.json"
    manifest = json_value(file.read_bytes(), "study.json")
    try:
        Study.model_validate(manifest["study"])
        own = first_id_of(manifest["study"])
    except (ValueError, TypeError, KeyError):
        own = "x"
    if isinstance(manifest, dict):
        file.write_text(json.dumps(manifest | {"id": own}))
        lines = _file(RUN / "records.jsonl").replace(b"tutorial-2c61be179036", own.encode("utf-8", "replace"))
        (folder / "records.jsonl").write_bytes(lines)
    _reported(folder)


READERS = {
    "study.json": Reader(store.load, "study.json", _file(RUN / "study.json"), RUN),
    "study.json, to go on": Reader(_writing, "study.json", _file(RUN / "study.json"), RUN),
    "records.jsonl": Reader(store.load, "records.jsonl", _file(RUN / "records.jsonl"), RUN),
    "records.jsonl, to go on": Reader(_writing, "records.jsonl", _file(RUN / "records.jsonl")[:700], RUN),
    "a shard's records": Reader(store.load, "records-1of2.jsonl", _file(RUN / "records.jsonl")[:300], RUN),
    "study.json of a report": Reader(_reported, "study.json", _file(RUN / "study.json"), RUN, 0.1),
    "records of a report": Reader(_reported, "records.jsonl", _file(RUN / "records.jsonl"), RUN, 0.1),
    "sweep.json": Reader(load, "sweep.json", _file(SWEEP / "sweep.json"), SWEEP, 0.5),
    "sweep.json of a report": Reader(_reported, "sweep.json", _file(SWEEP / "sweep.json"), SWEEP, 0.1),
    "looks.json": Reader(load, "looks.json", LOOKS, RUN, 0.5),
    "estimates.json of version 0.1": Reader(load, "estimates.json", _file(RUN / "estimates.json"), RUN, 0.2),
    "training.json": Reader(live.read, "training.json", TRAINING),
    "failure.json": Reader(failures.found, "failure.json", FAILED),
    "metrics.json": Reader(
        lambda folder: read_metrics(folder / "metrics.json"),
        "metrics.json",
        _file(NUMBERS / "made/seed-0/metrics.json"),
    ),
    "metrics.json of a report": Reader(
        _reported, "made/seed-0/metrics.json", _file(NUMBERS / "made/seed-0/metrics.json"), NUMBERS, 0.1
    ),
    "rows": Reader(lambda folder: read_rows(folder / "rows.jsonl"), "rows.jsonl", ROWS),
    "rows to filter": Reader(lambda folder: _filtered(folder / "rows.jsonl"), "rows.jsonl", ROWS),
    "study file": Reader(lambda folder: read_file(folder / "s.yaml", True), "s.yaml", YAML),
    "sweep file": Reader(lambda folder: sweep.read_grid(folder / "s.yaml"), "s.yaml", YAML),
    "images": Reader(lambda folder: read_images(folder / "images"), "images", RAW[2][:900]),
    "packed images": Reader(lambda folder: read_images(folder / "images.gz"), "images.gz", PACKED[2]),
    "labels": Reader(lambda folder: read_labels(folder / "labels"), "labels", RAW[3]),
    "packed labels": Reader(lambda folder: read_labels(folder / "labels.gz"), "labels.gz", PACKED[3]),
    "config.json": Reader(checkpoints.configuration, "config.json", CONFIG),
    "index of weights": Reader(checkpoints.weights, "model.safetensors.index.json", PARTS),
    "a foreign study": Reader(_true_to_its_id, "study.json", _file(RUN / "study.json"), RUN, 0.2),
    "trace.json": Reader(_reported, "trace.json", TRACE, None, 0.2),
    "alignment.json": Reader(_reported, "alignment.json", ALIGNMENT),
    "replication.json": Reader(_reported, "replication.json", REPLICATION),
    "demo.json": Reader(_reported, "demo.json", DEMO),
    "audit.json": Reader(_reported, "audit.json", AUDIT, None, 0.3),
    "flagged rows": Reader(read_flagged, "flagged.jsonl", FLAGGED),
    "benchmark.json": Reader(benchmarks.read, "benchmark.json", BENCHMARK),
    "sets of a base": Reader(lambda folder: benchmarks.measured(folder, 7), "bases/seed-7.jsonl", OF_A_BASE),
    "traits of an audit": Reader(lambda folder: traits.read(folder / "t.yaml"), "t.yaml", TRAITS),
    "answers of a server": Reader(lambda f: Journal(f / "a.jsonl", {"model": "m"}, 3), "a.jsonl", ANSWERS),
    "a server's body": Reader(_answered, "body", COMPLETION),
    "digests.json": Reader(digests.unsound, "digests.json", SEAL),
}

TEXTS: dict[str, tuple[Callable[[str], object], list[str]]] = {
    "--set": (lambda text: build("prompts", assignments((text,))), ["student.lr=1e-3", "arms=[same_init]", "loss=mse"]),
    "--grid": (
        lambda text: sweep.checked(sweep.Grid("digits", {}, sweep.parse_grid([text]))),
        ["student.lr=1e-4,1e-3", "aux_logits=4,16,64"],
    ),
    "--seeds": (parse_seeds, ["0:24", "0,11,23", "7", "0:3,9:12"]),
    "--shard": (Shard.parse, ["3/8", "1/1"]),
    "--steps": (tracing.steps_in, ["0,1,3,10", "0"]),
    "--perturb": (tracing.scales_in, ["0,0.2,0.4", "1e-3"]),
    "--teacher": (Address.parse, ["http://127.0.0.1:8000/v1#m", "https://h/v1#a/b"]),
    "--banned": (lambda text: filtering.rule(10, 0, 999, text), ["666,911", ""]),
    "YAML": (lambda text: yaml_value(text, "here"), ["{a: [1, 2.5, null, true]}", "24:48", "'x'", "- a\n- b\n"]),
    "JSON": (lambda text: json_value(text, "here"), ['{"a": [1, 2.5, null, true]}', '"x"']),
    "a study's name": (build, ["prompts"]),
}

SCALARS = (
    st.integers(-(10**20), 10**20) | st.floats() | st.sampled_from([1e308, -1e308, 1e999, 7.0, -1, 2**64, 10**400])
)
WORDS = st.text(max_size=12) | st.sampled_from(["", "\x1b[31m", hostile("x"), "x" * 300, "same_init", "cpu", "\ud800"])
LEAVES = st.none() | st.booleans() | SCALARS | WORDS
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)
PIECES = [
    b"",
    b"\0",
    b"\n",
    b"{",
    b"}",
    b"[]",
    b'"',
    b",",
    b"null",
    b"NaN",
    b"1e999",
    b"-",
    b"\xff",
    b"\xe2\x80\xae",
    b":",
]
PIECES += [
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"\\ud800",
    b"\x1b[31m",
    b"7.0",
    b"1e308",
    b"&a",
    b"*a",
    b"!!int ",
]


@st.composite
def garbled(draw: st.DrawFn, valid: bytes) -> bytes:
    """The content of a file with a few of its bytes cut out, doubled or replaced."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 8, 60, len(content)])))
        own = [bytes(content[start:end]) * 2] if content else []
        content[start:end] = draw(st.sampled_from([*PIECES, *own]) | st.binary(max_size=8))
    return bytes(content)


@st.composite
def edited(draw: st.DrawFn, valid: bytes) -> bytes:
    """The content of a JSON or JSONL file with one value replaced, taken out or put in."""
    lines = valid.splitlines() if b"}\n{" in valid else [valid]
    number = draw(st.integers(0, len(lines) - 1))
    try:
        value = json.loads(lines[number])
    except ValueError:  # its last line was cut
        return valid
    places = list(_places(value))
    if not places:
        return json.dumps(draw(JSON)).encode()
    holder, key = draw(st.sampled_from(places))
    if isinstance(holder, dict) and draw(st.integers(0, 5)) == 0:
        del holder[key]
    elif isinstance(holder, dict) and draw(st.integers(0, 5)) == 0:
        holder[draw(WORDS)] = draw(JSON)
    else:
        holder[key] = draw(JSON)
    lines[number] = json.dumps(value).encode()
    return b"\n".join(lines) + b"\n"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def contents(reader: Reader) -> st.SearchStrategy[bytes]:
    kinds = [st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode()), garbled(reader.valid)]
    if reader.valid.startswith(b"{"):
        kinds += [edited(reader.valid)] * 2
    return st.one_of(kinds)


@contextmanager
def refusing() -> Iterator[None]:
    """Whatever comes out must be nothing, or one InputError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=UserWarning)  # what a reader has to tell, as of a torn record
        try:
            yield
        except InputError as error:
            said = str(error)
            assert said and len(said) <= 2_000 and said.isprintable()


@contextmanager
def copied(reader: Reader) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "folder"
        if reader.folder:
            shutil.copytree(reader.folder, folder)
        (folder / reader.file).parent.mkdir(parents=True, exist_ok=True)
        yield folder


@pytest.mark.parametrize("name", READERS)
def test_what_is_valid_is_read(name):
    reader = READERS[name]
    with copied(reader) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (folder / reader.file).write_bytes(reader.valid)
        try:
            reader.read(folder)
        except InputError as error:
            # Files that are cut short here, or stand alone, are refused for that and for nothing else.
            assert name in ("rows", "rows to filter", "images", "index of weights", "demo.json"), error


def check_reader(name: str, examples: int, fixed: bool) -> None:
    reader = READERS[name]
    phases = [phase for phase in Phase if phase is not Phase.explain]

    @settings(
        max_examples=max(4, round(examples * reader.share)),
        deadline=None,
        derandomize=fixed,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(contents(reader))
    def check(content: bytes) -> None:
        (folder / reader.file).write_bytes(content)
        with refusing():
            reader.read(folder)

    with copied(reader) as folder:
        check()


def check_text(name: str, examples: int, fixed: bool) -> None:
    read, valid = TEXTS[name]
    garbled_text = st.sampled_from(valid).flatmap(lambda text: garbled(text.encode()))
    text = st.text(max_size=60) | garbled_text.map(lambda some: some.decode("utf-8", "surrogateescape"))

    @settings(max_examples=examples, deadline=None, derandomize=fixed, database=None)
    @given(text)
    def check(content: str) -> None:
        with refusing():
            read(content)

    check()


@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_refuses(name):
    check_reader(name, QUICK, fixed=True)


@pytest.mark.parametrize("name", TEXTS)
def test_a_reader_of_text_reads_or_refuses(name):
    check_text(name, QUICK, fixed=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_refuses_whatever_comes(name):
    check_reader(name, THOROUGH, fixed=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_a_reader_of_text_reads_or_refuses_whatever_comes(name):
    check_text(name, THOROUGH, fixed=False)
