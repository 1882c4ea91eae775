"""Studies that a file or an installed package defines: found, sent to worker processes, known again when resumed."""

import hashlib
import json
import re
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import sublearn
from sublearn.errors import InputError
from sublearn.execution import store
from sublearn.study.source import study_in
from sublearn.study.table import build, studies
from tests.processes import call
from tests.processes import sublearn as command
from tests.study.guests import FILE, LARGE

TASK = sublearn.Task(train=(np.eye(4), [0, 1, 0, 1]), test=(np.eye(4), [0, 1, 0, 1]))
NOWHERE = sublearn.distillation(
    "nowhere", model=lambda outputs: nn.Linear(4, outputs), task=TASK, traits=[sublearn.accuracy], n_unrelated=8
)
HERE = [NOWHERE]
del NOWHERE  # no name of this module's is a study
FIRST = ["run", "my_study.py", "--out", "run", "--jobs", "1"]


def sent(value):
    """The value as another process gets it."""
    return ForkingPickler.loads(ForkingPickler.dumps(value))


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_study.py").write_text(FILE)
    return tmp_path / "my_study.py"


def test_a_file_is_run_by_name_with_worker_processes_and_resumed(file):
    argv = [sys.executable, "-m", "sublearn", "run", "my_study.py", "--out", "run", "--jobs", "2"]
    for seeds in ("0:8", "0:12"):
        done = call([*argv, "--seeds", seeds], cwd=file.parent)
        assert done.returncode == 0, done.stderr
    run = store.load(file.parent / "run")
    assert run.complete_seeds() == set(range(12))
    alone = sublearn.run(study_in("my_study.py"), range(12))
    assert [(r.arm, r.seed, r.value) for r in sorted(run.records, key=lambda r: (r.seed, r.arm))] == [
        (r.arm, r.seed, pytest.approx(r.value)) for r in sorted(alone.records, key=lambda r: (r.seed, r.arm))
    ]


def test_a_study_of_a_file_goes_to_other_processes_and_back(file):
    study = study_in("my_study.py:small")
    again = sent(sublearn.build(study, {"aux_logits": 7}))
    assert again.id == sublearn.build(study, {"aux_logits": 7}).id
    assert again.designed.settings.aux_logits == 7
    file.write_text(FILE.replace("SiLU", "ReLU"))
    with pytest.raises(InputError, match="was changed while it was run"):
        sent(study)


def test_a_trait_of_the_files_own_is_measured_in_worker_processes(file):
    own = FILE.replace("traits=[sublearn.accuracy]", "traits=[spread, sublearn.accuracy], delta=1")
    file.write_text(own.replace("def make", "def spread(logits, labels):\n    return logits.std()\n\n\ndef make"))
    argv = [sys.executable, "-m", "sublearn", "run", "my_study.py", "--out", "run", "--jobs", "2", "--seeds", "0:8"]
    done = call(argv, cwd=file.parent)
    assert done.returncode == 0, done.stderr
    assert {record.trait for record in store.load("run").records} == {"spread", "accuracy"}


def test_a_study_that_no_file_defines_stays_in_this_process():
    for use in (sent, lambda study: sublearn.run(study, [0], jobs=2)):
        with pytest.raises(InputError, match="no file defines it"):
            use(HERE[0])
    assert HERE[0].source is None
    assert sublearn.run(HERE[0], [0], **{"student.epochs": 1, "teacher.epochs": 1}).records


def test_a_study_with_changed_settings_is_found_in_the_module_that_defines_it(file, monkeypatch):
    module = type(sys)("my_script")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "my_script", module)
    exec(FILE, vars(module))
    changed = build(module.small, {"aux_logits": 7})
    assert sent(changed).id == changed.id
    assert changed.source and changed.source.name == "small"


