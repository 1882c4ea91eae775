import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import make_mechanisms

from sublearn.errors import InputError
from sublearn.study.analysis import analyse
from sublearn.study.mechanisms.compared import compared
from sublearn.study.mechanisms.design import built
from sublearn.study.mechanisms.table import named


def test_the_page_says_what_the_table_of_mechanisms_says():
    page = Path(make_mechanisms.FILE).read_text()
    assert make_mechanisms.replaced(page, "claims", "\n".join(make_mechanisms.claims())) == page


COUNTS = r"{} published claims{} {} agree.*?, {} (?:is|are) opposite, {} (?:is|are) absent(?:,| and) {} cannot be told"


@pytest.mark.parametrize("file", ["README.md", "LOG.md", "docs/findings.md"])
def test_what_is_told_of_the_published_claims_elsewhere_is_what_the_table_counts(file):
    """By the line above the table, which is written from a run."""
    page = Path(make_mechanisms.FILE).read_text().split("<!-- measured -->")[1].split("<!-- end -->")[0]
    counts = re.search(COUNTS.format(r"(\d+)", ":", *[r"(\d+)"] * 4), page)
    told = re.search(COUNTS.format(r"(\d+)", " on why", ".*? (\\d+)", *[r"(\d+)"] * 3), flat(ROOT / file))
    assert counts is not None and told is not None and told.groups() == counts.groups()


def flat(file: Path) -> str:
    """A page in one line."""
    return " ".join(file.read_text().split())


def test_each_study_has_a_table_and_a_figure_of_its_own(tmp_path, monkeypatch):
    def of(name: str) -> SimpleNamespace:
        analysis = analyse(built({"mechanisms": named([name]) if name else []}), [])
        return SimpleNamespace(mechanisms=compared(analysis), analysis=analysis)

    file = tmp_path / "mechanisms.md"
    file.write_text(Path(make_mechanisms.FILE).read_text())
    (tmp_path / "figures").mkdir()
    monkeypatch.setattr(make_mechanisms, "FILE", file)
    monkeypatch.setattr(make_mechanisms, "Result", SimpleNamespace(load=of))
    make_mechanisms.main(["", "further", "follow_up"])
    page = file.read_text()
    parts = [page.split(f"<!-- {name} -->")[1].split("<!-- end -->")[0] for name in make_mechanisms.FIGURES]
    titles = ["Divergence tokens", "Ten generations", "Optimizers at the same progress"]
    assert [[f"| {title} |" in part for title in titles] for part in parts] == np.eye(3).tolist()
    for name, text in zip(("mechanisms", "further", "follow_up"), parts, strict=True):
        assert f"(figures/{name}.svg)" in text and (tmp_path / f"figures/{name}.svg").read_text().startswith("<svg ")
    with pytest.raises(InputError, match="A table is of all mechanisms"):
        make_mechanisms.main(["greedy"])
