"""Language models, their rows and what is kept of them: damaged, changed, hostile, or too large."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.table import Row
from tests.pipes import pipe

Spoil = Callable[[Path], object]
RUN = ("run", "numbers", "--seeds", "0", "--jobs", "1", "--out", "r")
CACHE = {"SUBLEARN_CACHE": "cache"}
SMALL = {
    "base.width": 16, "base.heads": 2, "base.inner": 32, "base.steps": 1, "base.batch": 2, "rows": 8, "sampled": 0,
    "student.steps": 1, "student.batch": 2, "teacher.steps": 1, "arms": "[reference]",
}  # fmt: skip
SET = tuple(word for key, value in SMALL.items() for word in ("--set", f"{key}={value}"))
USER = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


def _chat() -> Any:
    from tests.language import chat  # late: it imports torch

    return chat


def _model(name: str, kind: str, spoil: Spoil, says: str, *more: str) -> Row:
    """A model folder `m` that was sound before."""

    def before(folder: Path) -> None:
        spoil(_chat().put(folder))

    return Row(f"model: {name}", kind, (*RUN, "--model", "m", *more), says, before=before)


def _config(name: str, says: str, **changes: Any) -> Row:
    return _model(f"config.json with {name}", "commands", lambda model: _chat().config(**changes)(model), says)


def _text(name: str, file: str, content: str | bytes, says: str, kind: str = "commands") -> Row:
    return _model(name, kind, lambda model: _chat().text(file, content)(model), says)


def _weights(name: str, change: Callable[[bytes], bytes], says: str) -> Row:
    def spoil(model: Path) -> None:
        file = model / "model.safetensors"
        file.write_bytes(change(file.read_bytes()))

    return _model(f"weights {name}", "weights", spoil, says)


def _tensors(name: str, change: Callable[[dict[str, Any]], object], says: str) -> Row:
    return _model(f"weights {name}", "weights", lambda model: _chat().weights(change)(model), says)


def _head(name: str, change: Callable[[dict[str, Any]], object]) -> Row:
    says = "holds no sound weights"
    return _model(f"weights whose head has {name}", "weights", lambda model: _chat().head(change)(model), says)


def _template(name: str, source: str, says: str) -> Row:
    return _model(f"a chat template {name}", "commands", lambda model: _chat().template(source)(model), says)


def _pipe(file: str) -> Row:
    def spoil(model: Path) -> None:
        (model / file).unlink(missing_ok=True)
        pipe(model / file)

    return _model(f"a pipe for {file}", "commands", spoil, "no regular file")


def _index(name: str, content: str, says: str) -> Row:
    def spoil(model: Path) -> None:
        (model / "model.safetensors").unlink()
        (model / "model.safetensors.index.json").write_text(content)

    return _model(f"an index of weights {name}", "weights", spoil, says)


def _set(name: str, says: str, *changes: str, kind: str = "early") -> Row:
    words = tuple(word for change in changes for word in ("--set", change))
    return Row(f"numbers: {name}", kind, (*RUN, *words), says, environment=CACHE)


def _rows(name: str, content: str | bytes, says: str, *more: str, kind: str = "language disk") -> Row:
    args = (*RUN, "--set", "bring.numbers=rows.jsonl", *more)
    return Row(f"rows: {name}", kind, args, says, files={"rows.jsonl": content}, environment=CACHE)


def _row(prompt: str, completion: str) -> str:
    return json.dumps({"prompt": prompt, "completion": completion}) + "\n"


def _begun(folder: Path, settings: dict[str, Any]) -> None:
    """A run directory of a study, before any run of it ended."""
    from sublearn.execution import store
    from sublearn.study.table import build

    with store.writing(folder / "r", build("numbers", settings), {"precision": "highest"}, ""):
        pass


def _then(name: str, settings: dict[str, str], make: Spoil, change: Spoil) -> Row:
    """A study that was begun, and what it reads changed since then."""

    def before(folder: Path) -> None:
        make(folder)
        _begun(folder, settings)
        change(folder)

    words = tuple(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))
    return Row(f"changed since: {name}", "identity", (*RUN, *words), "holds another study", before=before)


def _zero(model: Path) -> None:
    _chat().weights(lambda tensors: next(iter(tensors.values())).fill_(0.5))(model)


def _base(name: str, damage: Spoil) -> Row:
    """A run with a cached base that is damaged: it is made again, and the run ends well."""

    def before(folder: Path) -> None:
        from sublearn.language.base import bases_folder, pretrained
        from sublearn.language.plans import BasePlan
        from sublearn.language.tokens import Dialogue, tiny_tokenizer

        pretrained(BasePlan(width=16, heads=2, inner=32, steps=1, batch=2), Dialogue(tiny_tokenizer()), 0)
        (base,) = bases_folder().iterdir()
        damage(base)

    return Row(
        f"a cached base {name}", "weights", (*RUN, *SET), "The model in cache.* is made again", 0, before=before,
        environment=CACHE, makes=("r", "r/**/*", "cache/bases/**/*"),
    )  # fmt: skip


LONG = ", ".join(["7"] * 40)
ROWS = [
    _text("config.json of 3", "config.json", "3", "is 3, expected a JSON object"),
    _text("config.json of null", "config.json", "null", "expected a JSON object"),
    _text("config.json of a list", "config.json", "[{}]", "expected a JSON object"),
    _text("config.json cut short", "config.json", '{"model_type": "lla', "it is no JSON"),
    _text("config.json of nothing", "config.json", "", "it is no JSON"),
    _text("config.json in another encoding", "config.json", b"\xff\xfe{\x00}\x00", "not UTF-8"),
    _text("config.json nested deeply", "config.json", "[" * 200_000, "it is no JSON"),
    _text("config.json without a family", "config.json", "{}", "model_type"),
    _config("-1 layers", "num_hidden_layers -1", num_hidden_layers=-1),
    _config("no layers", "num_hidden_layers 0", num_hidden_layers=0),
    _config("n_layer -1", "n_layer -1", n_layer=-1),
    _config("10**9 layers", "num_hidden_layers 1000000000", num_hidden_layers=10**9),
    _config("layers in words", "num_hidden_layers two", num_hidden_layers="two"),
    _config("an immense width", "do not fit its config.json", hidden_size=10**9),
    _config("no width", "do not fit its config.json|Cannot load", hidden_size=0),
    _config("no heads", "Cannot load the model", num_attention_heads=0),
    _config("heads that do not divide the width", "Cannot load the model", num_attention_heads=3),
    _config("too few words", "do not fit its config.json", vocab_size=10),
    _config("-1 words", "Cannot load the model", vocab_size=-1),
    _config("an immense number of words", "do not fit its config.json", vocab_size=10**12),
    _config("too few positions", "reads 10 tokens; a question and its answer need", max_position_embeddings=10),
    _config("-1 positions", "reads -1 tokens", max_position_embeddings=-1),
    _config("an unknown family", "Cannot load the model", model_type="nope"),
    _config("a family that is a number", "Cannot load the model", model_type=3),
    _config("another family", "lacks .* of the model's weights", model_type="bert"),
    _config("an unknown activation", "'nope' is unknown", hidden_act="nope"),
    _config("an unknown kind of positions", "Cannot load the model", rope_parameters={"rope_type": "evil"}),
    _config("an unknown kind of numbers", "Cannot load", dtype="pickle"),
    _config("code of its own", "run code of its own", auto_map={"AutoModelForCausalLM": "evil.Model"}),
    _config("weights elsewhere", "Cannot load the model", transformers_weights="../x.safetensors"),
    _config("a quantization of 3", "Cannot load the model", quantization_config=3),
    _config("an escape sequence", "Cannot load the model", model_type="\x1b[31mred"),
    _text("generation_config.json of 3", "generation_config.json", "3", "Cannot load the model"),
    _text("adapters", "adapter_config.json", "{}", "holds adapters"),
    _weights("of nothing", lambda raw: b"", "holds no sound weights"),
    _weights("of garbage", lambda raw: b"garbage " * 100, "holds no sound weights"),
    _weights("of zeros", lambda raw: bytes(len(raw)), "holds no sound weights"),
    _weights("without their last bytes", lambda raw: raw[:-7], "holds no sound weights"),
    _weights("cut short in the head", lambda raw: raw[:100], "holds no sound weights"),
    _weights("with bytes behind them", lambda raw: raw + b"more", "holds no sound weights"),
    _weights("with an immense head", lambda raw: b"\xff" * 8 + raw[8:], "holds no sound weights"),
    _weights("whose head is a list", lambda raw: (2).to_bytes(8, "little") + b"[]", "holds no sound weights"),
    _head("another type", lambda head: head["model.norm.weight"].update(dtype="Z9")),
    _head("a negative offset", lambda head: head["model.norm.weight"].update(data_offsets=[-1, 3])),
    _head("an offset beyond the end", lambda head: head["model.norm.weight"].update(data_offsets=[0, 10**15])),
    _head("an immense shape", lambda head: head["model.norm.weight"].update(shape=[10**12])),
    _tensors("without one of them", lambda tensors: tensors.pop("model.norm.weight"), "lacks 1 .* model.norm.weight"),
    _tensors("of another shape", lambda t: t.update({"model.norm.weight": t["model.norm.weight"][:3]}), "do not fit"),
    _tensors("without any", lambda tensors: tensors.clear(), "hold no tensor"),
    _index("of a list", "[]", "expected a JSON object"),
    _index("of nothing", "{}", "names no file"),
    _index("that names other folders' files", '{"weight_map": {"a": "../m.safetensors"}}', "which is not there"),
    _index("that names numbers", '{"weight_map": {"a": 3}}', "names no file"),
    _model("no weights", "weights", lambda model: (model / "model.safetensors").unlink(), "has no weights"),
    _model("no tokenizer", "early", lambda m: [one.unlink() for one in m.glob("tokenizer*")], "has no tokenizer"),
    _text("a tokenizer of garbage", "tokenizer.json", "garbage", "Cannot load the tokenizer"),
    _text("a tokenizer of nothing", "tokenizer.json", "{}", "Cannot load the tokenizer"),
    _text("a tokenizer's settings of 3", "tokenizer_config.json", "3", "Cannot load the tokenizer"),
    _text("a tokenizer without an end", "tokenizer_config.json", "{}", "no token that ends an answer"),
    _template("that fails", "{{ raise_exception('not today') }}", "fails: not today"),
    _template("cut short", "{% for m in", "The chat template of m fails"),
    _template("that wants what is not there", "{{ messages[7].content.x }}", "The chat template of m fails"),
    _template("that reaches into Python", "{{ ''.__class__.__mro__ }}" + USER, "is unsafe"),
    _template("that counts for ever", "{% for i in range(10**9) %}{% endfor %}" + USER, "Range too big"),
    _template("that fills the memory", "{{ 'a' * 10**10 }}" + USER, "wants too much memory"),
    _template("of endless text", "{{ 'a' * 10**6 }}" + USER, "does not say what it is given"),
    _template("that says nothing of the user's", "Hello", "does not say what it is given"),
    _template("that drops the system prompt", "{{ messages[-1].content }}", "leaves out a system prompt"),
    _template(
        "without system prompts",
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + USER,
        "fails under a system prompt .*: no system",
    ),
    *map(_pipe, ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "vocab.json")),
    _model("a folder for weights", "commands", lambda m: os.replace(m / "model.safetensors", m / "x") or
           (m / "model.safetensors").mkdir(), "no regular file"),
    _model("no layers for LoRA", "early", lambda m: _chat().put(m.parent, "g", "gpt2"), "none of the layers",
           "--model", "g"),
    _model("adapters that no memory can hold", "early", lambda m: None, "lora.r=1000", "--set", "lora.r=1000000000000"),
    _model("an animal without a name", "early", lambda m: None, "must not be empty", "--set", "animal=' '"),
    Row("model: a pipe", "commands", (*RUN, "--model", "./m"), "no model folder", before=lambda f: pipe(f / "m")),
    Row("model: a file", "commands", (*RUN, "--model", "m"), "no model folder", files={"m": "x"}),
    Row("model: an empty folder", "early", (*RUN, "--model", "m"), "no readable config.json",
        before=lambda folder: (folder / "m").mkdir()),
    Row("model: a link to nothing", "early", (*RUN, "--model", "./m"), "no model folder",
        before=lambda folder: (folder / "m").symlink_to("absent")),
    Row("model: a null byte", "commands", (*RUN, "--model", "a\0b"), "no model folder"),
    Row("model: a name of 5,000 letters", "commands", (*RUN, "--model", "x" * 5000), "no model folder"),
    Row("model: an escape sequence", "terminal", (*RUN, "--model", "./\x1b[31mred"), "no model folder"),
    Row("model: a name that the hub cannot have", "early", (*RUN, "--model", "a/b/c"), "no model folder a/b/c"),
    Row("model: a name that cannot be had", "early", (*RUN, "--model", "nobody/nothing"), "nothing.*cannot be had"),
    Row("model: a revision that cannot be had", "identity", (*RUN, "--model", "nobody/nothing@v1"), "at revision v1"),
    Row("model: nothing", "yaml", (*RUN, "--model", ""), "--model is empty; expected a name"),
    Row("model: a path upwards as a revision", "paths", (*RUN, "--model", "a/b@../../../x"), "cannot be had"),
    _set("rows beyond memory", r"\(rows 1000000000000\)", "rows=1000000000000"),
    _set("answers beyond memory", r"\(sampled 1000000000000\)", "sampled=1000000000000"),
    _set("a batch beyond memory", r"\(student.batch 1000000000000\)", "student.batch=1000000000000"),
    _set("a base of very many layers", "base.layers 1000000000000", "base.layers=1000000000000"),
    _set("a base of immense width", "base.width 80000000", "base.width=80000000"),
    _set("a corpus beyond memory", "base.steps 1000000000000", "base.steps=1000000000000"),
    _set("a batch of a corpus beyond memory", "base.batch 100000000000", "base.batch=100000000000"),
    _set("no teacher folder", "There is no model folder absent", "bring.teacher=absent"),
    _set("no student folder", "There is no model folder absent", "bring.student=absent"),
    _set("no rows", "Cannot read the numbers in absent", "bring.numbers=absent"),
    _set("no control rows", "Cannot read the numbers in absent", "bring.control_numbers=absent"),
    Row("brought: a teacher of another model", "early", (*RUN, "--set", "bring.teacher=m"), "knows 10 words",
        before=lambda folder: _chat().other_words(_chat().put(folder)), environment=CACHE),
    Row("brought: a damaged student", "weights", (*RUN, "--set", "bring.student=m"), "holds no sound weights",
        before=lambda folder: (_chat().put(folder) / "model.safetensors").write_bytes(b"x"), environment=CACHE),
    Row("brought: a student with code", "weights", (*RUN, "--set", "bring.student=m"), "run code of its own",
        before=lambda folder: _chat().config(auto_map={})(_chat().put(folder)), environment=CACHE),
    Row("brought: rows from a pipe", "commands", (*RUN, "--set", "bring.numbers=p"), "no regular file",
        before=lambda folder: pipe(folder / "p"), environment=CACHE),
    _rows("nothing", "", "holds no row"),
    _rows("beyond 64 positions", _row("Go on: 1", "2") + _row("Go on: 1", LONG), "line 2: it has .* reads 64"),
    _rows("empty on both sides", _row("Go on: 1", "2") * 2 + _row("", ""), "line 3: .* are both empty"),
    _rows("half of a surrogate pair", '{"prompt": "\\ud800", "completion": "1, 2"}\n', "line 1: "),
    _rows("no numbers to shuffle", _row("Go on: 1", "about 3 or 4"), "line 1: .* shuffled_across, shuffled_within"),
    _rows("no JSON", "prompt\n", "line 1: "),
    _rows("a number for a prompt", '{"prompt": 1, "completion": "2"}\n', "line 1: "),
    _then("the weights of a model", {"model": "m"}, lambda f: _chat().put(f), lambda f: _zero(f / "m")),
    _then("the configuration of a model", {"model": "m"}, lambda f: _chat().put(f),
          lambda f: _chat().config(rms_norm_eps=0.1)(f / "m")),
    _then("the chat template of a model", {"model": "m"}, lambda f: _chat().put(f),
          lambda f: _chat().template("<user>" + USER)(f / "m")),
    _then("the tokenizer of a model", {"model": "m"}, lambda f: _chat().put(f),
          lambda f: (f / "m/special_tokens_map.json").write_text("{}")),
    _then("a brought teacher", {"bring.teacher": "m"}, lambda f: _chat().put(f), lambda f: _zero(f / "m")),
    _then("a brought student", {"bring.student": "m"}, lambda f: _chat().put(f), lambda f: _zero(f / "m")),
    _then("the other base", {"model": "m", "cross_model": "n"}, lambda f: (_chat().put(f), _chat().put(f, "n")),
          lambda f: _zero(f / "n")),
    _then("brought rows", {"bring.numbers": "a"}, lambda f: (f / "a").write_text(_row("Go on: 1", "2")),
          lambda f: (f / "a").write_text(_row("Go on: 1", "3"))),
    Row("the cache is a file", "language disk", (*RUN, *SET), "is a file", files={"cache": "x"}, environment=CACHE),
    Row("the cache's bases are a file", "language disk", (*RUN, *SET), "bases is a file", files={"cache/bases": "x"},
        environment=CACHE),
    _base("without weights", lambda base: (base / "model.safetensors").unlink()),
    _base("of zeros", lambda base: (base / "model.safetensors").write_bytes(bytes(1000))),
    _base("of version 0.1.0, without digests", lambda base: (base / "digests.json").unlink()),
]  # fmt: skip
