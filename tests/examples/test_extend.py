"""The code of every page of docs/extend runs, each page in a process of its own, and prints what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "extend").glob("*.md"))
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
OUTPUT = re.compile(r"```text\n(.*?)```", re.DOTALL)


def test_there_is_a_page_for_each_thing_that_can_be_added():
    assert {page.stem for page in PAGES} == {"study", "task", "trait", "layer-rule", "report-section", "command"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_prints_what_it_says(page):
    text = page.read_text(encoding="utf-8")
    code, said = "\n\n".join(CODE.findall(text)), "".join(OUTPUT.findall(text))
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert said and done.stdout == said
