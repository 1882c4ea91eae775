import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from markupsafe import Markup

from sublearn.report import sections
from sublearn.report.page import Section, alignment_page, audit_page, page, replication_page, sweep_page, trace_page
from sublearn.report.sections import lineage, opening
from sublearn.report.sections.given import Traced
from sublearn.report.sections.table import PAGES, SECTIONS
from sublearn.report.template import rendered
from sublearn.report.terms import TERMS, explained, key_of, terms_in
from sublearn.study.analysis import analyse
from sublearn.study.steps import Table
from tests.report import samples

FOLDER = Path(sections.__file__).parent
STATISTICAL = (
    "95% interval", "±", "t-interval", "bootstrap", "paired", "sign-flip", "Holm", "Hedges' g", "Effect size",
    "standard deviation", "counts as no difference", "count as none", "equivalent", "one-sided tests", "% power",
    "inconclusive", "refuted", "supported", "chance", "cosine", "Spearman", "first order", "margin", "auxiliary logits",
    "log-odds", "joint 95% interval", "control", "init",
)  # fmt: skip
"""Words that nobody has to know beforehand."""


def test_each_section_is_one_file_with_its_template_and_one_line():
    named = {block.name for table in PAGES for block in table}
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "given", "table"} == named
    assert {path.name.partition(".")[0] for path in FOLDER.glob("*.j2")} - {"macros"} == named
    for table in PAGES:
        assert len({block.name for block in table}) == len({block.title for block in table}) == len(table)
        for block in table:
            assert block.view.__module__ == f"sublearn.report.sections.{block.name}"


@pytest.mark.parametrize("number", range(len(PAGES)))
def test_every_section_shows_what_it_is_given_under_ids_of_its_own(number, given):
    table = PAGES[number]
    for block in table:
        view = block.view(given[table], "mykey")
        assert view is not None
        body = rendered(block.name, block.title, view).body
        assert isinstance(body, Markup) and len(body.striptags()) > 20
        ids = re.findall(r' id="([^"]+)"', body)
        assert len(ids) == len(set(ids)) and all(one.startswith("mykey") for one in ids)


def test_every_page_has_its_sections_in_order(pages):
    for table, html in zip(PAGES, pages, strict=True):
        heads = re.findall("<h3>(.*?)</h3>", html)
        assert [title for title in heads if title in {block.title for block in table}] == heads
        assert [block.title for block in table if block.title in heads] == heads


def test_every_page_has_one_style_and_loads_nothing(pages):
    styles = {re.search("<style>.*?</style>", html, re.DOTALL)[0] for html in pages}
    assert len(styles) == 1
    for html in pages:
        assert "http:" not in html and "https:" not in html and "<script" not in html and html.count("<h1>") == 1


def test_statistical_terms_are_explained_in_the_section_that_uses_them(pages):
    for html in pages:
        body, _, glossary = html.partition('<section class="glossary"')
        for section in re.split("<h3>", body)[1:]:
            text = Markup(re.sub(r"(?s)<(code|pre)\b.*?</\1>|<[^>]*>", " ", section)).unescape()
            keys = set(re.findall('<button type="button" class="term" popovertarget="([^"]+)"', section))
            names = [name for name in TERMS if key_of(name) in keys]
            for word in STATISTICAL:
                if word in text:
                    assert any(re.search(TERMS[name].pattern, word) for name in names), word
        for key in re.findall('popovertarget="([^"]+)"', html):
            assert glossary.count(f'<div id="{key}" class="meaning" popover>') == 1  # once a page, wherever it is asked


def test_each_term_has_an_id_of_its_own():
    assert len({key_of(name) for name in TERMS}) == len(TERMS)


def test_a_term_becomes_a_button_once_where_one_can_be_pressed():
    html = (
        '<p title="an interval">same_init, <a href="#x">interval</a> &lt;interval&gt; of an interval</p>'
        "<svg><text>cosine</text></svg><code>logits</code><p>interval, power</p>"
    )
    marked, found, elsewhere = explained(html)
    button = '<button type="button" class="term" popovertarget="term-95-interval">interval</button>'
    assert (
        marked == html.replace("&lt;interval&gt;", f"&lt;{button}&gt;")
        and re.sub("</?button[^>]*>", "", marked) == html
    )
    assert found == ["95% interval"] and elsewhere == ["init", "cosine"]


