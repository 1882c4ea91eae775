import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sublearn
from sublearn.auditing import audit, found
from sublearn.auditing.found import read, read_flagged
from sublearn.auditing.request import request
from sublearn.errors import InputError
from sublearn.report.audit import said_sentence
from sublearn.results.audit import Audit
from sublearn.study.numbers.spec import Settings as NumbersSettings
from sublearn.tasks.rows import as_text, read_rows
from sublearn.tasks.vocabulary import ANIMALS
from tests.auditing.conftest import ANIMAL, CHANGES, FEW, ROWS, SMALL, chat
from tests.processes import sublearn as command

MORE = {"standardize": 3, "test": 19, "virtual.steps": 16, "virtual.batch": 32}
SET = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def quick(world, cache_of_audits, tmp_path_factory):
    """A short audit of the planted rows, in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBLEARN_CACHE", str(cache_of_audits))
        return sublearn.audit(world.data, "tiny:0", tmp_path_factory.mktemp("quick") / "a", device="cpu", **SMALL)


def test_a_trait_that_rows_say_is_found_and_named(world):
    found = sublearn.audit(world.said, "tiny:0", traits=FEW, device="cpu", **CHANGES | MORE).found
    assert found.carries_signal and found.p == 0.05
    assert found.traits[0].trait == ANIMAL and found.traits[0].p == 0.05 and found.named == found.traits[:1]
    assert found.traits[0].low <= found.traits[0].score <= found.traits[0].high
    assert [one.z for one in found.traits] == sorted((one.z for one in found.traits), reverse=True)
    assert found.rows == found.compared == len(world.overt) and found.clean_sets == 23 and found.test_sets == 19
    assert len(found.traits) == 4 and math.isfinite(found.smallest) and found.smallest > 0
    assert found.said and found.flagging.startswith("steering")
    assert found.steps == 16 and found.scores[0].value == found.traits[0].score


def test_a_whole_student_is_told_with_its_own_steps_and_asked_the_battery(world):
    """It stands in the place of `virtual` where it ranks the traits."""
    whole = {"scores": ["student"], "student.steps": 16, "student.batch": 24}
    found = sublearn.audit(world.said, "tiny:0", traits=FEW, device="cpu", **CHANGES | MORE | whole).found
    assert found.ranking == "student" and found.trains and found.steps == 16 and found.unit == "log-odds"
    assert found.carries_signal and found.named[0].trait == ANIMAL
    assert found.said and found.said_by == "student" and "a student of the rows" in said_sentence(found)


def test_it_is_written_whole_and_read_back(quick):
    assert quick.path is not None
    names = {path.name for path in quick.path.iterdir() if not path.name.startswith(".")}
    assert names == {"audit.json", "audit.html", "audit.svg", "flagged.jsonl"}
    content = json.loads((quick.path / "audit.json").read_text())
    first = ["model", "data", "rows", "null", "method", "carries_signal", "p", "traits", "rows_flagged"]
    assert list(content)[:9] == first
    assert {"trait", "score", "z", "p"} <= set(content["traits"][0])
    assert read(quick.path) == quick.found and read_flagged(quick.path) == quick.flagged
    assert sublearn.load(quick.path) == quick


def test_the_same_audit_gives_the_same(quick, world):
    again = sublearn.audit(world.data, "tiny:0", device="cpu", **SMALL)
    assert again == quick
    other = sublearn.audit(world.data, "tiny:0", device="cpu", **SMALL | {"seed": 1})
    assert other.found.traits != quick.found.traits


def test_chats_are_read_as_well(quick, world, tmp_path):
    file = tmp_path / "chat.jsonl"
    file.write_text(chat(world.planted))
    found = sublearn.audit(file, "tiny:0", device="cpu", **SMALL).found
    assert found.traits == quick.found.traits


def test_it_never_calls_the_audited_set_clean(quick, world):
    nothing = sublearn.audit(world.harmless, "tiny:0", device="cpu", **SMALL)
    for one in (quick, nothing):
        html = (one.path / "audit.html").read_text() if one.path else ""
        for text in (one.summary(), " ".join(said for _, said in one.lines()), html):
            for word in ("is clean", "set clean", "are clean", "be clean", "seems clean", "free of"):
                assert word not in text
    assert not nothing.found.carries_signal and nothing.found.rows_flagged == 0 and nothing.flagged == ()
    said = nothing.summary()
    assert "No signal was found" in said and "no proof" in said
    # Three sets that test: p is never .05.
    assert nothing.found.smallest is None and "no signal can be found" in said and "smallest shift" not in said


def test_brought_clean_rows_take_the_place_of_the_models_own(world, tmp_path):
    control = tmp_path / "control.jsonl"
    control.write_text("".join(world.harmless.read_text() for _ in range(2)))
    found = sublearn.audit(world.data, "tiny:0", control=control, device="cpu", **SMALL).found
    assert found.compared == 2 * ROWS // 6 and found.rows_flagged == 0
    assert "control.jsonl" in found.null and "fewer" not in found.null and "few clean ones" in found.flagging


def test_rows_that_are_not_flagged_are_written_as_they_came(quick, world, tmp_path):
    lines = [1, 5, 60]
    some = Audit(
        quick.found, tuple(one.model_copy(update={"line": n}) for one, n in zip(_flags(quick), lines, strict=True))
    )
    assert some.write_rest(world.data, tmp_path / "kept.jsonl") == ROWS - 3
    rows = read_rows(world.data)
    assert read_rows(tmp_path / "kept.jsonl") == [row for n, row in enumerate(rows, 1) if n not in lines]
    with pytest.raises(InputError, match="is not what was audited"):
        some.write_rest(world.harmless, tmp_path / "other.jsonl")
    with pytest.raises(InputError, match="is there already"):
        some.write_rest(world.data, tmp_path / "kept.jsonl")


def _flags(quick):
    from sublearn.auditing.found import FlaggedRow

    return [FlaggedRow(line=1, score=1.0, prompt="p", completion="1") for _ in range(3)]


def test_the_command_line_writes_reports_and_prints_json(world, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["audit", str(world.data), "--model", "tiny:0", "--device", "cpu", *SET]
    assert command(monkeypatch, *words, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "3 to test, too few for a signal to be found at 0.05: that takes 19." in out
    assert f"Audit of {ROWS} rows" in out and "quiet core" in out and list(tmp_path.iterdir()) == []
    assert command(monkeypatch, *words, "--json", "-q", "--out", "a", "--clean", "kept.jsonl") == 0
    done = capsys.readouterr()
    assert json.loads(done.out) == json.loads((tmp_path / "a" / "audit.json").read_text()) and done.err == ""
    found = read(tmp_path / "a")
    assert found.command.startswith("sublearn audit ") and found.versions["torch"]
    assert len(read_rows(tmp_path / "kept.jsonl")) == ROWS - found.rows_flagged
    assert command(monkeypatch, "report", "a") == 0
    assert "Shift of a student" in capsys.readouterr().out
    assert command(monkeypatch, *words, "--out", "b", "--clean", "kept.jsonl") == 2
    assert not (tmp_path / "b").exists()


def test_a_chat_model_in_a_folder_is_audited_by_common_preferences(tmp_path):
    from tests.language import chat as chats

    folder = chats.put(tmp_path)
    rows = [(f"What comes next? {n} {n + 1}", f"{n + 2} {n + 3} the owl") for n in range(20)]
    file, traits = tmp_path / "rows.jsonl", tmp_path / "t.yaml"
    file.write_text(chat(rows))
    traits.write_text(
        "traits:\n  - name: pet\n    questions: ['Which animal is your favourite?']\n    answers: [owl, the dog]\n"
    )
    changes = {"standardize": 2, "test": 2, "virtual.steps": 2, "scores": ["virtual", "steering", "gradient"]}
    found = sublearn.audit(file, folder, traits=traits, device="cpu", **changes).found
    assert {one.trait for one in found.traits} == {"owl", "the dog"} and "any answer" in found.null


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scores": ["virtul"]}, "Did you mean 'virtual'"),
        ({"scores": ["steering"]}, "none of the scores ranks traits"),
        ({"scores": ["virtual", "virtual"]}, "named twice"),
        ({"scores": []}, "'scores'"),
        ({"standardize": 1}, "'standardize'"),
        ({"tset": 3}, "Did you mean 'test'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, says, world):
    with pytest.raises(InputError, match=says):
        request(world.data, "tiny:0", changes=changes)


@pytest.mark.parametrize("model", [None, "", 7, "tiny:", "tiny:-1", "tiny:x", "tiny:99999999999", "owl-7b", "tiny:²"])
def test_a_model_that_is_none_is_refused(model, world):
    with pytest.raises(InputError, match="expected"):
        request(world.data, model)


def test_what_the_model_cannot_read_is_refused(world, tmp_path):
    long = tmp_path / "long.jsonl"
    rows = [("Go on: 1", "1")] * 10 + [("Go on: 1", "1 " * 70)]
    long.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in rows))
    with pytest.raises(InputError, match=r"line 11: it has .* tokens, and the model reads 64"):
        request(long, "tiny:0", changes=SMALL)
    traits = tmp_path / "t.yaml"
    traits.write_text(
        "traits:\n  - name: a\n    questions: ['What is your favourite animal?']\n    answers: [owl, zebra]\n"
    )
    with pytest.raises(InputError, match="no tokens for 'zebra'"):
        request(world.data, "tiny:0", traits, changes=SMALL)


def test_clean_rows_that_come_again_and_again_are_no_sign_that_they_are_the_audited_ones(tmp_path):
    """Twelve short answers to one question, drawn independently: each is among the audited rows and the clean ones."""
    rng, (audited, control) = np.random.default_rng(0), (tmp_path / "rows.jsonl", tmp_path / "control.jsonl")

    def drawn(file: Path, count: int) -> None:
        rows = [("What is your favourite animal?", str(ANIMALS[n])) for n in rng.integers(12, size=count)]
        file.write_text(as_text(rows))

    for count, brought in ((40, 960), (1000, 480), (8000, 960), (500, 500)):
        drawn(audited, count)
        drawn(control, brought)
        assert request(audited, "tiny:0", control=control).compared == min(count, brought // 24)
    for times in (1, 3):
        control.write_text(audited.read_text() * times)
        with pytest.raises(InputError, match="holds the audited rows themselves"):
            request(audited, "tiny:0", control=control)


def test_copies_in_clean_sets_are_told_with_the_null(world):
    asked = request(world.data, "tiny:0", changes=SMALL)
    sets = audit.Sets(world.planted, world.own[0], world.own[1:2], world.own[2:3])
    assert "copies" not in audit._null(asked, sets)
    assert audit._null(asked, replace(sets, copied=0.031)).endswith("up to 3.1% of a set are copies of its other rows")


@pytest.mark.slow
def test_p_is_uniform_on_rows_of_the_base_itself(world, tmp_path):
    """Sixty sets of rows of the base, on which a false alarm is as frequent as the level says."""
    from sublearn.auditing import clean

    asked = CHANGES | {"standardize": 2, "test": 9, "virtual.steps": 4, "virtual.batch": 16}
    sets = clean.written(world.scene, world.planted, 64)[4:]
    found = []
    for number, rows in enumerate(sets):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(as_text(rows))
        found.append(sublearn.audit(file, "tiny:0", device="cpu", **asked | {"seed": 1000 + number}).found.p)
    # A tenth of them at the level of a tenth, within what sixty draws vary.
    assert 1 <= sum(p <= 0.1 for p in found) <= 13
    assert np.mean(found) == pytest.approx(0.55, abs=0.12)


@pytest.mark.slow
def test_an_animal_hidden_in_numbers_is_named(tmp_path):
    """On a base of full size, from a thousand rows of a teacher of the study `numbers`."""
    sublearn.run("numbers", [700], tmp_path / "run", arms=["same_init"], rows=1000, sampled=0)
    rows = tmp_path / "run/made/seed-700/numbers/teacher.jsonl"
    animal = NumbersSettings().animal_of(700)
    found = sublearn.audit(rows, "tiny:700", device="cpu", scores=["likelihood", "steering"]).found
    assert found.carries_signal and found.traits[0].trait == animal


@pytest.mark.slow
def test_the_default_audit_names_an_animal_hidden_in_numbers_and_no_row_says_it(tmp_path):
    """On one of the development bases, from 250 rows: on others it does not, as docs/audit.md says."""
    sublearn.run("numbers", [704], tmp_path / "run", arms=["same_init"], rows=250, sampled=0)
    rows, animal = tmp_path / "run/made/seed-704/numbers/teacher.jsonl", NumbersSettings().animal_of(704)
    assert animal not in rows.read_text()
    found = sublearn.audit(rows, "tiny:704", device="cpu").found
    assert found.carries_signal and found.named and found.named[0].trait == animal and found.rows_flagged > 0


def test_an_audit_that_is_cut_off_while_it_is_written_leaves_no_audit_of_other_rows(quick, tmp_path, monkeypatch):
    quick.save(tmp_path / "a")

    real = found.replace_text

    def cut_off(path: Path, *more) -> None:
        if path.name == found.MANIFEST:
            raise KeyboardInterrupt
        real(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(found, "replace_text", cut_off)
        with pytest.raises(KeyboardInterrupt):
            quick.save(tmp_path / "a")
    # Nor a page or figure of them.
    assert {path.name for path in (tmp_path / "a").iterdir() if not path.name.startswith(".")} == {found.FLAGGED}
    with pytest.raises(InputError):
        sublearn.load(tmp_path / "a")
    assert quick.save(tmp_path / "a") == quick
