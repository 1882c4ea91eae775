"""No foreign text reaches the terminal with a control character in it, nor at any length."""

import json
import os
import shutil
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.processes import SET, sublearn

OLD = Path(__file__).parents[1] / "data" / "v0.1.0"
ESCAPE = "\x1b]0;title\x07\x1b[31mred\x1b[2J\x9b1A\r\u202ebackwards\u2028line\x00"
LONG = "x" * 50_000
LONGEST_LINE, LONGEST_OUTPUT = 2_500, 40_000


def hostile(text: str, most: int = 100) -> str:
    """A text with control characters, of a length that a study may have."""
    return (ESCAPE.replace("\x00", "") + text)[:most]


def foreign(folder: Path, name: str = "run") -> Path:
    """A run directory whose every text is hostile, and whose id is true all the same."""
    shutil.copytree(OLD / name, folder)
    manifest = json.loads((folder / "study.json").read_text())
    study: dict[str, Any] = manifest["study"]
    arms = {arm["name"]: hostile(arm["name"]) for arm in study["arms"]}
    traits = {trait["name"]: hostile(trait["name"]) for trait in study["traits"]}
    study |= {"name": hostile("study"), "title": hostile(LONG, 2000), "question": hostile(LONG, 2000)}
    study["settings"] |= {hostile(LONG, 90): hostile(LONG, 50_000), "deep": {ESCAPE: [ESCAPE, LONG]}}
    for arm in study["arms"]:
        arm |= {"name": arms[arm["name"]], "about": hostile(LONG, 2000)}
        arm["control"] = arm["control"] and arms[arm["control"]]
    for trait in study["traits"]:
        trait |= {"name": traits[trait["name"]], "about": hostile(LONG, 2000), "unit": hostile("unit")}
    for claim in study["claims"]:
        claim |= {"claim": hostile(LONG, 2000), "trait": traits[claim["trait"]]}
        claim |= {side: " - ".join(arms[arm] for arm in claim[side].split(" - ")) for side in ("treatment", "control")}
    text = json.dumps(study, sort_keys=True, separators=(",", ":"))
    manifest["id"] = f"{study['name']}-{sha256(text.encode()).hexdigest()[:12]}"
    manifest["versions"] = {hostile("torch"): hostile(LONG, 200), "sublearn": hostile(LONG, 200)}
    manifest["runtime"] = {hostile("device"): hostile(LONG, 200)}
    manifest["command"] = hostile(LONG, 50_000)
    (folder / "study.json").write_text(json.dumps(manifest))
    rows = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    for row in rows:
        row |= {"study": manifest["id"], "arm": arms[row["arm"]], "trait": traits[row["trait"]]}
        if row["seed"] == 2:
            row |= {"value": None, "status": "diverged", "reason": hostile(LONG, 1000)}
    lines = (json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (folder / "records.jsonl").write_text("".join(lines))
    return folder


def assert_plain(text: str) -> None:
    assert all(letter.isprintable() or letter == "\n" for letter in text), repr(text)
    assert max(map(len, text.splitlines()), default=0) <= LONGEST_LINE, text
    assert len(text) <= LONGEST_OUTPUT


@pytest.mark.parametrize("command", [("report",), ("report", "--json"), ("power",), ("power", "--effect", "1")])
def test_a_foreign_run_directory_is_shown_in_plain_text(tmp_path, monkeypatch, capfd, command):
    folder = foreign(tmp_path / f"run{ESCAPE[:-1]}")
    assert sublearn(monkeypatch, *command, str(folder)) == 0
    out, err = capfd.readouterr()
    assert "red" in out
    assert_plain(out) if "--json" not in command else json.loads(out)
    assert "\x1b" not in out
    assert_plain(err)


def test_a_foreign_page_and_its_figures_hold_no_control_characters(tmp_path, monkeypatch):
    folder = foreign(tmp_path / "run")
    assert sublearn(monkeypatch, "report", str(folder)) == 0
    files = [folder / "report.html", *(folder / "figures").iterdir()]
    assert len(files) == 4
    for file in files:
        assert file.parent in (folder, folder / "figures")
        assert not set(file.read_text()) & set("\x1b\x07\x9b\x00")


def test_a_foreign_sweep_is_shown_in_plain_text(tmp_path, monkeypatch, capfd):
    shutil.copytree(OLD / "sweep", tmp_path / "sweep")
    file = tmp_path / "sweep" / "sweep.json"
    manifest = json.loads(file.read_text()) | {"command": hostile(LONG, 50_000)}
    manifest["versions"] = {"sublearn": hostile(LONG, 200)}
    file.write_text(json.dumps(manifest))
    foreign(tmp_path / "sweep" / f"other{ESCAPE[:-1]}")
    warnings.simplefilter("always")
    assert sublearn(monkeypatch, "report", str(tmp_path / "sweep")) == 0
    out, err = capfd.readouterr()
    assert_plain(out)
    assert_plain(err)
    assert "of no study of this sweep" in err
    assert len(err.splitlines()) == 1


SETTINGS = [
    ("show", "numbers", "--set", f'model="{"x" * 40_000}"'),
    ("show", "numbers", "--set", 'teacher.system_prompt="\\e[31m\\a {animal} \\r\\N"'),
    ("show", "numbers", "--model", "\x1b[31mx"),
    ("show", f"tutorial{ESCAPE[:-1]}"),
    ("show", "x" * 40_000),
    ("run", f"{ESCAPE[:-1]}.yaml"),
    ("list", ESCAPE[:-1]),
    ("list", "--" + "x" * 40_000),
    (ESCAPE[:-1],),
    ("run", "tutorial", "--tracker", ESCAPE[:-1]),
    ("run", "tutorial", "--device", ESCAPE[:-1]),
    ("run", "tutorial", "--shard", ESCAPE[:-1]),
    ("run", "tutorial", "--seeds", LONG),
    ("run", "tutorial", "--set", f"{ESCAPE[:-1]}=1"),
    ("run", "tutorial", "--set", f"hidden={LONG}"),
    ("sweep", "tutorial", "--grid", f"{ESCAPE[:-1]}=1"),
    ("sweep", "tutorial", "--grid", f"hidden={ESCAPE[:-1]}"),
    ("trace", "prompts", "--steps", ESCAPE[:-1]),
    ("trace", "prompts", "--perturb", LONG),
    ("replicate", ESCAPE[:-1]),
    ("replicate", LONG),
    ("filter", ESCAPE[:-1]),
    ("filter", "-", "--banned", LONG),
    ("filter", "-", "--banned", ESCAPE[:-1]),
    ("power", LONG),
]


@pytest.mark.parametrize("command", SETTINGS, ids=lambda command: f"{command[0][:20]!r} {command[-1][:20]!r}")
def test_what_was_typed_comes_back_in_plain_text(tmp_path, monkeypatch, capfd, command):
    monkeypatch.chdir(tmp_path)
    status = sublearn(monkeypatch, *command)
    out, err = capfd.readouterr()
    assert_plain(out)
    assert_plain(err)
    assert len(err) <= 2_100
    assert status == 2 or out


@pytest.mark.parametrize(("name", "command"), [
    ("SUBLEARN_DATA", ("run", "mnist", "--seeds", "0")),
    ("RAY_ADDRESS", ("run", "tutorial", *SET, "--seeds", "0", "--engine", "ray")),
])  # fmt: skip
def test_the_environment_comes_back_in_plain_text(tmp_path, monkeypatch, capfd, name, command):
    monkeypatch.chdir(tmp_path)
    for value in (f"ray://{ESCAPE[:-1]}:1" if name == "RAY_ADDRESS" else ESCAPE[:-1], LONG):
        monkeypatch.setenv(name, value)
        assert sublearn(monkeypatch, *command) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert_plain(err)
        assert len(err.splitlines()) == 1
        assert len(err) <= 2_100
    assert not os.listdir(tmp_path)
