from pathlib import Path

import pytest
import yaml

from sublearn.report import citing

FILE = Path(__file__).parents[2] / "CITATION.cff"


def test_it_is_cited_as_the_repository_says():
    said = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    paper = said["preferred-citation"]
    assert (said["title"], said["authors"][0]["name"]) == (citing.TITLE, citing.AUTHORS)
    assert (paper["title"], str(paper["year"])) == (citing.PAPER, citing.YEAR)
    assert paper["notes"] == f"arXiv {citing.NUMBER}"
    assert [(one["family-names"], one["given-names"]) for one in paper["authors"]] == list(citing.WRITERS)


@pytest.mark.parametrize("versions", [{}, {"sublearn": "1.2.3\x1b[31m"}])
def test_a_version_is_named_if_there_is_one_and_as_plain_text(versions):
    text = citing.citation("A title", versions, ["somebody", "somebody else"]) + citing.bibtex(versions)
    assert ("1.2.3" if versions else "unknown") in text and "\x1b" not in text
    assert "Published figures: somebody; somebody else." in text and text.count("@") == 2
