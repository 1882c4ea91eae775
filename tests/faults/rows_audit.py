"""Audits of rows, traits and models that cannot be used."""

import json

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.settings import Settings
from tests.faults.table import Row
from tests.pipes import pipe
from tests.report.samples import of_a_set

LINES = "".join(json.dumps({"prompt": f"Go on: {n} {n}", "completion": f"{n}, 2"}) + "\n" for n in range(12))
TRAITS = "traits:\n  - name: a\n    questions: ['Which?']\n    answers: [owl, dog]\n"
BASE = ("--set", "base.width=16", "--set", "base.heads=2", "--set", "base.inner=32", "--set", "base.steps=1")
CACHE = {"SUBLEARN_CACHE": "cache"}

_SETTINGS = Settings(test=3).model_dump(mode="json")
BEGUN = {"o/benchmark.json": json.dumps({"benchmark": "audit", "settings": _SETTINGS}, indent=2)}
"""A benchmark that was begun with other settings than it has by default."""


def _row(name: str, says: str, *more: str, kind: str = "commands", rows: str | bytes = LINES, **others) -> Row:
    files = {"rows.jsonl": rows} | others.pop("files", {})
    args = ("audit", "rows.jsonl", *(more if "--model" in more else ("--model", "tiny:0", *more)))
    return Row(f"audit: {name}", kind, args, says, files=files, environment=CACHE, **others)


def _benchmark(name: str, says: str, *more: str, kind: str = "commands", **others) -> Row:
    return Row(f"audit --benchmark: {name}", kind, ("audit", "--benchmark", *more), says, environment=CACHE, **others)


def _of_recipe(number: int, seed: int = 7) -> str:
    return found.line(of_a_set("clean", seed, recipe=number))


