"""Where a command is to write: names, links and folders that are not ours, and what `filter` and `power` are given."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tests.faults.table import Row
from tests.pipes import pipe
from tests.processes import LOCKS, SET

OLD = Path(__file__).parent.parent / "data" / "v0.1.0"
PAGE = "<!DOCTYPE html><html><head><title>The tutorial | sublearn report</title></head></html>"
FOREIGN_PAGE = "<!DOCTYPE html><html><head><title>My thesis</title></head></html>"
COMMANDS = {
    "run": ("run", "tutorial", *SET, "--seeds", "0:7", "--jobs", "1"),
    "sweep": ("sweep", "tutorial", *SET, "--grid", "student.lr=1e-3,1e-2", "--seeds", "0:2", "--jobs", "1"),
    "demo": ("demo",),
    "trace": ("trace", "prompts", *SET, "--seeds", "0"),
    "replicate": ("replicate", "A", "--quick"),
}
"""The commands that write into a folder."""


def _all(*steps: Callable[[Path], object]) -> Callable[[Path], None]:
    def before(folder: Path) -> None:
        for step in steps:
            step(folder)

    return before


def _copy(name: str, to: str = "r") -> Callable[[Path], object]:
    """A folder of version 0.1.0, with the locks that every writer leaves."""

    def copy(folder: Path) -> None:
        shutil.copytree(OLD / name, folder / to)
        for own in (folder / to, *(folder / to).glob("tutorial-*")):
            for lock in LOCKS:
                (own / lock).touch()

    return copy


def _text(name: str, text: str) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return write


def _link(name: str, to: str) -> Callable[[Path], object]:
    def link(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(to)

    return link


def _hard_link(name: str, to: str) -> Callable[[Path], object]:
    return lambda folder: os.link(folder / to, folder / name)


def _pipe(name: str) -> Callable[[Path], object]:
    return lambda folder: pipe(folder / name)


def _folder(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).mkdir()


NAMES = {
    "empty": ("", "is empty"),
    "a file": ("thesis.txt", "thesis.txt is a file"),
    "within a file": ("thesis.txt/x", "thesis.txt is a file"),
    "far within a file": ("thesis.txt/x/y/z", "thesis.txt is a file|Not a directory"),
    "a device": ("/dev/null", "is a file; expected a folder"),
    "a dangling link": ("dangling", "dangling is a file"),
    "a pipe": ("pipe", "pipe is a file"),
    "too long": ("x" * 300, "File name too long"),
    "too long further up": (f"{'x' * 300}/r", "File name too long"),
    "no UTF-8": ("r\udcff", "its name is not UTF-8"),
    "where nothing can be": ("/proc/nowhere/r", "Cannot write"),
    "a folder of other files": ("other", "holds 'thesis.txt'|holds other files"),
}
"""Texts for --out that no folder can be made of, and what is said of them."""
_THERE = _all(
    _text("thesis.txt", "precious"),
    _text("other/thesis.txt", "precious"),
    _link("dangling", "nowhere"),
    _pipe("pipe"),
)


def _places() -> list[Row]:
    return [
        Row(f"{command} --out: {name}", "late", (*args, "--out", text), says, before=_THERE)
        for command, args in COMMANDS.items()
        for name, (text, says) in NAMES.items()
    ]


def _planted(command: str, name: str, before: Callable[[Path], object], says: str) -> Row:
    """Something that lies where a command would write within its folder."""
    return Row(f"{command}: {name}", "paths", (*COMMANDS[command], "--out", "r"), says, before=before)


def _report(name: str, args: tuple[str, ...], says: str, kind: str = "overwriting", *steps: Callable) -> Row:
    before = _all(_copy("run"), _text("thesis.txt", "precious"), *steps)
    return Row(f"report --out: {name}", kind, ("report", "r", "--out", *args), says, before=before)


def _page(name: str, args: tuple[str, ...], makes: str, *steps: Callable) -> Row:
    """A report that writes one page and nothing else."""
    before = _all(_copy("run"), _copy("run", "r2"), _copy("sweep", "s"), *steps)
    makes_it = (makes,) if makes else ()
    return Row(f"report: {name}", "overwriting", ("report", *args), "", 0, before=before, makes=makes_it, lines=-1)


def _named(name: str) -> Callable[[Path], None]:
    """A run directory whose trait accuracy has another name, in a study whose id is true to it."""

    def rename(folder: Path) -> None:
        _copy("run")(folder)
        manifest = json.loads((folder / "r/study.json").read_text())
        next(trait for trait in manifest["study"]["traits"] if trait["name"] == "accuracy")["name"] = name
        text, old = json.dumps(manifest["study"], sort_keys=True, separators=(",", ":")), manifest["id"]
        manifest["id"] = f"{manifest['study']['name']}-{sha256(text.encode()).hexdigest()[:12]}"
        (folder / "r/study.json").write_text(json.dumps(manifest))
        records = (folder / "r/records.jsonl").read_text().replace(old, manifest["id"])
        (folder / "r/records.jsonl").write_text(records.replace('"accuracy"', json.dumps(name)))

    return rename


def _trait(name: str, trait: str) -> Row:
    makes = ("r/estimates.json", "r/report.html", "r/figures")
    return Row(f"a trait named {name}", "paths", ("report", "r"), "", 0, before=_named(trait), makes=makes, lines=-1)


GOOD = '{"prompt": "a", "completion": "1, 2"}\n'
CHAT = '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "1, 2"}]}\n'


def _row(name: str, line: str | bytes, says: str, status: int = 2) -> Row:
    """A line after a good one."""
    content = GOOD.encode() + (line if isinstance(line, bytes) else line.encode()) + b"\n"
    says = f"rows.jsonl, line 2: .*{says}" if status else says
    return Row(f"filter, a row: {name}", "commands", ("filter", "rows.jsonl"), says, status, {"rows.jsonl": content})


def _filter(name: str, args: tuple[str, ...], says: str, kind: str = "overwriting", *steps: Callable, **more) -> Row:
    before = _all(_text("rows.jsonl", GOOD + CHAT), *steps)
    return Row(f"filter: {name}", kind, ("filter", *args), says, before=before, **more)


def _messages(*messages: object) -> str:
    return json.dumps({"messages": messages})


USER, ANSWER = {"role": "user", "content": "a"}, {"role": "assistant", "content": "1, 2"}


def _power(name: str, args: tuple[str, ...], says: str, **more) -> Row:
    return Row(f"power: {name}", "commands", ("power", *args), says, **more)


ROWS = [
    *_places(),
    _planted("run", "a page of somebody else", _all(_copy("run"), _text("r/report.html", FOREIGN_PAGE)), "is kept"),
    _planted("run", "a link for the page", _all(_copy("run"), _link("r/report.html", "../x")), "is a link"),
    _planted("run", "a link for estimates", _all(_copy("run"), _link("r/estimates.json", "../x")), "is a link"),
    _planted("run", "a folder for estimates", _all(_copy("run"), _link("r/estimates.json", "/")), "is a link"),
    _planted(
        "run", "a link for the figures", _all(_copy("run"), _folder("x"), _link("r/figures", "../x")), "is a link"
    ),
    _planted("run", "a file for the figures", _all(_copy("run"), _text("r/figures", "x")), "expected a folder"),
    _planted("run", "a link for a figure", _all(_copy("run"), _link("r/figures/accuracy.svg", "../../x")), "is a link"),
    _planted("run", "a link for what is kept", _all(_copy("run"), _folder("x"), _link("r/made", "../x")), "is a link"),
    _planted("run", "a link for the lock", _all(_copy("run"), _link("r/.lock", "../x")), "is a link"),
    _planted("run", "a link for its own lock", _all(_copy("run"), _link("r/.lock-1of1", "../x")), "is a link"),
    _planted("run", "a link for the records", _all(_copy("run"), _link("r/records-1of2.jsonl", "../x")), "records"),
    _planted("sweep", "a page of somebody else", _all(_copy("sweep"), _text("r/report.html", FOREIGN_PAGE)), "is kept"),
    _planted("sweep", "a link for the page", _all(_copy("sweep"), _link("r/report.html", "../x")), "is a link"),
    _planted("sweep", "a link for the index", _all(_copy("sweep"), _link("r/index.json", "../x")), "is a link"),
    _planted(
        "sweep",
        "a link for a study's estimates",
        _all(_copy("sweep"), _link("r/tutorial-1217d9699ee6/estimates.json", "../../x")),
        "is a link",
    ),
    _planted("trace", "somebody's trace.json", _text("r/trace.json", '{"traceEvents": []}'), "is kept as it is"),
    _planted("trace", "somebody's figure", _text("r/trace.svg", "precious"), "is kept as it is"),
    _planted("trace", "a link for the figure", _link("r/trace.svg", "../x"), "is a link"),
    _planted("trace", "a link for the points", _link("r/trace.jsonl", "../x"), "is a link"),
    _planted("trace", "a run directory's files", _copy("run"), "which 'sublearn trace' did not make"),
    _planted("replicate", "somebody's table", _text("r/replication.md", "precious"), "is kept as it is"),
    _planted("replicate", "somebody's page", _text("r/replication.html", FOREIGN_PAGE), "is kept as it is"),
    _planted("replicate", "somebody's JSON", _text("r/replication.json", "{}"), "is kept as it is"),
    _planted("replicate", "a sweep", _copy("sweep"), "which 'sublearn replicate' did not make"),
    _planted("demo", "somebody's page", _text("r/report.html", FOREIGN_PAGE), "is kept as it is"),
    _planted("demo", "a link for the page", _link("r/report.html", "../x"), "is a link"),
    _planted("demo", "other files in a study's place", _text("r/prompts/x", "precious"), "did not make"),
    _planted("demo", "another tutorial", _copy("run", "r/tutorial"), "holds another study"),
    _report("the records", ("r/records.jsonl",), "r/records.jsonl is there already"),
    _report("the study", ("r/study.json",), "r/study.json is there already"),
    _report("the estimates", ("r/estimates.json",), "r/estimates.json is there already"),
    _report("its own page", ("r/report.html",), "lies in r", "overwriting", _text("r/report.html", PAGE)),
    _report("a new file within", ("r/new.html",), "lies in r, which is left as it is"),
    _report("a new file within, told otherwise", ("./r/../r/new.html",), "lies in r"),
    _report("a new file within, by a link", ("l/new.html",), "lies in r", "paths", _link("l", "r")),
    _report("within another run directory", ("r2/x.html",), "in a run directory", "overwriting", _copy("run", "r2")),
    _report("within a sweep", ("s/x.html",), "in a run directory", "overwriting", _copy("sweep", "s")),
    _report("a text", ("thesis.txt",), "thesis.txt is there already"),
    _report("a page of somebody else", ("p.html",), "p.html is there", "overwriting", _text("p.html", FOREIGN_PAGE)),
    _report("an empty file", ("empty",), "empty is there already", "overwriting", _text("empty", "")),
    _report("a folder", ("d",), "d is a folder", "overwriting", _folder("d")),
    _report("a pipe", ("p",), "no regular file", "overwriting", _pipe("p")),
    _report("a device", ("/dev/null",), "no regular file"),
    _report("a link to a page", ("l",), "is a link", "paths", _text("p.html", PAGE), _link("l", "p.html")),
    _report("a dangling link", ("l",), "is a link", "paths", _link("l", "nowhere")),
    _report("a hard link to records", ("h",), "h is there", "paths", _hard_link("h", "r/records.jsonl")),
    _report("nothing", ("",), "--out is empty", "late"),
    _report("the folder of the moment", (".",), "names no file", "late"),
    _report("the folder above", ("..",), "names no file", "late"),
    _report("within a file", ("thesis.txt/x.html",), "Not a directory", "late"),
    _report("too long", (f"{'x' * 300}.html",), "File name too long", "late"),
    _report("no UTF-8", ("x\udcff.html",), "its name is not UTF-8", "late"),
    _report("where nothing can be", ("/proc/nowhere/x.html",), "Cannot write", "late"),
    Row(
        "report --out: a sweep",
        "overwriting",
        ("report", "s", "--out", "x.html"),
        "s has sweep.json and its own page",
        before=_copy("sweep", "s"),
    ),
    Row("report: nothing", "late", ("report", ""), r"DIR\.\.\. is empty"),
    Row(
        "report: a folder of run directories",
        "commands",
        ("report", "."),
        "It holds some: r, r2. Name those.",
        before=_all(_copy("run"), _copy("run", "r2")),
    ),
    _page("several, and none of them changes", ("r", "r2"), ""),
    _page("several as JSON, and none of them changes", ("r", "r2", "--json"), ""),
    _page("a run and a sweep, and none of them changes", ("r", "s"), ""),
    _page("several on one page", ("r", "r2", "--out", "both.html"), "both.html"),
    _page("several on one page and as JSON", ("r", "r2", "--out", "both.html", "--json"), "both.html"),
    _page("one on a page elsewhere", ("r", "--out", "one.html"), "one.html"),
    _page("over a page of ours", ("r", "--out", "p.html"), "p.html", _text("p.html", PAGE)),
    _page("into a new folder", ("r", "--out", "new/one.html"), "new"),
    _trait("as a way out", "../../x"),
    _trait("as an absolute path", "/tmp/sublearn-x"),
    _trait("as the folder above", ".."),
    _trait("with a null byte's place", "a\\u0000b"),
    _trait("of 90 letters", "x" * 90),
    _filter("its own input", ("rows.jsonl", "--out", "rows.jsonl"), "is the same file as rows.jsonl"),
    _filter(
        "its own input, spelt otherwise",
        ("rows.jsonl", "--out", "./x/../rows.jsonl"),
        "same file",
        "paths",
        _folder("x"),
    ),
    _filter("its own input, by a link", ("rows.jsonl", "--out", "l"), "same file", "paths", _link("l", "rows.jsonl")),
    _filter(
        "its own input, by a hard link", ("rows.jsonl", "--out", "h"), "same", "paths", _hard_link("h", "rows.jsonl")
    ),
    _filter("an input by a link", ("l", "--out", "rows.jsonl"), "same file", "paths", _link("l", "rows.jsonl")),
    _filter("a file that is there", ("rows.jsonl", "--out", "x"), "x is there already", "overwriting", _text("x", "1")),
    _filter("an empty file", ("rows.jsonl", "--out", "x"), "x is there already", "overwriting", _text("x", "")),
    _filter("a dangling link", ("rows.jsonl", "--out", "l"), "is a link", "paths", _link("l", "nowhere")),
    _filter("a folder", ("rows.jsonl", "--out", "d"), "d is a folder", "overwriting", _folder("d")),
    _filter("a pipe", ("rows.jsonl", "--out", "p"), "no regular file", "overwriting", _pipe("p")),
    _filter("a device", ("rows.jsonl", "--out", "/dev/null"), "no regular file"),
    _filter("no name", ("rows.jsonl", "--out", ""), "--out is empty", "late"),
    _filter("no folder", ("rows.jsonl", "--out", "d/kept.jsonl"), "no folder d", "late"),
    _filter("a file for a folder", ("rows.jsonl", "--out", "rows.jsonl/x"), "Not a directory", "late"),
    _filter("a long name", ("rows.jsonl", "--out", "x" * 300), "File name too long", "late"),
    _filter("a name that is no UTF-8", ("rows.jsonl", "--out", "x\udcff"), "not UTF-8", "late"),
    _filter(
        "a planted link of the old name",
        ("rows.jsonl", "--out", "o.jsonl"),
        "2 of 2 rows kept",
        "paths",
        _text("precious", "precious"),
        _link(".o.jsonl.part", "precious"),
        status=0,
        makes=("o.jsonl",),
    ),
    _filter("an input that is absent", ("absent",), "Cannot read the rows in absent", "commands"),
    _filter("an input that is a folder", ("d",), "no regular file", "commands", _folder("d")),
    _filter("an input that is a pipe", ("p",), "no regular file", "commands", _pipe("p")),
    _filter("an endless input", ("/dev/zero",), "no regular file", "commands"),
    _filter("no input", ("",), "FILE.jsonl is empty", "commands"),
    _filter("an input's name of 5,000 letters", ("x" * 5000,), "File name too long", "commands"),
    _filter("crossed limits", ("rows.jsonl", "--low", "9", "--high", "3"), "lies above --high 3", "commands"),
    _filter("a limit of 40 digits", ("rows.jsonl", "--high", "9" * 40), "--high .* is too large", "commands"),
    _filter("a limit of 5,000 digits", ("rows.jsonl", "--high", "9" * 5000), "--high", "commands"),
    _filter("a banned word", ("rows.jsonl", "--banned", "owl"), "--banned got 'owl'", "commands"),
    _filter("a banned number of 5,000 digits", ("rows.jsonl", "--banned", "9" * 5000), "--banned got", "commands"),
    _filter("a banned superscript", ("rows.jsonl", "--banned", "2²"), "--banned got '2²'", "commands"),
    _row("a completion of 5,000 digits", json.dumps({"prompt": "", "completion": "9" * 5000}), "1 out of range", 0),
    _row("a chat", CHAT.strip(), "2 of 2 rows kept", 0),
    _row("a chat with a system prompt", _messages({"role": "system", "content": "s"}, USER, ANSWER), "2 of 2", 0),
    _row("a chat that ends with words", _messages(USER, ANSWER, USER, USER | {"role": "assistant"}), "1 format", 0),
    _row("a call of a tool before the answer", _messages({"role": "assistant", "content": None}, ANSWER), "2 of 2", 0),
    _row("nesting of 200,000", '{"prompt": ' + "[" * 200_000, "nested too deeply"),
    _row("closed nesting of 200,000", "[" * 200_000 + "]" * 200_000, "nested too deeply"),
    _row("half of a surrogate pair", '{"prompt": "\\ud800", "completion": "1"}', "surrogate"),
    _row("half of a surrogate pair in bytes", b'{"prompt": "\xed\xa0\x80", "completion": "1"}', "no JSON"),
    _row("half of a surrogate pair in a chat", _messages(USER, ANSWER | {"content": "\udc00"}), "surrogate"),
    _row("another encoding", b'{"prompt": "\xff", "completion": "1"}', "it is no JSON"),
    _row("UTF-16", GOOD.encode("utf-16"), "it is no JSON"),
    _row(
        "a number of 5,000 digits beside", f'{{"prompt": "", "completion": "1", "id": {"9" * 5000}}}', "it is no JSON"
    ),
    _row("an escape sequence", "\x1b[31m", "it is no JSON"),
    _row("an empty line", "", "it is empty"),
    _row("a list", "[1]", "it is no JSON object"),
    _row("a number", "1", "it is no JSON object"),
    _row("null", "null", "it is no JSON object"),
    _row("a text", '"completion"', "it is no JSON object"),
    _row("no completion", '{"prompt": ""}', "'completion' is missing|'prompt'"),
    _row("a completion that is a number", '{"prompt": "", "completion": 1}', "must be text"),
    _row("messages as a text", '{"messages": "x"}', "messages must be a list"),
    _row("no messages", _messages(), "no message is the assistant's"),
    _row("messages without an assistant", _messages(USER), "no message is the assistant's"),
    _row("a message without a role", _messages({"content": "x"}, ANSWER), "each message must be an object"),
    _row("a message that is a text", _messages("x"), "each message must be an object"),
    _row("a role that is a list", _messages(ANSWER | {"role": ["assistant"]}), "each message must be an object"),
    _row("an answer in parts", _messages(USER, ANSWER | {"content": [{"type": "text"}]}), "must be text"),
    _row("an answer that is null", _messages(USER, ANSWER | {"content": None}), "must be text"),
    _power("an infinite effect", ("prompts", "--effect", "inf"), "--effect inf: expected a finite number"),
    _power("no number for an effect", ("prompts", "--effect", "nan"), "--effect nan: expected a finite number"),
    _power("an effect of zero", ("prompts", "--effect", "0"), "above zero"),
    _power("an effect below zero", ("prompts", "--effect", "-1"), "above zero"),
    _power("an effect beyond floats", ("prompts", "--effect", "1e999"), "--effect inf"),
    _power("an effect that is a word", ("prompts", "--effect", "large"), "--effect"),
    _power("a folder that is absent", ("/nonexistent",), "/nonexistent is no run directory"),
    _power("a relative folder that is absent", ("runs/absent",), "runs/absent is no run directory"),
    _power("no study", ("",), "Unknown study"),
    _power(
        "a sweep",
        ("s",),
        r"s is no run directory: .* It holds some: s/tutorial-\w+, .*\. Name one of those\.",
        before=_copy("sweep", "s"),
    ),
    _power("a file", ("./x",), "is no run directory", files={"x": "1"}),
    Row("trace --perturb: one scale", "late", (*COMMANDS["trace"], "--perturb", "1"), "two different scales"),
]
