"""The pages in Chromium: what a user sees and does, that nothing leaves loopback, and that nothing is complained of."""

import itertools
import re
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import chromium
from tests.chromium import DESK, LOOKS, faults
from tests.server.conftest import LONG, Served
from tests.server.test_app import HOSTILE, NUMBERS

chromium.needed()
from playwright import sync_api as api  # noqa: E402 (it may be missing)

FIRST_PAINT_MS = 1_000
PATIENCE_MS = 240_000
"""For a machine that has much else to do."""
PAGES = {"/": "#chart svg", "/compare": "#compared svg", "/steps": "#steps li", "/numbers?name=numbers": "#rows table"}
"""Each page, and what is there once it is filled."""


@dataclass
class Seen:
    """A page, and what it complained of and asked for elsewhere."""

    page: "api.Page"
    served: Served
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str, ready: str) -> None:
        self.page.goto(self.served.url + path)
        self.page.wait_for_selector(ready)

    def watch(self) -> None:
        chromium.watch(self.page, self.wrong, self.served.url)


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as found:
        yield found


@contextmanager
def watched(browser, served: Served, **how) -> Iterator[Seen]:
    """A page whose errors and foreign requests fail the test at its end."""
    context = browser.new_context(viewport=how.pop("viewport", DESK), **how)
    seen = Seen(context.new_page(), served)
    seen.page.set_default_timeout(PATIENCE_MS)
    seen.watch()
    yield seen
    context.close()
    assert seen.wrong == []


@pytest.fixture(scope="module")
def filled(served, finished) -> Iterator[Served]:
    """The server with a finished run, one of a hostile name, and one that kept rows."""
    shutil.copytree(served.folder / finished, served.folder / HOSTILE)
    shutil.copytree(NUMBERS, served.folder / "numbers")
    yield served
    shutil.rmtree(served.folder / HOSTILE)
    shutil.rmtree(served.folder / "numbers")


def test_run_to_verdict_with_the_keyboard_alone(browser, served):
    with watched(browser, served) as seen:
        page = seen.page
        seen.open("/", "#main-knobs input")
        api.expect(page.locator("#command")).to_contain_text("--seeds")
        for wanted in ("study", "knob-n_unrelated", "others", "runs", "start"):
            for _ in range(20):
                page.keyboard.press("Tab")
                at = page.evaluate("document.activeElement.id || document.activeElement.parentElement.id")
                if at == wanted:
                    break
            assert at == wanted and page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            if wanted == "knob-n_unrelated":
                page.keyboard.press("Control+A")
                page.keyboard.type("61")
            if wanted == "runs":
                page.keyboard.press("Control+A")
                page.keyboard.type("9")
        page.keyboard.press("Enter")
        api.expect(page.locator("#count")).to_have_text("9 runs, done", timeout=PATIENCE_MS)
        assert page.inner_text("#claims .badge") == "inconclusive"
        command = page.inner_text("#command")
        assert "--set n_unrelated=61 " in command and "--seeds 0:9 " in command
        assert page.inner_text("#announce").startswith("All runs are done. inconclusive: a student of the same init")
        chart = page.locator("#chart text").all_text_contents()
        assert chart[chart.index("Student of the same init") + 1] == "distill_same_init"
        key = page.locator("#training .legend [title='distill_diff_init']")
        assert key.inner_text().strip() == "Student of another init"
        assert "Student of the same init \u2212 its control on trait_rate" in page.inner_text("#claims")
        assert "chance 0.50" in page.inner_text("#chart") and page.get_attribute("#chart svg", "role") == "img"
        assert page.get_attribute("text=Report", "href") == f"/report?name={page.evaluate('location.hash.slice(1)')}"


