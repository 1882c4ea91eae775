"""Chromium for the tests of pages, driven by Playwright: where it is, how it starts, and what no page may do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True, "is_mobile": True},
}
"""How a page is opened in each look."""
PATH = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str:
    """What the tests of pages lack; nothing where all is there."""
    absent = [f"the package {name} (extra dev)" for name in ("playwright", "axe_core_python") if not find_spec(name)]
    return ", ".join([*absent, *([] if PATH else ["Chromium (make chromium)"])])


def needed() -> None:
    """Skip a module of tests of pages where they cannot run; in CI they always can."""
    if missing() and not os.environ.get("CI"):
        pytest.skip(f"pages are not tested without {missing()}", allow_module_level=True)
    assert not missing(), f"CI lacks {missing()}"


@contextmanager
def started() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright  # late: the extra dev

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH, args=FLAGS)
        yield browser
        browser.close()


def watch(page: Any, wrong: list[str], own: str) -> None:
    """Note what a page complains of, and what it asks for at addresses that do not begin as its own do."""
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(own) else wrong.append(asked.url))


def is_wider(page: Any) -> bool:
    """Whether a page must be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def faults(page: Any) -> list[tuple[str, str]]:
    """The serious faults of a page that axe-core finds."""
    from axe_core_python.sync_playwright import Axe  # late: the extra dev

    violations = Axe().run(page, options={"resultTypes": ["violations"]})["violations"]  # half the time
    found = [one for one in violations if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]
