import re

from sublearn.report.terms import TERMS, word_list
from tests.docs.pages import PAGES, ROOT


def test_the_list_of_words_is_the_one_of_the_pages():
    assert (ROOT / "docs/words.md").read_text() == word_list(), "make words writes it again"
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", word_list(), re.MULTILINE)[1:]
    assert [name for name, _ in rows] == [*TERMS]
    assert all(text.startswith(TERMS[name].meaning) for name, text in rows)


def test_no_meaning_is_written_down_twice():
    for page in PAGES:
        text = " ".join(page.read_text().split())
        assert page.name == "words.md" or not [name for name, term in TERMS.items() if term.meaning in text], page