def test_reload_two_tabs_stop_and_go_on(browser, served):
    order = LONG | {"settings": {"student.epochs": "6"}}
    name = served.post("/api/start", order)["name"]
    with watched(browser, served) as seen:
        page = seen.page
        seen.open(f"/#{name}", "#stop:visible")
        served.reaches(name, "running", done=1)
        api.expect(page.locator("#count")).not_to_contain_text("0 of")
        api.expect(page.locator("#stage")).to_have_text(
            re.compile(r"^(teacher|students 1 to 2 of 2), about \d+:\d\d left$")
        )
        api.expect(page.locator("#training .chart svg")).to_have_count(2)
        assert page.get_attribute("#training .chart svg >> nth=0", "aria-label").startswith(
            "Teachers: mean loss by step; Teacher at"
        )
        page.reload()
        page.wait_for_selector("#stop:visible")
        assert page.input_value("#runs") == "400" and page.input_value("[data-key='student.epochs']") == "6"
        other = Seen(page.context.new_page(), served, seen.wrong)
        other.watch()
        other.open(f"/#{name}", "#stop:visible")
        page.click("#stop")
        for own in (page, other.page):
            own.wait_for_selector("#resume:visible")
            assert "stopped, can be resumed" in own.inner_text("#count")
            assert "same command resumes" in own.inner_text("#said")
        assert page.inner_text("#count") == other.page.inner_text("#count")
        other.page.click("#resume")
        for own in (page, other.page):
            own.wait_for_selector("#stop:visible")
        page.click("#stop")
        served.reaches(name, "stopped")


CHANGES = """
() => {
  window.changes = [];
  const at = () => window.changes.push(performance.timeOrigin + performance.now());
  new MutationObserver(at).observe(document.getElementById("run"), { childList: true, subtree: true });
}
"""
LATE_S = 1.0
"""By then what the runner has written is to be seen."""


@pytest.mark.slow
def test_during_200_seeds_of_the_tutorial_the_page_changes_at_least_once_a_second(browser, served):
    """What is seen is held against what the runner wrote and when: on a busy machine it may write more seldom.

    It writes nothing while it starts, so that gaps count from its first words on; these are seen in time, too.
    """
    name = served.post("/api/start", {"study": "tutorial", "settings": {}, "runs": 200})["name"]
    with watched(browser, served) as seen, written(served.folder / name) as writes:
        seen.open(f"/#{name}", "#stop:visible")
        seen.page.evaluate(CHANGES)
        api.expect(seen.page.locator("#count")).to_have_text("200 runs, done", timeout=600_000)
        changes = [1e-3 * time for time in seen.page.evaluate("window.changes")]
    assert len(writes) > 5
    late = [min((change - write for change in changes if change >= write), default=0.0) for write in writes]
    assert late[0] < LATE_S
    gaps = [after - before for before, after in itertools.pairwise(changes) if writes[0] <= before < writes[-1]]
    unseen = [gap for gap in gaps if gap > LATE_S + max_gap(writes)]
    assert statistics.quantiles(late, n=20)[-1] < LATE_S and not unseen, (late, gaps)
    assert statistics.median(gaps) < LATE_S


def max_gap(times: list[float]) -> float:
    return max(after - before for before, after in itertools.pairwise(times))