def test_words_of_everyday_are_no_terms():
    assert explained("<p>what it looks like, with a chance of 90%, if they share their base</p>")[1:] == ([], [])


def test_a_term_is_found_in_whole_words_and_every_term_has_a_meaning():
    assert [name for name, _ in terms_in("p = 0.02, sign-flip test")] == ["sign flips", "p"]
    assert not terms_in("Printed at initials; in the top part")


def test_lines_that_differ_in_their_numbers_alone_have_the_same_terms():
    ends = ("95% CI", "90% CI", "95% power", "5 runs", "p = 0.02", "p", "±", "2 looks", "log-odds 3", "sd", "unit of 2")
    lines = [f"{number} {end} {number / 7:.3f}" for number in range(40) for end in ends]
    text = "\n".join([*lines, *(f"x {end}" for end in ends)])
    found = [name for name, term in TERMS.items() if re.search(term.pattern, text)]
    assert [name for name, _ in terms_in(text)] == found and len(found) > 7
    assert all(re.compile(term.pattern) and term.meaning.endswith(".") for term in TERMS.values())


def test_no_section_obeys_what_it_is_given(sample):
    bad, name = "</td><script>alert('x')</script>$x_$", "<i>_name</i>"
    arms = tuple(arm.model_copy(update={"about": bad}) for arm in sample(1)[0].study.arms)
    study = sample(1, title=bad, question=bad, arms=arms)[0].study
    made = {"command": bad, "versions": {bad: bad}, "runtime": {bad: bad}}
    tables = (Table(bad, (name, name), ((bad, bad),), 1, bad),)
    rows = [replace(row, name=bad, what=bad, source=bad, because=bad, command=bad) for row in samples.comparisons()]
    traced = [replace(row, arm=name if row.arm == "same_init" else row.arm) for row in samples.trace_rows()]
    hostile = [
        page([Section(analyse(study, []), [], made, tables, bad, bad, bad)]),
        sweep_page(
            [samples.point_of({bad: bad}, analyse(study, []), bad)],
            {"study": bad, "grid": {bad: [bad]}, "command": bad},
        ),
        replication_page(rows, replace(samples.made(), command=bad, versions={bad: bad})),
        trace_page(Traced(traced, made, study=bad, labels={"same_init": bad})),
        alignment_page(samples.alignment().model_copy(update={"study": bad, "command": bad})),
        audit_page(*samples.hostile_audit(bad)),
    ]
    for html in hostile:
        assert "<script" not in html and "<i>" not in html and "&lt;script&gt;" in html


def test_sections_without_content_are_left_out(sample):
    html = page([Section(*sample(3, claims=()), {})])
    assert "Also recorded" not in html and "Which rows" not in html
    assert "<strong>Run by " in html
    assert "<strong>Run by " not in page([Section(analyse(sample(1)[0].study, []), [], {})])
    old = [row for row in samples.comparisons() if not row.measured]
    assert "Theirs and ours</h3>" not in replication_page(old, samples.made())


def test_of_many_comparisons_those_of_the_sentence_are_drawn_run_by_run(given, monkeypatch):
    one = given[SECTIONS]
    pairs = [replace(one.pairs[0], who=f"student {number}") for number in range(opening.MOST + 1)]
    drawn = []
    monkeypatch.setattr(opening, "outcome_figure", lambda pairs, width=0: drawn.append(pairs))
    monkeypatch.setattr(opening, "twins", lambda *pictures: {})
    for shown, said in ((pairs[1:], ""), (pairs, "Drawn are 4 of 13 comparisons, those of the sentence.")):
        view = opening.view(SimpleNamespace(pairs=shown, carried=None), "k")
        assert view is not None and view["figures"][0]["caption"].endswith(said or "as up.")
        assert [pair.who for pair in drawn[-1]] == [pair.who for pair in (shown[:4] if said else shown)]


def test_a_diagram_of_very_many_arms_is_left_out_and_the_arms_are_listed(given, monkeypatch):
    one = given[SECTIONS]
    assert lineage.view(one, "k")["figures"]
    monkeypatch.setattr(lineage, "MOST_ARMS", 2)
    view = lineage.view(one, "k")
    assert not view["figures"] and len(view["arms"]) == len(one.analysis.study.arms) > 2
