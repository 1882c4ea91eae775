"""Every kind of result is shown, drawn, written and read back. A new kind is one row of KINDS and of MAKERS."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import sublearn
from sublearn.errors import InputError
from sublearn.results.base import FORMATS
from sublearn.results.load import KINDS, kind_of
from tests.report.samples import unmarked
from tests.results.conftest import MAKERS


def width_in_mm(file: Path) -> float:
    """How wide a figure is on paper."""
    if file.suffix == ".pdf":
        return float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", file.read_bytes())[1]) / 72 * 25.4
    if file.suffix == ".png":
        with Image.open(file) as picture:
            return picture.width / 300 * 25.4
    return float(re.search(r'<svg [^>]* width="([\d.]+)mm"', file.read_text())[1])


def test_every_kind_has_a_maker():
    assert list(KINDS) == list(MAKERS)


def test_what_is_saved_is_loaded(result, kind, tmp_path):
    saved = result.save(tmp_path / "saved")
    assert kind_of(saved.folder) == kind and type(saved) is type(result) is KINDS[kind]
    loaded = sublearn.load(tmp_path / "saved")
    assert saved == loaded == result
    assert loaded.path == tmp_path / "saved"
    assert loaded.provenance == saved.provenance == result.provenance
    assert loaded.summary() == result.summary()
    before = {path: path.read_bytes() for path in saved.folder.rglob("*") if path.is_file()}
    loaded.write()
    assert {path: path.read_bytes() for path in saved.folder.rglob("*") if path.is_file()} == before


def test_nothing_is_saved_over_what_is_somebody_elses(result, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError):
        result.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_result_is_short_where_it_is_shown(result):
    assert 20 < len(repr(result)) < 400 and "\n" not in repr(result)
    html = result._repr_html_()
    assert len(html) < 100_000 and html.count("<svg") == 1 and html.count("<tr>") <= 13
    assert "http" not in html.replace("http://www.w3.org", "")
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    ElementTree.fromstring(body.replace("&nbsp;", " "))


def test_two_results_in_one_notebook_share_no_names(result):
    names = [re.findall(r' id="([^"]+)"', one._repr_html_()) for one in (result, MAKERS["replication.json"]())]
    assert type(result) is KINDS["replication.json"] or not set(names[0]) & set(names[1])


def test_a_table_has_a_row_for_whatever_was_measured(result):
    frame = sublearn.to_frame(result)
    assert isinstance(frame, pd.DataFrame) and len(frame) > 1 and frame.columns.is_unique
    assert frame.equals(result.to_frame())
    json.dumps(result.to_dict())


def test_it_is_drawn_on_the_axes_that_are_given(result):
    axes = Figure().add_subplot()
    assert result.plot(axes) is axes
    assert axes.has_data() or axes.get_lines() or axes.artists or axes.patches
    assert isinstance(result.plot(), Axes)


def test_latex_is_escaped_and_says_n(result):
    table = result.to_latex()
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert table.count(rule) == 1
    body = table.split(r"\toprule")[1]
    assert not re.search(r"(?<!\\)[_%#$]", body.replace(r"\ensuremath{\pm}", "").replace(r"\\", ""))
    assert not re.search(r"[^\x00-\x7f]", body)


def test_it_says_how_to_cite_it(result):
    assert "arXiv 2507.14805" in result.citation() and "sublearn (version" in result.citation()
    assert "@software{sublearn" in result.bibtex()


def test_its_page_says_how_to_cite_it(result, kind, tmp_path):
    saved = result.save(tmp_path / "saved")
    pages = [unmarked(path.read_text()) for path in saved.folder.glob("*.html")]
    assert len(pages) == 1 and "How to cite it</h3>" in pages[0]
    if kind != "demo.json":  # of the story's page each part is cited
        assert escape(saved.citation()) in pages[0] and escape(saved.bibtex()) in pages[0]


def test_tables_and_figures_go_into_its_folder_in_every_format(result, tmp_path):
    with pytest.raises(InputError, match="in memory alone"):
        result.write_csv()
    saved = result.save(tmp_path / "saved")
    assert saved.write_csv().read_text().count("\n") == len(saved.to_frame()) + 1
    assert saved.write_latex().read_text() == saved.to_latex()
    starts = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<svg"}
    for kind in FORMATS:
        folder = saved.write_figures(kind)
        files = list(folder.glob(f"*.{kind}"))
        assert len(files) == len(saved.figures()) > 0
        assert all(file.read_bytes().startswith(starts[kind]) for file in files)
        assert all(width_in_mm(file) == pytest.approx(170, abs=0.2) for file in files)
    with pytest.raises(InputError, match="Unknown format 'gif'"):
        saved.write_figures("gif")


def test_loading_needs_no_torch_and_what_is_none_of_ours_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run directory"):
        sublearn.load(tmp_path)
    with pytest.raises(InputError, match="no run directory"):
        sublearn.load(tmp_path / "absent")
