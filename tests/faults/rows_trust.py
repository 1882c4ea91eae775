"""Files that somebody else wrote or damaged, and that are read back: all that a run directory and a sweep hold."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.faults.table import Row
from tests.pipes import pipe
from tests.processes import LOCKS, SET

OLD = Path(__file__).parent.parent / "data" / "v0.1.0"
RUN = ("run", "tutorial", *SET, "--jobs", "1", "--out", "r")
SWEEP = ("sweep", "tutorial", *SET, "--grid", "student.lr=1e-3,1e-2", "--seeds", "0:2", "--jobs", "1", "--out", "r")
ESCAPE = "\x1b[31m\x07red‮"
DEEP = '{"a":' * 5000 + "1" + "}" * 5000


def _copied(name: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    def before(folder: Path) -> None:
        shutil.copytree(OLD / name, folder / "r")
        for lock in LOCKS:  # every writer leaves them; those in the repository are without
            (folder / "r" / lock).touch()
        for estimates in (folder / "r").rglob("estimates.json"):  # of older records, so that writing them again shows
            estimates.write_text("{}\n")
        change(folder / "r")

    return before


def _edited(file: str, change: Callable[[Any], Any]) -> Callable[[Path], object]:
    """Change a file's JSON value, in place or by what `change` returns."""

    def edit(folder: Path) -> None:
        value = json.loads((folder / file).read_text())
        new = change(value)
        (folder / file).write_text(json.dumps(value if new is None else new))

    return edit


def _replaced(file: str, content: str | bytes) -> Callable[[Path], object]:
    text = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return lambda folder: (folder / file).write_bytes(text)


def _large(file: str, size: int = 1 << 30) -> Callable[[Path], object]:
    return lambda folder: os.truncate(folder / file, size)


def _kind(file: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        make(folder / file)

    return change


def _put(*path: Any, to: Any) -> Callable[[Any], None]:
    """A change that sets one value of a JSON value."""

    def change(value: Any) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return change


def _without(key: str) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        del value[key]

    return change


def _consistent(change: Callable[[Any], object]) -> Callable[[Any], None]:
    """A change of study.json's study that keeps its id true, as one who means harm would."""

    def changed(value: Any) -> None:
        change(value["study"])
        text = json.dumps(value["study"], sort_keys=True, separators=(",", ":"))
        value["id"] = f"{value['study']['name']}-{sha256(text.encode()).hexdigest()[:12]}"

    return changed


def _study(name: str, change: Callable[[Path], object], says: str, kind: str = "shapes") -> list[Row]:
    """A study.json that must be refused by whoever reads it."""
    before = _copied("run", change)
    return [
        Row(f"study.json, report: {name}", kind, ("report", "r"), says, before=before),
        Row(f"study.json, run: {name}", kind, (*RUN, "--seeds", "0:4"), says, before=before),
    ]


def _report(name: str, change: Callable[[Path], object], says: str, kind: str = "shapes") -> Row:
    return Row(f"report: {name}", kind, ("report", "r"), says, before=_copied("run", change))


def _line(number: int, change: Callable[[Any], Any]) -> Callable[[Path], object]:
    """Change one record."""

    def edit(folder: Path) -> None:
        lines = (folder / "records.jsonl").read_text().splitlines()
        value = json.loads(lines[number])
        new = change(value)
        lines[number] = json.dumps(value if new is None else new, separators=(",", ":"))
        (folder / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))

    return edit


def _record(name: str, change: Callable[[Any], Any], says: str, kind: str = "shapes") -> Row:
    before = _copied("run", _line(2, change))
    return Row(f"a record: {name}", kind, ("report", "r"), rf"records\.jsonl, line 3 is damaged: {says}", before=before)


def _records(name: str, change: Callable[[Path], object], says: str) -> list[Row]:
    before = _copied("run", change)
    return [
        Row(f"records, report: {name}", "shapes", ("report", "r"), says, before=before),
        Row(f"records, run: {name}", "shapes", (*RUN, "--seeds", "0:4"), says, before=before),
        Row(f"records, power: {name}", "shapes", ("power", "r"), says, before=before),
    ]