ROWS = [
    Row("audit: no model named", "commands", ("audit", "rows.jsonl"), "Missing option '--model'"),
    Row("audit: no rows named", "commands", ("audit", "--model", "tiny:0"), "Missing argument 'DATA.jsonl'"),
    _row("bases of a benchmark", "--seeds goes with --benchmark alone", "--seeds", "0:2"),
    _row("jobs of a benchmark", "--jobs goes with --benchmark alone", "--jobs", "2"),
    Row(
        "audit: no such rows", "commands", ("audit", "x.jsonl", "--model", "tiny:0"), "Cannot read the rows in x.jsonl"
    ),
    Row(
        "audit: a pipe", "paths", ("audit", "p", "--model", "tiny:0"), "no regular file", before=lambda f: pipe(f / "p")
    ),
    _row("no rows", "holds 0 rows; an audit needs 10", rows=""),
    _row("one row", "holds 1 row; an audit needs 10", rows=LINES.splitlines()[0] + "\n"),
    _row("no JSON", "line 13: it is no JSON", rows=LINES + "{\n"),
    _row("a row without a completion", "line 13: the key 'completion' is missing", rows=LINES + '{"prompt": "x"}\n'),
    _row(
        "an empty completion",
        "line 13: its prompt or completion is empty",
        rows=LINES + '{"prompt": "x", "completion": " "}\n',
    ),
    _row(
        "a long chat",
        "line 13: a chat of other messages",
        rows=LINES
        + json.dumps({"messages": [{"role": "user", "content": "a"}] * 2 + [{"role": "assistant", "content": "b"}]})
        + "\n",
    ),
    _row("a model that is not there", "expected the folder of a model, or tiny:SEED", "--model", "absent"),
    _row("a model with an escape sequence", "expected the folder of a model", "--model", "a\x1b[31m", kind="terminal"),
    _row("an empty model", "expected the folder of a model", "--model", ""),
    _row("a tiny seed that is none", "expected tiny:SEED with a whole number", "--model", "tiny:owl", kind="seeds"),
    _row("a tiny seed of another script", "with a whole number", "--model", "tiny:٣", kind="seeds"),
    _row("an empty folder as model", "has no|config.json", "--model", "m", before=lambda f: (f / "m").mkdir()),
    _row("traits that are not there", "Cannot read the traits t.yaml", "--traits", "t.yaml"),
    _row("traits with an anchor", "anchors", "--traits", "t.yaml", kind="yaml", files={"t.yaml": "traits: &a []"}),
    _row(
        "traits with an unknown key",
        "unknown key",
        "--traits",
        "t.yaml",
        kind="yaml",
        files={"t.yaml": TRAITS + "x: 1\n"},
    ),
    _row(
        "traits of one answer",
        "at least 2",
        "--traits",
        "t.yaml",
        kind="yaml",
        files={"t.yaml": TRAITS.replace(", dog", "")},
    ),
    _row(
        "traits that are a number",
        "valid string",
        "--traits",
        "t.yaml",
        kind="yaml",
        files={"t.yaml": TRAITS.replace("dog", "7")},
    ),
    _row("a control file that is not there", "Cannot read the rows in c.jsonl", "--control", "c.jsonl"),
    _row("the audited file as clean rows", "the audited rows themselves", "--control", "rows.jsonl"),
    _row(
        "the audited rows in another order as clean ones",
        "the audited rows themselves",
        "--control",
        "c.jsonl",
        files={"c.jsonl": "".join(reversed(LINES.splitlines(keepends=True)))},
    ),
    _row(
        "too few clean rows",
        "240 in all",
        "--control",
        "c.jsonl",
        files={"c.jsonl": LINES.replace(", 2", ", 3")},
    ),
    _row(
        "clean rows of which most are audited ones",
        "holds 7 of the audited rows themselves",
        "--control",
        "c.jsonl",
        files={"c.jsonl": "".join(LINES.splitlines(keepends=True)[:7]) + LINES.replace(", 2", ", 3") * 20},
    ),
    _row(
        "a word that a tiny base does not know",
        "line 13: a tiny base does not know '1234'",
        rows=LINES + json.dumps({"prompt": "Go on: 1 2", "completion": "3, 1234"}) + "\n",
    ),
    _row(
        "a question that a tiny base does not know",
        r"The question 'Which zebra\?': a tiny base does not know 'zebra",
        "--traits",
        "t.yaml",
        files={"t.yaml": TRAITS.replace("Which?", "Which zebra?")},
    ),
    _row(
        "an answer that a tiny base does not know",
        "no tokens for 'zebra'",
        "--traits",
        "t.yaml",
        files={"t.yaml": TRAITS.replace("owl", "zebra")},
    ),
    _row(
        "a row that is too long",
        "line 13: it has 87 tokens, and the model reads 64",
        rows=LINES + json.dumps({"prompt": "Go on: 1 2", "completion": ", ".join(["7"] * 40)}) + "\n",
    ),
    _row(
        "a row that is too long under the prompts of a score",
        r"line 13: it has 6\d tokens under the prompt '.*' of the score prompted",
        "--scores",
        "prompted",
        rows=LINES + json.dumps({"prompt": "Go on: 1 2", "completion": ", ".join(["7"] * 26)}) + "\n",
    ),
    _row(
        "kept rows by scores that tell none",
        "of the scores virtual none tells single rows. Add one that does: steering",
        "--scores",
        "virtual",
        "--clean",
        "kept.jsonl",
    ),
    _row(
        "kept rows with too few clean ones",
        "only 10 of 12 rows are compared and none is flagged. Bring 288 clean rows",
        "--control",
        "c.jsonl",
        "--clean",
        "kept.jsonl",
        files={"c.jsonl": LINES.replace(", 2", ", 3") * 20},
    ),
    _row("a score that there is not", "Did you mean 'virtual'", "--scores", "virtul"),
    _row("no score that ranks traits", "none of the scores ranks traits", "--scores", "steering"),
    _row("no score at all", "Unknown score ''", "--scores", ""),
    _row("an unknown setting", "Did you mean 'test'", "--set", "tset=3"),
    _row("a setting of another kind", "'standardize'", "--set", "standardize=few"),
    _row("a learning rate that is not finite", "'virtual.lr'", "--set", "virtual.lr=.nan", kind="non-finite"),
    _row(
        "a folder of somebody else",
        "which 'sublearn audit' did not make",
        "--out",
        "o",
        kind="overwriting",
        files={"o/thesis.txt": "precious"},
    ),
    _row(
        "a page of somebody else",
        "is there already",
        "--out",
        "o",
        kind="overwriting",
        files={"o/audit.html": "<p>mine"},
    ),
    _row("in a run directory", "lies in the run directory", "--out", "r/a", kind="paths", files={"r/study.json": "{}"}),
    _row("rows written over", "is there already", "--clean", "rows.jsonl", kind="overwriting"),
    _row(
        "kept rows in the audit's own folder",
        "lies in the audit's own folder",
        "--out",
        "o",
        "--clean",
        "o/kept.jsonl",
        kind="paths",
    ),
    _benchmark("rows", "DATA.jsonl does not go with --benchmark", "rows.jsonl", files={"rows.jsonl": LINES}),
    _benchmark("a model", "--model does not go with --benchmark", "--model", "tiny:0"),
    _benchmark("traits", "--traits does not go with --benchmark", "--traits", "t.yaml", files={"t.yaml": TRAITS}),
    _benchmark("kept rows", "--clean does not go with --benchmark", "--clean", "kept.jsonl"),
    _benchmark("seeds that are none", "--seeds got '5:x'", "--seeds", "5:x", kind="seeds"),
    _benchmark("a seed twice", "seed 3 was given twice", "--seeds", "3,3", kind="seeds"),
    _benchmark("a GPU", "run on the CPU", "--device", "cuda"),
    _benchmark("a kind that there is not", "'kinds.0'", "--set", "kinds=[ghost]"),
    _benchmark(
        "more usual rows than the most", "usual 100 is more than most 50", "--set", "usual=100", "--set", "most=50"
    ),
    _benchmark("an unknown setting", "Did you mean 'usual'", "--set", "usal=100"),
    _benchmark(
        "a folder of somebody else",
        "which 'sublearn audit --benchmark' did not make",
        "--out",
        "o",
        kind="overwriting",
        files={"o/thesis.txt": "precious"},
    ),
    _benchmark(
        "the folder of an audit",
        "which 'sublearn audit --benchmark' did not make",
        "--out",
        "o",
        kind="overwriting",
        files={"o/audit.json": "{}"},
    ),
    _benchmark(
        "a manifest of something else",
        "is there already",
        "--out",
        "o",
        kind="overwriting",
        files={"o/benchmark.json": '{"mine": 1}'},
    ),
    _benchmark(
        "bases without their settings",
        "holds bases of a benchmark and no benchmark.json",
        "--out",
        "o",
        kind="identity",
        files={"o/bases/seed-7.jsonl": _of_recipe(1)},
    ),
    _benchmark(
        "another recipe",
        f"its recipe is {found.RECIPE + 1} and here it is {found.RECIPE}",
        "--out",
        "o",
        "--set",
        "test=3",
        kind="identity",
        files={**BEGUN, "o/bases/seed-7.jsonl": _of_recipe(found.RECIPE + 1)},
    ),
    _benchmark(
        "two recipes",
        f"mixes sets of the recipes {found.RECIPE} and {found.RECIPE + 1}",
        "--out",
        "o",
        "--set",
        "test=3",
        kind="identity",
        files={
            **BEGUN,
            "o/bases/seed-7.jsonl": _of_recipe(found.RECIPE),
            "o/bases/seed-8.jsonl": _of_recipe(found.RECIPE + 1, 8),
        },
    ),
    _benchmark("other settings", "test is 3 there and 19 here", "--out", "o", kind="identity", files=BEGUN),
    _benchmark(
        "a damaged line",
        "line 1: .*no JSON|line 1 cannot be used",
        "--out",
        "o",
        "--seeds",
        "7",
        "--set",
        "test=3",
        kind="shapes",
        files={**BEGUN, "o/bases/seed-7.jsonl": "{\n"},
    ),
    _benchmark(
        "bases elsewhere",
        "is a link",
        "--out",
        "o",
        "--set",
        "test=3",
        kind="paths",
        files=BEGUN,
        before=lambda f: (f / "o" / "bases").symlink_to(f),
    ),
    _benchmark(
        "in a run directory", "lies in the run directory", "--out", "r/a", kind="paths", files={"r/study.json": "{}"}
    ),
]
