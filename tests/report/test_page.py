import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from sublearn.columns import Columns
from sublearn.report.charts.figures import arms_figure
from sublearn.report.charts.sheet import NARROW
from sublearn.report.outcome import outcome
from sublearn.report.page import Section, page
from sublearn.report.wording import capital, contrast_label, contrast_text, interval_text, point_text
from sublearn.study.analysis import analyse
from sublearn.study.labels import labels
from sublearn.study.steps import Table
from tests.report.samples import unmarked

MANIFEST = {
    "id": "sample-0",
    "study": {},
    "versions": {"torch": "2.13.0", "python": "3.11.9"},
    "runtime": {"device": "cpu", "precision": "highest", "engine": "local"},
    "command": "sublearn run sample --seeds 0:24 --set 'student.lr=1e-3'",
}
HOSTILE = "</td><script>alert('x')</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


@dataclass
class Read(HTMLParser):
    """What a browser would see: elements with attributes, and rows of table cells."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def read(html: str) -> Read:
    reader = Read()
    reader.feed(html)
    reader.close()
    reader.rows = [[" ".join(cell.split()) for cell in row] for row in reader.rows]
    return reader


@pytest.fixture
def full(sample):
    return page([Section(*sample(24, diverged=(3, 4)), MANIFEST)])


def test_the_page_loads_nothing_and_runs_nothing(full):
    for tag, attributes in read(full).elements:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "image", "base", "form")
        assert "src" not in attributes and "srcset" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "http:" not in full and "https:" not in full
    assert "url(" not in full and "@import" not in full


def test_the_verdict_comes_first_in_words_with_a_badge(full, sample):
    analysis, _ = sample(24, diverged=(3, 4))
    text = " ".join(read(full).text.split())
    for finding in analysis.findings:
        assert finding.claim in text and finding.because in text
        assert f'<span class="badge {finding.verdict}">{finding.verdict}</span>' in full
    assert full.count('<div class="verdicts">') == 1  # one box for all claims
    box = full[full.index('<div class="verdicts">') : full.index("<strong>The claims")]
    assert box.count('<div class="verdict ') == len(analysis.findings)
    assert text.index(outcome(analysis, sample(24, diverged=(3, 4))[1])) < text.index("Run by run")
    assert text.index("Run by run") < text.index(analysis.findings[0].because) < text.index("Every arm")
    assert text.index("Every arm") < text.index("Comparisons")


def test_numbers_on_the_page_are_those_of_the_analysis(full, sample):
    analysis, _ = sample(24, diverged=(3, 4))
    rows, names = read(full).rows, labels(analysis.study)
    for row in analysis.estimates:
        start = [
            called(names[row.arm], row.arm),
            point_text(row.estimate),
            interval_text(row.estimate),
            str(row.estimate.n),
        ]
        assert start in [cells[:4] for cells in rows]
    for row in analysis.contrasts:
        found = row.contrast
        label = contrast_label(row.treatment, row.control, analysis.study, names)
        start = [
            called(label, contrast_text(row.treatment, row.control)),
            point_text(found),
            interval_text(found),
            str(found.n),
        ]
        assert start in [cells[:4] for cells in rows]


def called(label: str, code: str) -> str:
    """A cell with what something is called and, where that is another name, the one in code."""
    label = capital(label)
    return label if label.lower() == code else f"{label} {code}"


def test_unmeasured_runs_stand_with_their_reason(full):
    assert ["Student of the same init same_init", "margin", "3, 4", "diverged", "loss was not finite"] in read(
        full
    ).rows
    assert "4 of 240 records have no value" in full


def test_settings_arms_versions_runtime_and_command_are_told(full):
    seen = read(full)
    for row in (["student.lr", "0.001"], ["epochs", "4"], ["torch", "2.13.0"], ["precision", "highest"]):
        assert row in seen.rows
    student = called("student of the same init", "same_init")
    assert [student, "same_init_control", "trained", "same", "auxiliary logits", "same"] in seen.rows
    assert MANIFEST["command"] in seen.text


def test_every_seed_is_a_point_in_both_widths(sample):
    groups = re.findall('<g class="points">.*?</g>', page([Section(*sample(7), MANIFEST)]), re.DOTALL)
    rows = 5 * 2  # arms by traits
    assert [group.count("<use ") for group in groups] == [7] * 2 * rows


def test_twenty_thousand_seeds_are_less_than_a_megabyte_and_each_density_is_there_once(sample):
    few = Columns.of(sample(100)[1])
    parts = [Columns(few.kinds, few.kind, few.seed + start, few.value, few.n) for start in range(0, 20_000, 100)]
    records = Columns.joined(parts)
    section = Section(analyse(sample(1)[0].study, records), records, MANIFEST)
    html = page([section])
    assert len(html.encode()) < 1_000_000 and "20,000 runs, seeds 0 to 19999" in read(html).text
    assert unmarked(html).count("Too many runs for points") == 2 and "Each point is" not in html
    assert "240 of them, evenly chosen" in html
    wide, narrow = (
        re.findall(rf'<div class="{size}">(<svg.*?</svg>)</div>', html, re.DOTALL) for size in ("wide", "narrow")
    )
    shapes, uses = ([shape for picture in pictures for shape in densities(picture)] for pictures in (wide, narrow))
    assert len(shapes) == len(uses) == 5 * 2
    assert {shape.tag for shape in shapes} == {"path"} and {use.tag for use in uses} == {"use"}
    assert [use.get("href") for use in uses] == [f"#{shape.get('id')}" for shape in shapes]
    alone = arms_figure(section.analysis, section.records, "margin", width=NARROW)
    for shape, use, own in zip(shapes[5:], uses[5:], densities(alone), strict=True):
        scale, _, _, one, right, down = map(float, re.findall(r"[-\d.]+", use.get("transform", "")))
        assert one == 1
        assert corners(shape) * (scale, 1) + (right, down) == pytest.approx(corners(own), abs=0.11)


def test_one_trait_is_seen_at_once_and_the_others_when_they_are_asked_for(sample):
    table = Table("Also seen", ("Animal", "Reasons", "same_init_control"), (("owl", "many", "0.5"),), 2, "About it.")
    html = unmarked(page([Section(*sample(3), MANIFEST, (table,))]))
    order = ["Every arm</h3>", "<strong>trait_rate", "<details", "<strong>margin", "</details>", "Also seen"]
    places = [html.index(order[0])]
    for text in order[1:]:
        places.append(html.index(text, places[-1]))
    assert places == sorted(places) and places[-1] < html.index("<h3>Comparisons")
    assert "same_<wbr>init_<wbr>control" in html
    assert re.search(r'<td class="wrap"[^>]*>many</td><td class="number"[^>]*>0.5</td>', html)


def test_words_of_a_story_stand_around_the_verdict_and_its_title_in_place_of_the_study_s(sample):
    html = page([Section(*sample(3), MANIFEST, title="1. Once", before="Before <it>.", after="After.")])
    text = " ".join(read(html).text.split())
    assert text.index("1. Once") < text.index("Before <it>.") < text.index("Verdict") < text.index("After.")
    assert text.index("After.") < text.index("Every arm") and "A sample" not in html[html.index("<body>") :]


def densities(picture: str) -> list[ElementTree.Element]:
    groups = ElementTree.fromstring(picture).iterfind(".//{*}g[@class]")
    return [shape for group in groups if "density" in group.get("class", "").split() for shape in group]


def corners(shape: ElementTree.Element) -> np.ndarray:
    return np.array(re.findall(r"[-\d.]+", shape.get("d", "")), dtype=float).reshape(-1, 2)


def test_hostile_text_is_shown_and_not_obeyed(sample):
    analysis, records = sample(
        3, title=HOSTILE, question=HOSTILE, settings={HOSTILE: HOSTILE, "nested": {"x": HOSTILE}}
    )
    bad = records[0].model_copy(update={"value": None, "status": "diverged", "reason": HOSTILE, "n": 0})
    records = [bad, *records[1:]]
    manifest = {"versions": {HOSTILE: HOSTILE}, "runtime": {HOSTILE: HOSTILE}, "command": HOSTILE}
    seen = read(page([Section(analyse(analysis.study, records), records, manifest)]))
    assert not {"script", "img"} & {tag for tag, _ in seen.elements}
    assert seen.text.count(HOSTILE) >= 9


def test_several_sections_have_their_own_ids_and_a_way_to_each(sample):
    few, many = sample(3), sample(24)
    html = page([Section(*few, MANIFEST), Section(*many, MANIFEST)])
    seen = read(html)
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes["href"] or "")[1:] for _, attributes in seen.elements if "href" in attributes}
    assert {"s1", "s2"} <= targets <= set(ids)
    labels = {attributes["aria-labelledby"] for _, attributes in seen.elements if "aria-labelledby" in attributes}
    assert labels <= set(ids)
    assert html.count("<h3>Who taught whom") == 1 and html.count("<h3>Every arm") == 2
    assert "3 runs, seeds 0 to 2" in seen.text and "24 runs, seeds 0 to 23" in seen.text


def test_headings_are_in_order_and_tables_and_figures_are_named(full):
    seen = read(full)
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    count = {
        name: sum(tag == name for tag, _ in seen.elements) for name in ("table", "caption", "figure", "figcaption")
    }
    assert count["table"] == count["caption"] > 0 and count["figure"] == count["figcaption"] == 5
    assert all(attributes.get("aria-label") for tag, attributes in seen.elements if tag == "svg")
    assert seen.elements[0] == ("html", {"lang": "en"})


def test_one_run(sample):
    html = read(page([Section(*sample(1), {})])).text
    assert "1 run, seed 0" in html and "In the one run the student of the same init scored higher" in html
    assert "no verdict can be reached with fewer than 8" in html and "undefined, 1 run" in html
    assert "The command was not recorded" in html and "Versions: not recorded" in html


def test_nothing_measured(sample):
    study = sample(1)[0].study
    html = page([Section(analyse(study, []), [], MANIFEST)])
    empty = [cells[1] for cells in read(html).rows if "undefined, 0 runs" in cells]
    assert empty == ["unmeasured"] * (10 + 6 + 1)  # estimates, arms with a control, the claim on a difference
    assert "There are no records yet" in html


def test_no_section_and_no_claim(sample):
    assert "There is no result" in page([])
    assert "makes no claim" in page([Section(*sample(3, claims=()), MANIFEST)])


def test_same_input_same_page(sample):
    assert page([Section(*sample(5), MANIFEST)]) == page([Section(*sample(5), MANIFEST)])


def test_the_report_imports_without_torch():
    modules = ", ".join(
        f"sublearn.report.{name}"
        for name in ("charts.figures", "tables", "page", "charts.svg", "charts.rows", "charts.palette")
    )
    # A finder, because SciPy looks into sys.modules["torch"] where there is one, even None.
    block = (
        "type('Block', (), {'find_spec': lambda self, name, *rest: 1 / (name.partition('.')[0] != 'torch') and None})"
    )
    code = f"import sys; sys.meta_path.insert(0, {block}()); import {modules}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
