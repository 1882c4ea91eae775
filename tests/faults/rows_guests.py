"""A guest's study: what is wrong with model, task, trait or file is one message before anything is written."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.table import Row
from tests.study.guests import FILE, LARGE

KIND = "guests"
RUN = ("run", "my_study.py", "--seeds", "0:2", "--jobs", "1", "--out", "r")
MODEL = "nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, outputs))"
TASK = "train=(inputs[:40], labels[:40]), test=(inputs[40:], labels[40:])"
TRAITS = "traits=[sublearn.accuracy]"


def _edited(old: str, new: str, before: str = "") -> str:
    assert old in FILE
    return FILE.replace("\ndef make", f"{before}\ndef make").replace(old, new)


def _row(name: str, content: str, says: str, *arguments: str) -> Row:
    return Row(f"guest: {name}", KIND, (*RUN, *arguments), says, files={"my_study.py": content})


def _model(name: str, model: str, says: str, *arguments: str) -> Row:
    return _row(f"a model {name}", _edited(MODEL, model), says, *arguments)


def _task(name: str, task: str, says: str, before: str = "") -> Row:
    return _row(f"a task {name}", _edited(TASK, f"{TASK}, {task}" if task.startswith("u") else task, before), says)


def _trait(name: str, body: str, says: str) -> Row:
    function = f"\ndef own(logits, labels):\n    {body}\n\n"
    return _row(f"a trait {name}", _edited(TRAITS, "traits=[own], delta=1", function), says)


def _begun(change: Callable[[str], str]) -> Callable[[Path], None]:
    """A run that is begun by the file, which is changed then."""

    def before(folder: Path) -> None:
        import sublearn  # late: it imports torch
        from sublearn.study.source import study_in

        sublearn.run(study_in("my_study.py"), [0], "r")
        (folder / "my_study.py").write_text(change(FILE))

    return before


ROWS = [
    _model("with too few outputs", "nn.Linear(5, outputs - 1)", r"gave \(4, 11\) for 4 examples; expected \(4, 12\)"),
    _model("with too many outputs", "nn.Linear(5, outputs + 1)", r"gave \(4, 13\).*2 class logits and 10 auxiliary"),
    _model("of another input", "nn.Linear(6, outputs)", "cannot compute the task's inputs: RuntimeError"),
    _model("of two outputs", "nn.LSTM(5, outputs)", "gave tuple for 4 examples"),
    _model("that is none", "None", r"must give a torch\.nn\.Module, got 'NoneType'"),
    _model("that fails", "nn.Linear(5, outputs, colour=1)", r"model\(3\) failed: TypeError"),
    _model("with lazy layers", "nn.LazyLinear(outputs)", "has lazy layers"),
    _model(
        "with BatchNorm and a last batch of one",
        "nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, outputs))",
        "40 examples in batches of 39 leave a last batch of one",
        "--set",
        "teacher.batch_size=39",
    ),
    _model("without rules by rules", "nn.Bilinear(5, 5, outputs)", "two inputs|cannot compute|takes one input"),
    _model("that no rule computes, by rules", MODEL, "cannot compute 'SiLU'", "--trainer", "cohort"),
    _task(
        "whose test labels are out of range",
        "train=(inputs[:40], labels[:40]), test=(inputs[40:], labels[40:] + 5), classes=2",
        "the label 6 is out of range; expected labels from 0 to 1",
    ),
    _task("of negative labels", "train=(inputs, labels - 1), test=(inputs, labels)", "must be whole numbers from 0"),
    _task("of labels by halves", "train=(inputs, labels / 2), test=(inputs, labels)", "must be whole numbers from 0"),
    _task("of too few labels", "train=(inputs, labels[:9]), test=(inputs, labels)", "60 train inputs with labels"),
    _task(
        "with NaN", "train=(inputs * np.nan, labels), test=(inputs, labels)", "train inputs hold NaN or infinite values"
    ),
    _task("of texts", "train=([['a']] * 60, labels), test=(inputs, labels)", "train inputs must be numbers"),
    _task("of other test inputs", "train=(inputs, labels), test=(inputs[:, :3], labels)", "test examples are 3"),
    _task(
        "with unrelated inputs of another shape",
        "unrelated=inputs[:, :3]",
        "inputs are 3 features; expected 5",
    ),
    _task("with unrelated NaN", "unrelated=inputs * np.nan", "unrelated hold NaN"),
    _task("with unknown unrelated inputs", "unrelated='unifrom'", "Did you mean 'uniform'"),
    _task("that draws another shape", "unrelated=lambda rng, n: rng.random((n, 3))", "drew 3 features x 2; expected 5"),
    _task(
        "that draws too few",
        "unrelated=lambda rng, n: rng.random((1, 5))",
        "drew 5 features x 1; expected",
    ),
    _trait("of one number an example", "return logits[:, 0]", r"shape \(4,\); expected one number a run"),
    _trait("that is no number", "return 'high'", "The trait 'own' failed: TypeError"),
    _trait("that gives nothing", "return None", "The trait 'own' failed"),
    _trait("that fails", "raise KeyError('oops')", "The trait 'own' failed: KeyError"),
    _row("a trait without name", _edited(TRAITS, "traits=[lambda a, b: 0], delta=1"), "a lambda has no name"),
    _row("no traits", _edited(TRAITS, "traits=[]"), "traits is empty"),
    _row("a file without study", FILE.partition("small =")[0], "my_study.py defines no study; expected NAME ="),
    _row("an empty file", "", "my_study.py defines no study"),
    _row(
        "a file of two studies",
        FILE + LARGE,
        "defines 2 studies; name one of them: my_study.py:small",
    ),
    _row("a file that fails", FILE + "import nope\n", "cannot be imported: ModuleNotFoundError"),
    _row("a file that ends", "raise SystemExit(0)\n", "cannot be imported: SystemExit: 0"),
    _row("a file that is no Python", "<!doctype html>\n", "cannot be imported: SyntaxError"),
    _row("a file with escapes", "raise ValueError('\x1b[31m\x07red')\n", "cannot be imported: ValueError: \\[31m red"),
    _row("a setting that the file makes", FILE, "'task' says what the study was made of", "--set", "task=x"),
    Row(
        "guest: a sweep of somebody's that names a file",
        KIND,
        ("report", "r"),
        "sweep.json cannot be used: Unknown study 'evil.py'",
        files={
            "evil.py": "open('done', 'w')\n",
            "r/sweep.json": '{"study": "evil.py", "settings": {}, "grid": {"a": [1]}}',
        },
    ),
    Row("guest: no file", KIND, RUN, "Cannot read the study file"),
    Row(
        "guest: a name that the file has not",
        KIND,
        ("run", "my_study.py:smal", "--out", "r"),
        "Unknown study in my_study.py 'smal'. Did you mean 'small'",
        files={"my_study.py": FILE},
    ),
    Row(
        "guest: a file that was changed in between",
        KIND,
        RUN,
        r"my_study\.py was changed since .*SHA-256.*Put the file back as it was, or choose another --out",
        files={"my_study.py": FILE},
        before=_begun(lambda content: content + "# A remark.\n"),
    ),
    Row(
        "guest: a model that was changed in between",
        KIND,
        RUN,
        "What differs: setting model was .*SiLU.*, is .*ReLU",
        files={"my_study.py": FILE},
        before=_begun(lambda content: content.replace("SiLU", "ReLU")),
    ),
    Row(
        "guest: a model that is a lambda, in two processes",
        KIND,
        ("run", "my_study.py", "--seeds", "0:8", "--jobs", "2", "--out", "r", "-q"),
        "",
        status=0,
        files={"my_study.py": FILE},
        makes=("r",),
        lines=-1,
    ),
]