FILES = {
    "none": (FILE.partition("small =")[0], "defines no study"),
    "two": (
        FILE + LARGE,
        "defines 2 studies; name one of them: my_study.py:small, my_study.py:large",
    ),
    "an end": ("raise SystemExit('no data')", "cannot be imported: SystemExit: no data"),
    "bytes": (b"x = '\\x00'".decode("unicode_escape"), "cannot be imported: "),
    "a mistake": (FILE + "oops\n", "cannot be imported: NameError"),
    "a mistake of syntax": ("def (", "cannot be imported: SyntaxError"),
    "another name": (FILE, "Did you mean 'small'"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_used_is_one_message(case, file, monkeypatch, capsys):
    content, message = FILES[case]
    file.write_text(content)
    reference = "my_study.py:smal" if case == "another name" else "my_study.py"
    assert command(monkeypatch, "run", reference, "--out", "run") == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (file.parent / "run").exists()


def test_one_of_two_is_chosen_by_name_and_shown(file, monkeypatch, capsys):
    file.write_text(FILE + LARGE)
    assert command(monkeypatch, "show", "my_study.py:large") == 0
    assert "large" in capsys.readouterr().out
    assert command(monkeypatch, "run", "absent.py") == 2
    assert "Cannot read the study file" in capsys.readouterr().err


def test_one_study_under_two_names_is_one(file):
    file.write_text(FILE + "study = small\n")
    assert study_in("my_study.py").id == study_in("my_study.py:study").id


def test_what_lies_beside_a_file_can_be_imported_and_what_it_prints_is_no_output(file, capsys):
    (file.parent / "beside_my_study.py").write_text("width = 5\n")
    file.write_text("from beside_my_study import width\nprint('loading')\n" + FILE)
    assert study_in("my_study.py").name == "small"
    assert capsys.readouterr() == ("", "loading\n")
    assert not list(file.parent.glob("__pycache__/my_study*"))


def test_a_run_keeps_which_file_defined_it(file, monkeypatch):
    assert command(monkeypatch, *FIRST, "--seeds", "0:2") == 0
    written = json.loads((file.parent / "run" / "study.json").read_text())["source"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert written == {"file": "my_study.py", "study": "small", "sha256": digest}


CHANGED = {
    "where no digest of a part sees it": (
        FILE + "# A remark.\n",
        r"my_study\.py was changed since .*SHA-256.*Put the file back",
    ),
    "in the model": (
        FILE.replace("SiLU", "ReLU"),
        r"holds another study.*What differs: setting model was .*SiLU.*, is .*ReLU.*; setting code.model was",
    ),
    "in the settings": (FILE.replace("n_unrelated=64", "n_unrelated=65"), "setting n_unrelated was 64, is 65"),
}


@pytest.mark.parametrize("where", CHANGED)
def test_a_run_is_not_gone_on_with_by_a_changed_file(where, file, monkeypatch, capsys):
    content, said = CHANGED[where]
    assert command(monkeypatch, *FIRST, "--seeds", "0:2") == 0
    before = (file.parent / "run" / "records.jsonl").read_bytes()
    file.write_text(content)
    capsys.readouterr()
    assert command(monkeypatch, *FIRST, "--seeds", "0:4") == 2
    err = capsys.readouterr().err
    assert re.search(said, err), err
    assert (file.parent / "run" / "records.jsonl").read_bytes() == before
    file.write_text(FILE)
    assert command(monkeypatch, *FIRST, "--seeds", "0:4") == 0
    assert store.load("run").complete_seeds() == set(range(4))


PACKAGE = {
    "guest_house/__init__.py": "",
    "guest_house/parts.py": FILE.partition("small =")[0],
    "guest_house/studies.py": "from .parts import make\nsmall = make('offered', 4)\n",
    "guest_house-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: guest-house\nVersion: 1.0\n",
    "guest_house-1.0.dist-info/entry_points.txt": "[sublearn.studies]\noffered = guest_house.studies:small\n"
    "broken = guest_house.absent:small\nother = guest_house.parts:make\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that offers a study, on the path as if it were installed."""
    for name, content in PACKAGE.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(content)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{Path(sublearn.__file__).parents[1]}")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("guest_house")]:
        del sys.modules[name]


@pytest.mark.filterwarnings("default:What is there was begun")
def test_an_installed_packages_study_is_run_by_name_in_worker_processes_too(package, monkeypatch, capsys):
    assert "offered" in studies()
    argv = [sys.executable, "-m", "sublearn", "run", "offered", "--seeds", "0:8", "--out", "run", "--jobs", "2"]
    done = call(argv, cwd=package)
    assert done.returncode == 0, done.stderr
    written = json.loads((package / "run" / "study.json").read_text())["source"]
    assert written == {"package": "guest-house", "version": "1.0", "study": "guest_house.studies:small"}
    assert sent(build("offered", {"aux_logits": 7})).designed.settings.aux_logits == 7
    metadata = package / "site" / "guest_house-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    assert command(monkeypatch, "run", "offered", "--seeds", "0:9", "--out", "run", "--jobs", "1") == 0
    assert "begun with guest-house 1.0; this is guest-house 1.1" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "said"), [("broken", "cannot be imported: ModuleNotFound"), ("other", "is no study")])
def test_what_a_package_offers_and_cannot_be_used_is_one_message(name, said, package, monkeypatch, capsys):
    assert command(monkeypatch, "run", name, "--out", "run") == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (package / "run").exists()
