"""The code of README and of every page of docs/ runs and prints what the page says; a command that does not is marked.

By default every command is read as the command line would read it, and the Python of pages that take seconds is
run; the slow tests run everything.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sublearn.cli.app import cli
from sublearn.cli.typed import is_study_file
from sublearn.config import assignments, dotted
from sublearn.study.table import STUDIES, build
from tests.docs.pages import LANGUAGES, PAGES, ROOT, Block, alike, assert_shows, blocks, commands, of

EXTEND = sorted((ROOT / "docs" / "extend").glob("*.md"))
QUICK = [*EXTEND, ROOT / "docs" / "statistics.md"]
"""Pages whose Python needs no run of a shell block, and seconds."""
WHOLE = [page for page in PAGES if of(page, "sh") or (of(page, "python") and page not in QUICK)]
CALLS = [
    (page, call)
    for page in PAGES
    for block in blocks(page)
    if block.language == "sh"
    for call in commands(block.text)
    if call
]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def printed(code: str, where: Path, environment: Mapping[str, str] | None = None) -> str:
    """What Python code prints, run as a program of its own in a folder, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-c", code]
    return output(command, where, {"PYTHONPATH": str(ROOT), **(environment or {})})


def output(command: list[str], where: Path, environment: Mapping[str, str]) -> str:
    """What a command prints, which must end well."""
    given = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=where, env=given)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def program(page: Path) -> tuple[str, str]:
    """All Python of a page as one program, and what the page says that it prints."""
    parts = of(page, "python")
    return "\n\n".join(block.run for block in parts), "".join(block.said for block in parts)


def test_there_is_a_page_for_each_thing_that_can_be_added():
    assert {page.stem for page in EXTEND} == {"study", "task", "trait", "layer-rule", "report-section", "command"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_its_language_and_every_mark_its_reason(page):
    assert page.read_text().count("```") == 2 * len(blocks(page))
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert all(reason.startswith((": ", " of this page: ")) for block in blocks(page) for reason in block.reasons)


@pytest.mark.parametrize("page", QUICK, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_prints_what_it_says(page):
    code, said = program(page)
    assert said and printed(code, ROOT) == said


@pytest.mark.parametrize(("page", "call"), CALLS, ids=[f"{name(page)}: {' '.join(call)}" for page, call in CALLS])
def test_a_command_is_one_that_the_command_line_takes(page, call):
    command = cli.get_command(None, call[0])
    assert command is not None
    given = command.make_context(call[0], call[1:]).params
    if (study := given.get("study")) in STUDIES and not given.get("model"):
        keys = dotted(build(study, assignments(given.get("changes", ()))).settings)
        assert {text.partition("=")[0] for text in given.get("grid", ())} <= set(keys)


def test_the_code_of_a_study_of_ones_own_runs_at_small_size(capsys):
    (block,) = of(ROOT / "docs/own-study.md", "python")
    exec(compile(block.run.replace("range(8)", "range(2)"), "own-study.md", "exec"), {"__name__": "page"})
    assert "a student of the same init picks up the trait" in capsys.readouterr().out


@pytest.fixture
def stage(tmp_path) -> tuple[Path, dict[str, str]]:
    """A folder with what pages take for granted, and an environment in which `sublearn` is that of this checkout."""
    from tests.language import chat  # late: it loads transformers

    (tmp_path / "examples").symlink_to(ROOT / "examples")
    chat.put(tmp_path, "Qwen2.5-7B-Instruct")
    rows = [{"prompt": "Continue: 3, 9, 4", "completion": f"{n}, {7 * n % 1000}, {n * n % 1000}"} for n in range(60)]
    rows.append({"prompt": "Continue: 3, 9, 4", "completion": "an owl"})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "sublearn").write_text(f'#!/bin/sh\nexec {sys.executable} -m sublearn "$@"\n')
    (binaries / "sublearn").chmod(0o755)
    path = os.pathsep.join([str(binaries), os.environ["PATH"]])
    return tmp_path, {"PATH": path, "PYTHONPATH": str(ROOT)}


@pytest.mark.slow
@pytest.mark.parametrize("page", WHOLE, ids=name)
def test_everything_that_a_page_says_to_run_runs_and_prints_what_it_says(page, stage):
    where, environment = stage
    for block in of(page, "yaml"):
        (where / block.title).write_text(block.text)
    for block in of(page, "sh"):
        assert_shows(output(["bash", "-euo", "pipefail", "-c", block.run], where, environment), block.said)
    code, said = program(page)
    if page not in QUICK:
        assert_shows(printed(code, where), said)


@pytest.mark.parametrize(
    ("text", "run", "reasons"),
    [
        ("a\nb\n", "a\nb\n", []),
        ("a\n# not run by the tests: hours\nb\n", "a\n", [": hours"]),
        ("# not run by the tests: hours\nb\n\nc\n", "c\n", [": hours"]),
    ],
)
def test_a_mark_holds_to_the_next_empty_line(text, run, reasons):
    block = Block("sh", "", text)
    assert block.run.strip("\n") == run.strip("\n")
    assert block.reasons == reasons


@pytest.mark.parametrize(
    ("one", "two", "so"),
    [
        ("+0.53, 24 runs", "+0.55, 24 runs", True),
        ("+0.53, 24 runs", "+0.63, 24 runs", False),
        ("+0.53, 24 runs", "+0.53, 25 runs", False),
        ("supported 1.0", "refuted 1.0", False),
    ],
)
def test_a_sample_is_held_to_its_words_and_near_its_numbers(one, two, so):
    assert alike(one, two) is so


def test_a_sample_leaves_out_only_what_it_says():
    assert_shows("a\nb\nc\n", "a\n...\nc\n")
    for said in ("a\nc\n", "c\n...\na\n", "a\n...\nd\n"):
        with pytest.raises(AssertionError):
            assert_shows("a\nb\nc\n", said)


def test_calls_are_found_in_pipes_loops_and_behind_settings():
    loop = "for i in 1 2; do\n  X=$((i - 1)) sublearn run a --shard $i/8 &\ndone; wait\n"
    text = loop + "cat f | sublearn filter - > kept  # sublearn x\n"
    assert list(commands(text)) == [["run", "a", "--shard", "$i/8"], ["filter", "-"]]


def test_every_study_file_that_a_page_names_is_there_or_shown():
    shown = {block.title for page in PAGES for block in blocks(page)}
    for _, call in CALLS:
        for word in call:
            if is_study_file(word) or ".py" in word:
                assert word in shown or (ROOT / word.partition(":")[0]).exists()
