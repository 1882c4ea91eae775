"""README and the pages of docs/: their blocks of code, what of them is run, and whether they print what they say."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"sh", "python", "text", "yaml", "json", "html"}
FENCE = re.compile(
    r'^```(?P<language>[^\s`]*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)
MARK = "# not run by the tests"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
NEAR = 0.05
"""So far a number may lie from the one that a page shows: long trainings amplify last digits."""


@dataclass(frozen=True)
class Block:
    """A fenced block, and what a block of text behind it says that it prints."""

    language: str
    title: str
    text: str
    said: str = ""

    @property
    def run(self) -> str:
        """What the tests run of it: all but the paragraphs, or their rest, under a mark that says why not."""
        kept = (paragraph.partition(MARK)[0] for paragraph in re.split(r"\n(?=\n)", self.text))
        return "\n".join(kept).strip("\n") + "\n"

    @property
    def reasons(self) -> list[str]:
        """Why parts of it are not run."""
        return [line.partition(MARK)[2] for line in self.text.splitlines() if line.lstrip().startswith(MARK)]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in their order. What one prints stands in the next one, under the same heading."""
    text = page.read_text()
    found = [*FENCE.finditer(text), None]
    return [_block(one, after, text) for one, after in pairwise(found) if one]


def _block(one: re.Match[str], after: re.Match[str] | None, text: str) -> Block:
    shows = after is not None and after["language"] == "text" and "\n#" not in text[one.end() : after.start()]
    return Block(one["language"], one["title"] or "", one["text"], after["text"] if after and shows else "")


def of(page: Path, language: str) -> list[Block]:
    """The blocks in this language of which anything is run."""
    return [block for block in blocks(page) if block.language == language and block.run.strip()]


def commands(text: str) -> Iterator[list[str]]:
    """The words behind `sublearn` in each of its calls in a shell text."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        words.whitespace_split = True
        call: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("|&;<>"):
                if "sublearn" in call:
                    yield call[call.index("sublearn") + 1 :]
                call = []
            else:
                call.append(word)


def assert_shows(printed: str, said: str) -> None:
    """Every line of a sample was printed, in this order; between them there may be others where it says `...`."""
    lines = iter(printed.splitlines())
    leap = False
    for line in said.splitlines():
        if line == "...":
            leap = True
            continue
        shown = next((one for one in lines if not leap or alike(one, line)), "nothing more")
        assert alike(shown, line), f"printed: {shown}\nthe page says: {line}"
        leap = False


def alike(one: str, two: str) -> bool:
    """Whether two lines have the same words and whole numbers, and fractions near one another."""
    if NUMBER.split(one) != NUMBER.split(two):
        return False
    numbers = zip(NUMBER.findall(one), NUMBER.findall(two), strict=True)
    return all(a == b or ("." in a + b and float(a) == pytest.approx(float(b), abs=NEAR)) for a, b in numbers)