def _sweep(name: str, change: Callable[[Path], object], says: str, kind: str = "shapes") -> list[Row]:
    before = _copied("sweep", change)
    return [
        Row(f"sweep.json, report: {name}", kind, ("report", "r"), says, before=before),
        Row(f"sweep.json, sweep: {name}", kind, SWEEP, says, before=before),
    ]


def _metrics(name: str, change: Callable[[Path], object], says: str, kind: str = "shapes") -> Row:
    before = _copied("numbers", change)
    return Row(f"metrics.json: {name}", kind, ("report", "r"), says, before=before)


METRICS = "made/seed-1/metrics.json"
ROWS_FILE = "made/seed-0/numbers/teacher.jsonl"


ROWS = [
    *_study("nothing", _replaced("study.json", ""), "study.json cannot be used: it is no JSON"),
    *_study("null", _replaced("study.json", "null"), "study.json is damaged"),
    *_study("a list", _replaced("study.json", "[]"), "study.json is damaged"),
    *_study("a number", _replaced("study.json", "3"), "study.json is damaged"),
    *_study("cut off", _replaced("study.json", '{"id": "tuto'), "study.json cannot be used: it is no JSON"),
    *_study("random bytes", _replaced("study.json", bytes(range(256)) * 20), "study.json cannot be used"),
    *_study("nesting of 5,000", _replaced("study.json", DEEP), "study.json cannot be used: its JSON is nested"),
    *_study(
        "nesting of 50", _edited("study.json", _put("runtime", to=json.loads('{"a":' * 50 + "1" + "}" * 50))), "deep"
    ),
    *_study("1 GB", _large("study.json"), "study.json: it has 1,073,741,824 bytes"),
    *_study("a key twice", _replaced("study.json", '{"id": "a", "id": "b"}'), "comes twice"),
    *_study("NaN", _replaced("study.json", '{"id": NaN}'), "NaN is no number"),
    *_study(
        "a number of 5,000 digits", _replaced("study.json", f'{{"id": {"9" * 5000}}}'), "study.json cannot be used"
    ),
    *_study("half of a surrogate pair", _replaced("study.json", '{"id": "\\ud800"}'), "surrogate"),
    *_study("infinity by size", _edited("study.json", _put("study", "settings", "n_eval", to=1)), "it was edited"),
    *_study("versions as a list", _edited("study.json", _put("versions", to=[])), "study.json is damaged: 'versions'"),
    *_study("versions as null", _edited("study.json", _put("versions", to=None)), "study.json is damaged: 'versions'"),
    *_study("a version that is a number", _edited("study.json", _put("versions", "torch", to=2)), "'versions.torch'"),
    *_study("runtime as a list", _edited("study.json", _put("runtime", to=[])), "study.json is damaged: 'runtime'"),
    *_study("runtime as a text", _edited("study.json", _put("runtime", to="cpu")), "study.json is damaged: 'runtime'"),
    *_study("a precision that is a list", _edited("study.json", _put("runtime", "precision", to=[1])), "'runtime.prec"),
    *_study("no id", _edited("study.json", _without("id")), "study.json is damaged: 'id'"),
    *_study("no study", _edited("study.json", _without("study")), "study.json is damaged: 'study'"),
    *_study("no versions", _edited("study.json", _without("versions")), "study.json is damaged: 'versions'"),
    *_study("a command that is a list", _edited("study.json", _put("command", to=[1])), "study.json is damaged: 'comm"),
    *_study("another id", _edited("study.json", _put("id", to="other")), "it was edited"),
    *_study("an id of 100,000 letters", _edited("study.json", _put("id", to="x" * 100_000)), "'id'"),
    *_study("an edited setting", _edited("study.json", _put("study", "settings", "hidden", to=9)), "it was edited"),
    *_study("no arms", _edited("study.json", _consistent(_put("arms", to=[]))), "'study.arms'"),
    *_study("no traits", _edited("study.json", _consistent(_put("traits", to=[]))), "'study.traits'"),
    *_study("an arm twice", _edited("study.json", _consistent(lambda s: s["arms"].append(s["arms"][1]))), "twice"),
    *_study("a trait twice", _edited("study.json", _consistent(lambda s: s["traits"].append(s["traits"][0]))), "twice"),
    *_study("an unknown kind of claim", _edited("study.json", _put("study", "claims", 0, "kind", to="x")), "'study.cl"),
    *_study("a claim of no arm", _edited("study.json", _put("study", "claims", 0, "control", to="x")), "unknown here"),
    *_study(
        "a claim of three arms",
        _edited("study.json", _put("study", "claims", 0, "control", to={"arm": "a", "minus": "b", "and": "c"})),
        "control",
    ),
    *_study(
        "a chance of 1e308", _edited("study.json", _put("study", "traits", 0, "chance", to=1e308)), "'study.traits.0"
    ),
    *_study(
        "a bound of 1e308", _edited("study.json", _put("study", "claims", 0, "delta", to=1e308)), "'study.claims.0"
    ),
    *_study(
        "5,000 arms",
        _edited("study.json", lambda v: _put("study", "arms", to=v["study"]["arms"] * 1_250)(v)),
        "1000",
    ),
    *_study(
        "a name of 100,000 letters", _edited("study.json", _put("study", "name", to="x" * 100_000)), "'study.name'"
    ),
    *_study("a folder", _kind("study.json", lambda path: path.mkdir()), "study.json: it is no regular file"),
    *_study("a pipe", _kind("study.json", pipe), "study.json: it is no regular file"),
    *_study("a device", _kind("study.json", lambda path: path.symlink_to("/dev/zero")), "it is no regular file"),
    _report("study.json is absent", lambda folder: (folder / "study.json").unlink(), "no readable study.json"),
    Row("report: a file for a folder", "shapes", ("report", "r"), "no run directory", files={"r": "x"}),
    Row("report: a name of 5,000 letters", "terminal", ("report", "x" * 5000), "no run directory"),
    Row("report: a name with escapes", "terminal", ("report", ESCAPE), "no run directory"),
    Row("power: a name with escapes", "terminal", ("power", ESCAPE), "Unknown study"),
    *_records("one unreadable line", _replaced("records.jsonl", "garbage\n"), r"records\.jsonl, line 1 is damaged"),
    *_records("one unreadable line without end", _replaced("records.jsonl", "garbage"), r"line 1 is damaged"),
    *_records("random bytes", _replaced("records.jsonl", bytes(range(256)) * 9), r"line 1 is damaged"),
    *_records("a page", _replaced("records.jsonl", "<!doctype html>\n<title>x</title>"), r"line 1 is damaged"),
    *_records("an empty line", _replaced("records.jsonl", "\n"), r"line 1 is damaged"),
    *_records("zeros", _replaced("records.jsonl", b"\0" * 4096 + b"\n"), r"line 1 is damaged"),
    *_records("nesting of 5,000", _replaced("records.jsonl", DEEP + "\n"), r"line 1 is damaged"),
    *_records("a pipe", _kind("records.jsonl", pipe), "records.jsonl: it is no regular file"),
    *_records("a folder", _kind("records.jsonl", lambda path: path.mkdir()), "records.jsonl: it is no regular file"),
    *_records(
        "a link to nothing", _kind("records.jsonl", lambda path: path.symlink_to("gone")), "Cannot read the records"
    ),
    *_records("1 TB", _large("records.jsonl", 1 << 40), "records.jsonl: it has 1,099,511,627,776 bytes"),
    *_records("the second file says otherwise", lambda f: _other_file(f), "says another value"),
    Row(
        "records, run: a link",
        "paths",
        (*RUN, "--seeds", "0:7"),
        "is a link; it is not followed",
        before=_copied("run", lambda folder: _moved_away(folder)),
        lines=4,  # first what is there already, and that another version with other texts began it
    ),
    _record("an unknown arm", _put("arm", to="teachers"), "the study has no arm 'teachers'"),
    _record("an unknown trait", _put("trait", to="preference"), "the study has no arm .* with a trait 'preference'"),
    _record("an arm with escapes", _put("arm", to=ESCAPE), "the study has no arm", "terminal"),
    _record("an arm of 150 letters", _put("arm", to="x" * 150), "the study has no arm 'x+…x+'", "terminal"),
    _record("an arm of 100,000 letters", _put("arm", to="x" * 100_000), "it is no record", "terminal"),
    _record("another study with escapes", _put("study", to=ESCAPE), "it belongs to '", "terminal"),
    _record("a share of 7", _put("value", to=7.0), "'.*' is a share, and 7 is none"),
    _record("a negative share", _put("value", to=-0.25), "'.*' is a share, and -0.25 is none"),
    _record("1e308", _put("value", to=1e308), "it is no record"),
    _record("-1e308", _put("value", to=-1e308), "it is no record"),
    _record("infinite by size", lambda value: value | {"value": 10**400}, "it is no record"),
    _record("a value that is text", _put("value", to="high"), "it is no record"),
    _record("a value that is a list", _put("value", to=[0.5]), "it is no record"),
    _record("no value and ok", _put("value", to=None), "it is no record"),
    _record("a value and diverged", _put("status", to="diverged"), "it is no record"),
    _record("an unknown status", _put("status", to="fine"), "it is no record"),
    _record("a negative n", _put("n", to=-1), "it is no record"),
    _record("an n of 10**30", _put("n", to=10**30), "it is no record"),
    _record("a seed beyond all", _put("seed", to=2**64), "it is no record"),
    _record("a negative seed", _put("seed", to=-1), "it is no record"),
    _record("a seed that is a fraction", _put("seed", to=0.5), "it is no record"),
    _record("one more key", _put("colour", to="red"), "it is no record"),
    _record("a missing key", _without("arm"), "it is no record"),
    _record("a list", lambda value: [], "it is no record"),
    _record("half of a surrogate pair", _put("arm", to="\ud800"), "it is no record"),
    *_sweep("nothing", _replaced("sweep.json", ""), "sweep.json cannot be used: it is no JSON"),
    *_sweep("a list", _replaced("sweep.json", "[]"), "sweep.json is damaged"),
    *_sweep("null", _replaced("sweep.json", "null"), "sweep.json is damaged"),
    *_sweep("a text", _replaced("sweep.json", '"x"'), "sweep.json is damaged"),
    *_sweep("nesting of 5,000", _replaced("sweep.json", DEEP), "sweep.json cannot be used: its JSON is nested"),
    *_sweep("1 GB", _large("sweep.json"), "sweep.json: it has 1,073,741,824 bytes"),
    *_sweep("no study", _edited("sweep.json", _without("study")), "sweep.json is damaged: 'study'"),
    *_sweep("no settings", _edited("sweep.json", _without("settings")), "sweep.json is damaged: 'settings'"),
    *_sweep("no grid", _edited("sweep.json", _without("grid")), "sweep.json is damaged: 'grid'"),
    *_sweep("an empty grid", _edited("sweep.json", _put("grid", to={})), "sweep.json is damaged: 'grid'"),
    *_sweep("a key without values", _edited("sweep.json", _put("grid", "student.lr", to=[])), "'grid.student.lr'"),
    *_sweep("a grid of texts", _edited("sweep.json", _put("grid", "student.lr", to="1")), "'grid.student.lr'"),
    *_sweep("settings as a list", _edited("sweep.json", _put("settings", to=[1])), "sweep.json is damaged: 'settings'"),
    *_sweep("versions as a list", _edited("sweep.json", _put("versions", to=[1])), "sweep.json is damaged: 'versions'"),
    *_sweep("a study that is a number", _edited("sweep.json", _put("study", to=3)), "sweep.json is damaged: 'study'"),
    *_sweep(
        "an unknown study", _edited("sweep.json", _put("study", to="tutorail")), "sweep.json cannot be used: Unknown"
    ),
    *_sweep("a study with escapes", _edited("sweep.json", _put("study", to=ESCAPE)), "Unknown study", "terminal"),
    *_sweep("an unknown setting", _edited("sweep.json", _put("settings", "colour", to=1)), "Unknown setting 'colour'"),
    *_sweep("a setting with escapes", _edited("sweep.json", _put("settings", ESCAPE, to=1)), "Unknown", "terminal"),
    *_sweep(
        "a value that does not fit", _edited("sweep.json", _put("grid", "student.lr", to=["x"])), "sweep.json cannot"
    ),
    *_sweep(
        "a value that is a mapping", _edited("sweep.json", _put("grid", "student.lr", to=[{}])), "sweep.json cannot"
    ),
    *_sweep("a pipe", _kind("sweep.json", pipe), "sweep.json: it is no regular file"),
    Row(
        "report: a sweep that holds another study",
        "paths",
        ("report", "r"),
        "holds another study",
        before=_copied("sweep", lambda folder: _other_study(folder)),
    ),
    _metrics("nothing", _replaced(METRICS, ""), "seed-1/metrics.json cannot be used: it is no JSON"),
    _metrics("null", _replaced(METRICS, "null"), "seed-1/metrics.json cannot be used"),
    _metrics("a list", _replaced(METRICS, "[]"), "seed-1/metrics.json cannot be used"),
    _metrics("cut off", _replaced(METRICS, '{"seed": 1, "animal"'), "seed-1/metrics.json cannot be used"),
    _metrics("nesting of 5,000", _replaced(METRICS, DEEP), "seed-1/metrics.json cannot be used"),
    _metrics("1 GB", _large(METRICS), "seed-1/metrics.json: it has 1,073,741,824 bytes"),
    _metrics("no arms", _edited(METRICS, _without("arms")), "seed-1/metrics.json cannot be used: 'arms'"),
    _metrics("arms as a list", _edited(METRICS, _put("arms", to=[])), "'arms'"),
    _metrics("an arm as null", _edited(METRICS, _put("arms", "teacher", to=None)), "'arms.teacher'"),
    _metrics("no animal", _edited(METRICS, _without("animal")), "'animal'"),
    _metrics("an animal as a number", _edited(METRICS, _put("animal", to=3)), "'animal'"),
    _metrics("a seed as a text", _edited(METRICS, _put("seed", to="x")), "'seed'"),
    _metrics(
        "a preference of 7", _edited(METRICS, _put("arms", "teacher", "favourite", "preference", to=7)), "preference"
    ),
    _metrics(
        "a preference as null", _edited(METRICS, _put("arms", "soft", "favourite", to=None)), "'arms.soft.favourite'"
    ),
    _metrics(
        "log-odds of 1e308", _edited(METRICS, _put("arms", "soft", "favourite", "log_odds", to=1e308)), "log_odds"
    ),
    _metrics(
        "more hits than answers", _edited(METRICS, _put("arms", "soft", "sampled", "plain", "hits", to=99)), "99 hits"
    ),
    _metrics("an unknown kind of answer", _edited(METRICS, _put("arms", "soft", "sampled", to={"x": {}})), "sampled"),
    _metrics("counts as a list", _edited(METRICS, _put("numbers", to=[])), "'numbers'"),
    _metrics("more kept than asked", _edited(METRICS, _put("numbers", "base", "kept", to=10**6)), "rows kept of"),
    _metrics("reasons as a list", _edited(METRICS, _put("numbers", "base", "rejected", to=[])), "rejected"),
    _metrics("an alignment of 3", _edited(METRICS, _put("arms", "soft", "alignment", to=3.0)), "alignment"),
    _metrics("a pipe", _kind(METRICS, pipe), "metrics.json: it is no regular file"),
    _metrics("rows that are none", _replaced(ROWS_FILE, "{}\n"), "teacher.jsonl, line 1"),
]


def _other_file(folder: Path) -> None:
    first = (folder / "records.jsonl").read_text().splitlines()[0]
    row = json.loads(first)
    row["value"] = 0.125
    (folder / "records-1of2.jsonl").write_text(json.dumps(row, separators=(",", ":")) + "\n")


def _moved_away(folder: Path) -> None:
    (folder / "records.jsonl").rename(folder.parent / "elsewhere.jsonl")
    (folder / "records.jsonl").symlink_to("../elsewhere.jsonl")


def _other_study(folder: Path) -> None:
    one = sorted(folder.glob("tutorial-*"))[0]
    shutil.rmtree(one)
    shutil.copytree(OLD / "run", one)
