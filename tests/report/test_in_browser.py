"""Every kind of page in Chromium: what is explained where it stands, on any screen and by any means."""

import pytest

from tests import chromium
from tests.chromium import LOOKS

chromium.needed()


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as found:
        yield found


@pytest.mark.parametrize("look", LOOKS)
def test_every_kind_of_page_in_every_look(browser, pages, look):
    context, wrong = browser.new_context(**LOOKS[look]), list[str]()
    for number, html in enumerate(pages):
        seen = context.new_page()
        chromium.watch(seen, wrong, "about:")
        seen.set_content(html)
        assert not chromium.is_wider(seen), number
        seen.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert not chromium.is_wider(seen), number
        assert look == "phone" or chromium.faults(seen) == [], number
        _explains(seen, by_touch=look == "phone")
        seen.close()
    context.close()
    assert wrong == []


def _explains(seen, by_touch: bool) -> None:
    """A word opens its meaning beside it, and closes it again; all of it lies within the screen."""
    word = seen.locator("button.term").first
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
