import sys
from pathlib import Path

from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import make_mechanisms


def test_the_page_says_what_the_table_of_mechanisms_says():
    page = Path(make_mechanisms.FILE).read_text()
    assert make_mechanisms.replaced(page, "claims", "\n".join(make_mechanisms.claims())) == page
    assert all(line in page for line in make_mechanisms.claims())
