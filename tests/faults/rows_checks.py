"""Settings, data files and scores: what is checked before anything is written, and what is a record."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

from tests.faults.table import Row
from tests.pipes import pipe

SMALL = ("n_eval=20", "n_unrelated=60", "hidden=8", "embed_dim=4", "teacher.epochs=2", "student.epochs=2")
WILD = ("student.optimizer=sgd", "student.lr=1e6")
RUN = ("run", "prompts", "--seeds", "0:4", "--jobs", "1", "--out", "made")
TRACE = ("trace", "prompts", "--seeds", "0:2", "--out", "made")
REPORTED = (
    *("student.optimizer=sgd", "loss=mse", "n_eval=64", "n_unrelated=256", "vocab_size=200"),
    *("student.epochs=3", "teacher.epochs=5"),
)
IMAGES = "data/train-images-idx3-ubyte"
SOUND = struct.pack(">IIII", 2051, 3, 28, 28) + bytes(range(256)) * 9 + bytes(3 * 784 - 256 * 9)
"""An idx file of three images: whole, and not the published one."""


def _sets(*changes: str) -> tuple[str, ...]:
    return tuple(word for change in changes for word in ("--set", change))


def _run(study: str, name: str, changes: tuple[str, ...], says: str, kind: str = "early") -> Row:
    args = ("run", study, "--seeds", "0:2", "--out", "r", *_sets(*changes))
    return Row(f"run {study}: {name}", kind, args, says)


def _sweep(study: str, name: str, grid: str, says: str, changes: tuple[str, ...] = (), kind: str = "early") -> Row:
    args = ("sweep", study, "--grid", grid, "--seeds", "0:2", "--out", "s", *_sets(*changes))
    return Row(f"sweep {study}: {name}", kind, args, says)


def _trace(name: str, args: tuple[str, ...], says: str, study: str = "prompts", kind: str = "commands") -> Row:
    return Row(f"trace: {name}", kind, ("trace", study, "--seeds", "0:2", "--out", "t", *args), says)


def _data(
    name: str,
    content: str | bytes | Callable[[Path], object],
    says: str,
    args: tuple[str, ...] = ("run", "mnist", "--seeds", "0:2", "--out", "r"),
    file: str = IMAGES,
) -> Row:
    """A command that needs MNIST, where its first file is what is given: its content, or what makes it."""
    environment = {"SUBLEARN_DATA": "data" if file.startswith("data") else "", "SUBLEARN_CACHE": "cache"}
    if callable(content):
        make = content

        def before(folder: Path) -> None:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            make(folder / file)

        return Row(f"data: {name}", "downloads", args, says, before=before, environment=environment)
    return Row(f"data: {name}", "downloads", args, says, files={file: content}, environment=environment)


def _hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(60_000_000)


def _nowhere(name: str, environment: dict[str, str], says: str, files: dict[str, str] | None = None) -> Row:
    """MNIST where it is not and cannot be had: every request goes to a port where nobody listens."""
    closed = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    args = ("run", "mnist", "--seeds", "0:2", "--out", "r")
    return Row(
        f"data: {name}",
        "downloads",
        args,
        says,
        files=files or {},
        environment=closed | environment,
        makes=("cache", "cache/**"),
        lines=-1,
    )


def _well(name: str, args: tuple[str, ...], changes: tuple[str, ...]) -> Row:
    """A command that ends well, whatever diverges; on standard error there is its progress."""
    return Row(name, "non-finite", (*args, *_sets(*changes)), "^", status=0, makes=("made",), lines=-1)


LAYERS = [
    _run("prompts", "frozen that is no layer", ("frozen=[zzz]",), "frozen: Unknown layer 'zzz'", "layers"),
    _run(
        "prompts",
        "a misspelt layer to perturb",
        ("student_init.layers=[nope]", "student_init.perturb=1"),
        r"student_init\.layers: Unknown layer 'nope'\. Known: embed, fc1, fc2, fc3\.",
        "layers",
    ),
    _run("prompts", "a layer nearly right", ("frozen=[fc_1]",), "Did you mean 'fc1'", "layers"),
    _run("prompts", "a parameter for a layer", ("frozen=[fc1.weight]",), "Unknown layer 'fc1.weight'", "layers"),
    _run("prompts", "an empty name of a layer", ('frozen=[""]',), "Unknown layer ''", "layers"),
    _run("prompts", "BatchNorm where there is none", ("frozen=[bn1]",), "Unknown layer 'bn1'", "layers"),
    _run(
        "prompts",
        "BatchNorm to perturb, which has no init of its own",
        ("batch_norm=true", "student_init.layers=[bn1]", "student_init.perturb=1"),
        r"student_init\.layers: Unknown layer 'bn1'",
        "layers",
    ),
    _run("prompts", "one right layer and a wrong one", ("frozen=[fc1, fc9]",), "Unknown layer 'fc9'", "layers"),
    _run("prompts", "a layer that is no list", ("frozen=fc1",), "'frozen': Input should be a valid tuple", "layers"),
    _run(
        "prompts", "a layer that is a number", ("frozen=[1]",), "'frozen.0': Input should be a valid string", "layers"
    ),
    _run("digits", "frozen that is no layer", ("frozen=[fc1]",), "Known: layers.0, layers.2, layers.4", "layers"),
    _run("digits", "an activation", ("frozen=[layers.1]",), "Unknown layer 'layers.1'", "layers"),
    _run(
        "digits", "a layer beyond the depth", ("depth=1", "frozen=[layers.4]"), "Known: layers.0, layers.2.", "layers"
    ),
    _run("mnist", "a layer, before its data is looked for", ("frozen=[zzz]",), "Unknown layer 'zzz'", "layers"),
    _sweep("prompts", "a layer", "student.lr=1e-3,1e-2", "Unknown layer 'zzz'", ("frozen=[zzz]",), "layers"),
    _trace("a layer", ("--set", "frozen=[zzz]"), "Unknown layer 'zzz'", kind="layers"),
    _trace(
        "a layer to perturb", ("--set", "student_init.layers=[zz]", "--perturb", "0,1"), "Unknown layer", kind="layers"
    ),
    _run("ladder", "no layers among its settings", ("frozen=[fc1]",), "Unknown setting 'frozen'", "layers"),
]
BATCHES = [
    _run(
        "tutorial", "a last batch of one for the teacher", ("n_eval=65",), "65 examples in batches of 64 leave a last"
    ),
    _run("tutorial", "batches of one for the teacher", ("teacher.batch_size=1",), "leave a last batch of one"),
    _run("tutorial", "batches of one for students", ("student.batch_size=1",), "student.batch_size is 1"),
    _run(
        "prompts", "a last batch of one with BatchNorm", ("batch_norm=true", "n_eval=51"), "leave a last batch of one"
    ),
    _run("prompts", "batches of one with BatchNorm", ("batch_norm=true", "student.batch_size=1"), "choose 2 or more"),
    _run("ladder", "a last batch of one on its first rungs", ("n_eval=65",), "change n_eval"),
    _run("prompts", "batches of none", ("student.batch_size=0",), "'student.batch_size': Input should be greater"),
    _run("digits", "batches of fewer than none", ("teacher.batch_size=-5",), "'teacher.batch_size'"),
    _sweep(
        "digits",
        "values that do not go together",
        "student.optimizer=sgd,adam",
        r"student\.optimizer=adam \(with student\.momentum=0\.9\) cannot be run.*leave this one out by",
        ("student.momentum=0.9",),
    ),
    _sweep("tutorial", "a last batch of one among the values", "n_eval=64,65", "leave a last batch of one"),
    _sweep("ladder", "a last batch of one among the values", "n_eval=64,129", "leave a last batch of one"),
]
HUGE = [
    *(
        _run(study, f"{change}, more than any", (change,), f"'{change.partition('=')[0]}': Input should be less than")
        for study, change in (
            ("prompts", "vocab_size=9999999999"),
            ("tutorial", "vocab_size=9999999999"),
            ("ladder", "vocab_size=9999999999"),
            ("prompts", "hidden=1000000000000"),
            ("prompts", "embed_dim=18446744073709551616"),
            ("prompts", "seq_len=9223372036854775807"),
            ("prompts", "n_eval=1000000000000000"),
            ("prompts", "n_unrelated=1000000000000000"),
            ("prompts", "aux_logits=4097"),
            ("prompts", "student.batch_size=1000000000000"),
            ("prompts", "student.epochs=1000000000000"),
            ("tutorial", "teacher.epochs=1000001"),
            ("digits", "width=1000000000000"),
            ("digits", "depth=9"),
            ("digits", "inputs.count=100000000000000"),
            ("digits", "inputs.blur=1e6"),
            ("digits", "inputs.variance=1e308"),
            ("prompts", "temperature=1e308"),
            ("prompts", "student.lr=1e308"),
            ("prompts", "student.weight_decay=1e308"),
            ("prompts", "student_init.perturb=1e308"),
        )
    ),
    *(
        _run(study, f"{' '.join(changes)}, more than fits", changes, f"GB of memory; this machine has .* for {what}")
        for study, changes, what in (
            ("prompts", ("vocab_size=999999999",), "the networks"),
            ("tutorial", ("hidden=1000000000",), "the networks"),
            ("ladder", ("embed_dim=1000000000",), "the networks"),
            ("digits", ("width=1000000000",), "the networks"),
            ("mnist", ("width=10000000", "depth=8"), "the networks"),
            ("prompts", ("n_eval=1000000000",), "the logits"),
            ("prompts", ("n_unrelated=1000000000", "student.batch_size=1000"), "the logits"),
            ("tutorial", ("seq_len=1000000000",), "the prompts"),
            ("digits", ("inputs.count=1000000000", "student.epochs=2", "student.batch_size=1000"), "the logits to be"),
            ("digits", ("inputs.count=1000000000", "student.epochs=1000"), "the loss of each step"),
            ("prompts", ("n_unrelated=100000000", "student.batch_size=100000000", "aux_logits=1"), "a batch and its"),
            (
                "prompts",
                ("n_unrelated=10000000", "student.epochs=1000000", "student.batch_size=1000000"),
                "the order of",
            ),
        )
    ),
    _sweep("prompts", "a value that does not fit", "hidden=8,1000000000", "GB of memory"),
    _sweep("prompts", "values that do not fit together", "hidden=8,100000", "GB of memory", ("vocab_size=1000000000",)),
    _trace("more than fits", ("--set", "hidden=1000000000"), "GB of memory", kind="early"),
    Row(
        "run --dry-run: more than fits",
        "early",
        ("run", "prompts", "--set", "hidden=1000000000", "--dry-run", "--out", "r"),
        "GB of memory",
    ),
    Row(
        "sweep --dry-run: more than fits",
        "early",
        ("sweep", "prompts", "--grid", "hidden=8,1000000000", "--dry-run", "--out", "s"),
        "GB of memory",
    ),
    Row(
        "study file: more than fits",
        "early",
        ("run", "s.yaml", "--out", "r"),
        "GB of memory",
        files={"s.yaml": "study: prompts\nsettings:\n  hidden: 1000000000\n"},
    ),
]
DATA = [
    _data("an empty file", b"", "has 0 bytes, too few for an idx header of 16"),
    _data("a cut header", SOUND[:9], "has 9 bytes, too few"),
    _data("a page for a file", b"<html>404</html>", "starts with the magic number"),
    _data("a cut file", SOUND[:-1], "is cut short"),
    _data("a file with more behind it", SOUND + b"x", "has 1 bytes after its end"),
    _data("labels for images", struct.pack(">II", 2049, 9) + bytes(9), r"number 2049 \(labels\), expected 2051"),
    _data("images of another size", struct.pack(">IIII", 2051, 1, 27, 27) + bytes(729), "27x27 pixels, expected 28x28"),
    _data("no images", struct.pack(">IIII", 2051, 0, 28, 28), "holds no images"),
    _data("more images than bytes", struct.pack(">IIII", 2051, 2**32 - 1, 28, 28), "is cut short"),
    _data("sound, but not the published one", SOUND, "is not the published file: SHA-256"),
    _data("packed, but not the published one", gzip.compress(SOUND), "is not the published file", file=f"{IMAGES}.gz"),
    _data("a page for a packed file", b"<html>404</html>", "is not a whole gzip file", file=f"{IMAGES}.gz"),
    _data("a cut packed file", gzip.compress(SOUND)[:-9], "is not a whole gzip file", file=f"{IMAGES}.gz"),
    _data("a spoilt packed file", gzip.compress(SOUND)[:-8] + bytes(8), "not a whole gzip file", file=f"{IMAGES}.gz"),
    _data("an empty packed file", b"", "has 0 bytes, too few", file=f"{IMAGES}.gz"),
    _data(
        "a bomb",
        lambda path: path.write_bytes(gzip.compress(bytes(80_000_000), 9)),
        "holds more than 47,040,016 bytes",
        file=f"{IMAGES}.gz",
    ),
    _data("a file that is longer than any", _hole, "the published file has no more than 47,040,016"),
    _data("a packed file that is longer than any", _hole, "the published file has no more than", file=f"{IMAGES}.gz"),
    _data("a folder for a file", Path.mkdir, "is a folder, a pipe or a device, no file"),
    _data("a pipe for a file", pipe, "is a folder, a pipe or a device, no file"),
    _data("a pipe for a packed file", pipe, "is a folder, a pipe or a device", file=f"{IMAGES}.gz"),
    _data("a device for a file", lambda path: path.symlink_to("/dev/zero"), "is a folder, a pipe or a device"),
    _data("sweep", SOUND, "not the published file", ("sweep", "mnist", "--grid", "depth=1,2", "--out", "s")),
    _data("trace", SOUND, "not the published file", ("trace", "mnist", "--out", "t")),
    _data("replicate", SOUND, "not the published file", ("replicate", "--quick", "--out", "p")),
    _data("in the cache", SOUND, "is not the published file", file=IMAGES.replace("data", "cache/mnist")),
    _data(
        "Fashion-MNIST",
        SOUND,
        "is not the published file",
        ("run", "fashion-mnist", "--seeds", "0:2", "--out", "r"),
        file=IMAGES.replace("data", "data/fashion-mnist"),
    ),
    _nowhere("absent, and no network", {"SUBLEARN_CACHE": "cache"}, "no mirror gave it: .* Connect to the network"),
    _nowhere("no such folder", {"SUBLEARN_DATA": "nowhere"}, "SUBLEARN_DATA is 'nowhere', which is no folder"),
    _nowhere("a folder of nobody's", {"SUBLEARN_DATA": "~nobody-at-all"}, "which is no folder"),
    _nowhere("a file for the folder", {"SUBLEARN_DATA": "f"}, "which is no folder", {"f": "x"}),
    _nowhere("a name too long for a folder", {"SUBLEARN_DATA": "x" * 5000}, "which is no folder"),
    _nowhere("a file for the cache", {"SUBLEARN_CACHE": "f"}, "Cannot write to the cache folder", {"f": "x"}),
]
TRACES = [
    _trace("no student", ("--set", "arms=[reference]"), r"arms \[reference\] has no student to trace"),
    _trace("a teacher for a student", ("--set", "arms=[teacher]"), r"arms \[teacher\] has no student to trace"),
    _trace("no epoch", ("--set", "student.epochs=0"), "no student takes a step"),
    _trace("no epoch, perturbed", ("--set", "student.epochs=0", "--perturb", "0,1"), "no student takes a step"),
    _trace("a scale beyond any", ("--perturb", "0,1e308"), "--perturb: 'student_init.perturb': Input should be less"),
    _trace("an infinite scale", ("--perturb", "0,inf"), "expected numbers from 0"),
    _trace("a scale that is no number", ("--perturb", "0,nan"), "expected numbers from 0"),
    _trace("a negative scale", ("--perturb", "0,-1"), "expected numbers from 0"),
    _trace("a word for a scale", ("--perturb", "0,much"), "expected numbers from 0"),
    _trace("no scale", ("--perturb", ""), "expected numbers from 0"),
    _trace("one scale", ("--perturb", "0.2"), "two different scales at least"),
    _trace("one scale twice", ("--perturb", "0.2,0.2"), "two different scales at least"),
    _trace("a word for a step", ("--steps", "soon"), "--steps got 'soon'; expected whole numbers from 0"),
    _trace("half a step", ("--steps", "0,1.5"), "expected whole numbers from 0"),
    _trace("a step before the first", ("--steps", "-1"), "--steps got '-1'; expected whole numbers from 0"),
    _trace("a study without controls", (), "cannot be traced", study="tutorial"),
    _trace("a ladder", (), "cannot be traced", study="ladder"),
    _trace("a ladder, perturbed", ("--perturb", "0,1"), "cannot be traced", study="ladder"),
    _trace("language models", (), "cannot be traced", study="numbers"),
    _trace("an unknown study", (), "Did you mean 'prompts'", study="promts"),
    _trace(
        "a seed whose last batch holds one",
        _sets("batch_norm=true", "n_unrelated=60", "student.batch_size=2", "teacher.epochs=0"),
        "cannot be traced: .* leave a last batch of one",
    ),
]
DIVERGED = [
    _well(
        "sweep: a NaN among the scores, as it was reported",
        ("sweep", "prompts", "--seeds", "0:4", "--jobs", "1", "--grid", "student.lr=1,100,10", "--out", "made"),
        REPORTED,
    ),
    _well("run: every student diverges", RUN, (*SMALL, *WILD)),
    _well("run: every teacher diverges", RUN, (*SMALL, "teacher.optimizer=sgd", "teacher.lr=1e9")),
    _well("run: a temperature next to none", RUN, (*SMALL, "loss=kl", "temperature=1e-300")),
    _well(
        "run: one at a time, every student diverges",
        ("run", "tutorial", "--trainer", "single", "--seeds", "0:3", "--out", "made"),
        (*SMALL, *WILD),
    ),
    _well(
        "run: starts that are infinite",
        ("run", "digits", "--seeds", "0:2", "--jobs", "1", "--out", "made"),
        (*WILD, "width=4", "inputs.count=256", "teacher.epochs=1", "student_init.perturb=1e9"),
    ),
    _well("trace: students diverge", TRACE, (*SMALL, *WILD)),
    _well("trace: perturbed until students diverge", (*TRACE, "--perturb", "0,1e8"), SMALL),
]
ROWS = [*LAYERS, *BATCHES, *HUGE, *DATA, *TRACES, *DIVERGED]
