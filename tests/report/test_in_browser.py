"""The report of a run in Chromium: what is explained where it stands, on any screen and by any means."""

import shutil

import pytest

from sublearn.report.page import Section, page

api = pytest.importorskip(
    "playwright.sync_api", reason="the pages are tested where playwright is installed (extra dev)"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("the pages are tested where Chromium is installed (apt-get install chromium)", allow_module_level=True)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOOKS = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE}


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def test_a_report_in_every_look(browser, sample):
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="axe-core comes with the extra dev").Axe()
    html = page([Section(*sample(8), {})])
    for look, how in LOOKS.items():
        context = browser.new_context(**how)
        seen, wrong = context.new_page(), list[str]()
        seen.on("console", lambda said, wrong=wrong: wrong.append(said.text))
        seen.on("request", lambda asked, wrong=wrong: wrong.append(asked.url))
        seen.set_content(html)
        assert not seen.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        for fold in seen.locator("details").all():
            fold.evaluate("one => one.open = true")
        found = [] if look == "phone" else axe.run(seen)["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == [], look
        _explains(seen, by_touch=look == "phone")
        assert wrong == []
        context.close()


def _explains(seen, by_touch: bool) -> None:
    """A word opens its meaning beside it, and closes it again; all of it lies within the screen."""
    word = seen.locator("p.outcome button.term").first
    meaning = seen.locator(f"#{word.get_attribute('popovertarget')}")
    assert not meaning.is_visible()
    if by_touch:
        word.tap()
    else:
        word.focus()
        seen.keyboard.press("Enter")
    assert meaning.is_visible()
    box, size = meaning.bounding_box(), seen.viewport_size
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"] and box["y"] >= 0
    assert box["y"] + box["height"] <= size["height"]
    if by_touch:
        meaning.get_by_role("button").tap()
    else:
        seen.keyboard.press("Escape")
    assert not meaning.is_visible()
