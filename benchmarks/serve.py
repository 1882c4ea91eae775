"""How soon the pages of `sublearn serve` are painted, in Debian's Chromium and from a server process of its own."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.size import run_directory
from benchmarks.table import Line, publish
from sublearn.study.table import build

CHROMIUM = "/usr/bin/chromium"
RUNS, TRIES, GOAL_MS = 200, 3, 1_000
PAGES = {"the laboratory": "/#{run}", "two runs compared": "/compare", "one seed step by step": "/steps"}
PAINTED = "performance.getEntriesByName('first-paint')[0].startTime"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of these runs."""
    command = [sys.executable, "-m", "sublearn", "serve", "--port", "0", "--runs", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        yield found[0].rstrip("/")
    finally:
        process.terminate()
        process.wait()


def painted(browser: Browser, address: str) -> float:
    """Milliseconds from asking for a page to its first paint, in a browser that has cached nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="load")
    page.wait_for_function("performance.getEntriesByName('first-paint').length > 0")
    found = float(page.evaluate(PAINTED))
    context.close()
    return found


def main() -> None:
    """Measure and publish."""
    study = build("tutorial")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run_directory(Path(folder) / study.id, study, RUNS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        with serving(Path(folder)) as address:
            lines = [
                Line(
                    f"first paint: {what}, {RUNS} runs of tutorial in the folder",
                    min(painted(browser, address + path.format(run=study.id)) for _ in range(TRIES)),
                    "ms",
                    GOAL_MS,
                    most=True,
                )
                for what, path in PAGES.items()
            ]
        browser.close()
    publish("serve", lines)


if __name__ == "__main__":
    main()
