import sys
from pathlib import Path

from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import make_mechanisms

from sublearn.study.analysis import analyse
from sublearn.study.mechanisms.compared import compared
from sublearn.study.mechanisms.design import built
from sublearn.study.mechanisms.table import named


def test_the_page_says_what_the_table_of_mechanisms_says():
    page = Path(make_mechanisms.FILE).read_text()
    assert make_mechanisms.replaced(page, "claims", "\n".join(make_mechanisms.claims())) == page
    assert all(line in page for line in make_mechanisms.claims())


def test_each_study_has_a_table_of_its_own():
    page = Path(make_mechanisms.FILE).read_text()
    found = {name: compared(analyse(built({"mechanisms": named([name])}), [])) for name in ("greedy", "further")}
    blocks = {name: make_mechanisms.block(one) for name, one in found.items()}
    assert blocks == {"greedy": "measured", "further": "further"}
    for one in blocks.values():
        assert "a table" in make_mechanisms.replaced(page, one, "a table")
