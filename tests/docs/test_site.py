"""`make docs`: the site builds without a warning, links to every page, loads nothing from elsewhere and can be used."""

import re
import shutil
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import sublearn
from sublearn.cli.app import COMMANDS, cli
from tests import chromium
from tests.docs.pages import PAGES, ROOT
from tests.processes import call

if find_spec("mkdocs") is None:
    pytest.skip("the site is tested where the extra docs is installed", allow_module_level=True)
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
NO_PAGES = {"404.html"}
FIGURE = re.compile(r"[-+]?\d*\.\d+")


class Page(HTMLParser):
    """What a page loads, and what it links to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[Path] = set()
        self._file = file
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in LOADED and LOADED[tag] in found:
            self.loads.add(found[LOADED[tag]])
        self.loads |= {part.split()[0] for part in found.get("srcset", "").split(",") if part}
        if tag == "a" and "://" not in (target := found.get("href", "").partition("#")[0]) and target:
            self.links.add((self._file.parent / target).resolve())


def mkdocs(*arguments: str | Path):
    """Run mkdocs as `make docs` does."""
    command = [sys.executable, "-m", "mkdocs", "build", *map(str, arguments)]
    return call(command, cwd=ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = mkdocs("--strict", "--site-dir", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    return {file.relative_to(site).as_posix(): Page(file) for file in sorted(site.rglob("*.html"))}


def test_every_text_is_a_page(pages):
    texts = {page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in PAGES[1:]}
    assert texts | {"index.html", "reference/commands.html", "project/LOG.html"} <= set(pages)


def test_a_page_loads_nothing_from_elsewhere(site, pages):
    for name, page in pages.items():
        assert page.loads and not [one for one in page.loads if re.match(r"(?:\w+:)?//", one)], name
        assert name in NO_PAGES or all((site / name).parent.joinpath(one).is_file() for one in page.loads), name
    for file in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:\w+:)?//|@import", file.read_text(encoding="utf-8")), file


def test_every_page_is_linked_and_every_link_leads_somewhere(site, pages):
    linked = set().union(*(page.links for name, page in pages.items() if name not in NO_PAGES))
    assert {(site / name).resolve() for name in set(pages) - NO_PAGES} <= linked
    assert not [target for target in linked if not target.exists()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("findings.md", "# Found\n\n[gone](nowhere.md)\n", "nowhere.md"),
        ("findings.md", "# Found\n\n[gone](studies.md#nowhere)\n", "nowhere"),
        ("alone.md", "# Nothing links here\n", "alone.md"),
    ],
)
def test_a_dead_link_and_a_page_without_a_link_are_refused(name, text, said, tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / name).write_text(text)
    settings = (ROOT / "mkdocs.yml").read_text().replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
    settings = settings.replace("- tools/site.py", f"- {ROOT / 'tools/site.py'}").replace("[.]", f"[{ROOT}]")
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = mkdocs("--config-file", tmp_path / "mkdocs.yml", "--site-dir", tmp_path / "site")
    assert done.returncode == 1 and said in done.stderr


def test_the_reference_has_every_public_name():
    text = (ROOT / "docs/reference/python.md").read_text()
    shown = set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))
    assert {f"sublearn.{module}.{name}" for name, module in sublearn._SHELF.items()} - shown == {
        "sublearn.devices.DEVICE"
    }
    assert "`sublearn.DEVICE`" in text


def test_the_reference_has_every_command_with_its_options(site):
    text = (site / "reference/commands.html").read_text()
    for name in COMMANDS:
        command = cli.get_command(None, name)
        assert command is not None and f">sublearn {name}<" in text
        assert all(option in text for parameter in command.params for option in parameter.opts if option[0] == "-")


def test_every_figure_among_the_findings_stands_on_the_page_that_it_links():
    text = (ROOT / "docs/findings.md").read_text()
    items = re.findall(r"^- (.*?)(?=^-|^#|\Z)", text, re.MULTILINE | re.DOTALL)
    found = 0
    for item in items:
        (page,) = re.findall(r"\]\(([\w-]+\.md)", item)
        there = (ROOT / "docs" / page).read_text()
        figures = FIGURE.findall(item)
        assert not [figure for figure in figures if figure not in there], page
        found += len(figures)
    assert len(items) >= 8 and found >= 20


@pytest.mark.slow
@pytest.mark.skipif(bool(chromium.missing()), reason=f"the site is not looked at without {chromium.missing()}")
@pytest.mark.parametrize("look", chromium.LOOKS)
def test_the_site_opens_from_the_disk_without_a_request_or_an_error(look, site, pages):
    wrong = []
    with chromium.started() as browser:
        page = browser.new_context(**chromium.LOOKS[look]).new_page()
        chromium.watch(page, wrong, "file:")
        for name in set(pages) - NO_PAGES:
            page.goto((site / name).as_uri())
            assert not chromium.is_wider(page), name
            assert chromium.faults(page) == [], name
        page.goto((site / "index.html").as_uri())
        if look != "phone":
            page.click(".md-search__input")
            page.keyboard.type("placebo", delay=50)
            page.wait_for_selector(".md-search-result__meta:has-text('matching documents')")
    assert wrong == []


@pytest.mark.slow
def test_the_table_of_the_story_in_the_readme_is_what_the_story_gives(tmp_path):
    done = call([sys.executable, "-m", "sublearn", "demo", "--quiet", "--out", str(tmp_path / "demo")])
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| [^|]* \| [\d, to]+ \| ([^|]*) \| (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == 3
    for (said, verdict), part in zip(rows, sublearn.load(tmp_path / "demo").parts(), strict=True):
        (claim,) = [one for one in part.study.claims if one.trait == "trait_rate"]
        finding = part.findings[part.study.claims.index(claim)]
        pair = (claim.treatment, claim.control, claim.trait)
        drawn = part.analysis.contrasts
        contrast = next(row.contrast for row in drawn if (row.treatment, row.control, row.trait) == pair)
        given = [value for value in (contrast.mean, contrast.low, contrast.high) if value is not None]
        assert finding.verdict == verdict
        assert list(map(float, FIGURE.findall(said))) == pytest.approx(given, abs=0.03)
