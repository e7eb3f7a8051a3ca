"""What it takes a real browser to open a page."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
#: Tasks of more than 50 ms (W3C Long Tasks), from the beginning.
_OBSERVE = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({type: "longtask", buffered: true});
"""
_IDLE = "() => new Promise((done) => requestAnimationFrame(() => requestIdleCallback(done)))"
_ROWS = """() => "<!doctype html><title>Rows</title><table>" + [...document.querySelectorAll("tr")]
  .map((row) => "<tr>" + [...row.cells].map((cell) => {
    const plain = document.createElement("td");
    plain.textContent = cell.textContent;
    return plain.outerHTML;
  }).join("")).join("\\n") + "</table>\""""


def _opened(path: Path, look: Callable[[Any], Any]) -> Any:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(_OBSERVE)
            page.goto(path.as_uri())
            page.evaluate(_IDLE)
            return look(page)
        finally:
            browser.close()


def longest_task(path: Path) -> float:
    """Milliseconds of the longest task that kept the page from answering; 0 if none was long."""
    return float(_opened(path, lambda page: max(page.evaluate("window.tasks"), default=0.0)))


def plain_rows(path: Path) -> str:
    """A page with the rows of all tables of a page as one table, and nothing else."""
    return str(_opened(path, lambda page: page.evaluate(_ROWS)))