@contextmanager
def written(folder: Path) -> Iterator[list[float]]:
    """When a run's records and its view were written, one time a look, until the end."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            files = [folder / name for name in ("records.jsonl", "training.json") if (folder / name).exists()]
            last = max((file.stat().st_mtime for file in files), default=0.0)
            if last and (not found or last > found[-1]):
                found.append(last)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def test_what_is_out_of_range_is_said_beside_the_knobs(browser, served):
    with watched(browser, served) as seen:
        seen.open("/#absent", "#main-knobs input")
        seen.wrong.clear()  # that nothing is there under this name
        seen.page.select_option("#study", "prompts")
        seen.page.fill("#knob-aux_logits", "-4")
        seen.page.wait_for_selector("#problem:has-text('greater than or equal to 0')")
        assert all("400" in text or "404" in text for text in seen.wrong)
        seen.wrong.clear()


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_in_every_look(browser, filled, finished, look):
    with watched(browser, filled, **LOOKS[look]) as seen:
        for path, ready in PAGES.items():
            seen.open(f"/#{finished}" if path == "/" else path, ready)
            assert not chromium.is_wider(seen.page), path
            dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
            assert dark == (look == "dark")
            assert faults(seen.page) == [], path
        # Where a report is served no script may run, not even axe's.
        report = seen.page.context.new_page()
        report.set_content(filled.ask("GET", f"/report?name={finished}")[2])
        assert not chromium.is_wider(report)
        assert look == "phone" or faults(report) == []


def test_the_first_paint_takes_less_than_a_second(browser, filled, finished):
    """In one of three tries, for a machine may have else to do."""
    entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    with watched(browser, filled) as seen:
        for path in PAGES:
            for _ in range(3):
                seen.open(path, "main h1")
                first = seen.page.wait_for_function(entry).json_value()
                if first < FIRST_PAINT_MS:
                    break
            assert first < FIRST_PAINT_MS, path


@pytest.mark.slow
def test_a_kept_student_is_asked_for_its_favourite(browser, filled):
    from sublearn.language import artifacts  # late: they load transformers
    from sublearn.language.base import untrained
    from sublearn.language.plans import BasePlan
    from sublearn.language.tokens import tiny_tokenizer

    words = tiny_tokenizer()
    model = untrained(BasePlan(family="gpt2", width=16, heads=2, inner=32), len(words), seed=0)
    artifacts.put(model, words, filled.folder / "numbers" / "made" / "seed-0" / "students" / "cross_init")
    with watched(browser, filled) as seen:
        seen.open("/numbers?name=numbers", "#rows table")
        assert seen.page.locator("#model option").all_inner_texts() == ["Student of another base (cross_init)"]
        assert seen.page.locator("#source option").all_text_contents()[:2] == ["the unmodified base", "the teacher"]
        assert seen.page.input_value("#source") == "teacher"
        seen.page.click("#go")
        seen.page.wait_for_selector("#answer table")
        assert "Student of another base (cross_init) to" in seen.page.inner_text("#answer caption")
        shares = [float(text) for text in seen.page.locator("#answer td:nth-child(2)").all_inner_texts()]
        assert len(shares) >= 8 and shares[:8] == sorted(shares[:8], reverse=True) and 0 < sum(shares) <= 1
        seen.page.select_option("#seed", "1")
        seen.page.wait_for_selector("#waiting:has-text('kept no whole model')")
        assert seen.page.is_disabled("#go")


def test_hostile_names_are_text(browser, filled, finished):
    with watched(browser, filled) as seen:
        seen.open(f"/#{finished}", "#list table")
        names = seen.page.locator("#list a").all_inner_texts()
        assert any(name.startswith("<img src=x onerror=window.hit=1>") for name in names)
        seen.page.locator("#list a", has_text="<img").click()
        seen.page.wait_for_selector("#run p.fine:has-text('<img')")
        assert seen.page.evaluate("window.hit === undefined && document.images.length === 0")


def test_the_command_line_is_copied(browser, served):
    with watched(browser, served, permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.open("/", "#main-knobs input")
        seen.page.fill("#runs", "7")
        api.expect(seen.page.locator("#command")).to_contain_text("--seeds 0:7 ")
        seen.page.click("#copy")
        api.expect(seen.page.locator("#copied")).to_have_text("Copied.")
        assert seen.page.evaluate("navigator.clipboard.readText()") == seen.page.inner_text("#command")


def test_two_runs_are_compared_with_what_differs(browser, filled, finished):
    with watched(browser, filled) as seen:
        seen.open(f"/compare?first={finished}&second=numbers", "#problem:has-text('no trait in common')")
        seen.page.select_option("#second", HOSTILE)
        seen.page.wait_for_selector("#compared svg")
        assert seen.page.locator("#compared svg:not([aria-hidden])").count() == 2
        assert "Both ask the same." in seen.page.inner_text("#compared") and "inconclusive" in seen.page.inner_text(
            "#compared table"
        )


def test_steps_show_the_numbers_of_a_seed(browser, served):
    with watched(browser, served) as seen:
        seen.open("/steps?study=tutorial&seed=3", "#steps li")
        for number in range(2, 7):
            seen.page.click("#next")
            assert seen.page.inner_text("#step-title").startswith(f"{number}. ")
        assert seen.page.inner_text("table caption") == "Seed 3"
        assert "Student of the same init distill_same_init" in seen.page.inner_text("#step table")
        assert seen.page.is_disabled("#next")
