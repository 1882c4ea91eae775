"""The pictures of pages in docs/figures, taken in Chromium from a fresh run: `python docs/make_screens.py`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "figures"
DESK, PHONE = {"width": 1120, "height": 900}, {"width": 390, "height": 844}
COLOURS = 256
"""Enough for pages of flat colours, in a part of the size."""
RUN = "prompts-24"


@contextmanager
def serving(folder: str) -> Iterator[str]:
    """The address of a server of the runs in a folder, which ends with it."""
    words = [sys.executable, "-m", "sublearn", "serve", "--port", "0"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            lines = iter(server.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://\S+", line))).rstrip("/.")
        finally:
            server.terminate()


def keep(page: Page, name: str, height: int) -> None:
    """What is on the page down to a height, as a picture."""
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}  # pyright: ignore[reportOptionalSubscript]
    shot = page.screenshot(clip=clip, full_page=True)  # pyright: ignore[reportArgumentType]
    picture = Image.open(BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(FOLDER / name, optimize=True)


def take(browser: Browser, address: str) -> None:
    """Each picture."""
    page = browser.new_page(viewport=DESK)  # pyright: ignore[reportArgumentType]
    page.goto(f"{address}/#{RUN}")
    page.wait_for_selector("#claims .badge")
    page.wait_for_timeout(500)
    keep(page, "serve.png", 1240)
    page = browser.new_page(viewport=PHONE)  # pyright: ignore[reportArgumentType]
    page.goto(f"{address}/report?name={RUN}")
    keep(page, "report-phone.png", 1000)


def main() -> None:
    """Run a study, serve it and take the pictures."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("No Chromium is found to take pictures with. Install it, as in: apt-get install chromium.")
    with TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "sublearn", "run", "prompts", "--seeds", "0:24", "--out", f"runs/{RUN}", "-q"]
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with serving(folder) as address, sync_playwright() as playwright:
            take(playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]), address)


if __name__ == "__main__":
    main()
