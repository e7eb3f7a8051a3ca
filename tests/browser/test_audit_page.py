"""The audit's page in a real browser: nothing is asked for, all can be used, by everyone."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from recordbake.audit import audit
from recordbake.audit.page import MOST_ROWS
from recordbake.audit.summary import MOST_ENTRIES
from tests.support import audit as planted
from tests.support.sample import T0, add_run, captured, make_recording, request_event

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 667}
TABLES = ("misses", "problems", "stale", "unused", "tests", "entries")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def report(where, recording, **options):
    audit(recording, where, now=planted.NOW, limits=planted.LIMITS, **options)
    return (where / "audit.html").as_uri()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    where = tmp_path_factory.mktemp("report")
    recording = planted.planted_recording(where / "r")
    return report(where, recording, known=planted.planted_upstream())


class Opened:
    """A page with all that it said and asked for."""

    def __init__(self, browser, url, **options):
        self.page = browser.new_context(**{"viewport": DESKTOP} | options).new_page()
        self.noise: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("dialog", lambda dialog: self.noise.append("a dialog"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def column(self, table, number):
        cells = self.page.locator(f"#{table} tbody tr:visible > :nth-child({number})")
        return [text.removesuffix("#").strip() for text in cells.all_inner_texts()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_is_quiet_asks_for_nothing_and_is_accessible(browser, url, scheme, viewport):
    opened = Opened(browser, url, color_scheme=scheme, viewport=viewport)
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert (opened.noise, opened.requests) == ([], [url])
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.page.locator("figure svg").count() == 4


def test_tables_sort_by_numbers_and_text_both_ways(browser, url):
    opened = Opened(browser, url)
    button = opened.page.locator("#entries thead button", has_text="Size")
    button.click()
    sizes = opened.column("entries", 3)
    assert (sizes[0], sizes[-3:]) == ("5 bytes", ["2.0 KB", "2.0 KB", "5.0 KB"])
    assert opened.page.locator("#entries th[aria-sort=ascending]").count() == 1
    button.click()
    assert opened.column("entries", 3)[0] == "5.0 KB"
    assert opened.page.locator("#entries th[aria-sort=descending]").count() == 1
    opened.page.locator("#entries thead button").first.click()
    names = opened.column("entries", 1)
    assert names == sorted(names)


def test_a_filter_shows_the_rows_that_have_the_text(browser, url):
    opened = Opened(browser, url)
    opened.page.locator("#entries input[type=search]").fill("MIRROR")
    assert opened.column("entries", 1) == [f"GET {url}" for url in planted.COPIES]
    assert "2 of 16 rows" in opened.page.locator("#entries [role=status]").inner_text()


def test_every_row_has_a_link_of_its_own_that_shows_it(browser, url):
    page = Opened(browser, url).page
    rows = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    links = page.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => row.querySelector('a.row-link').getAttribute('href'))"
    )
    assert links == [f"#{row}" for row in rows]
    assert len(set(rows)) == len(rows) > 40
    opened = Opened(browser, f"{url}{page.locator('#unused a.row-link').get_attribute('href')}")
    shown = opened.page.locator("tr:target")
    assert planted.UNUSED in shown.inner_text()
    assert 0 <= shown.bounding_box()["y"] < DESKTOP["height"]


def test_every_link_leads_somewhere_on_the_page(browser, url):
    page = Opened(browser, url).page
    dead = page.locator("a").evaluate_all(
        "links => links.map(a => a.getAttribute('href'))"
        ".filter(to => !to.startsWith('#') || !document.getElementById(to.slice(1)))"
    )
    assert dead == []


def test_one_clicks_from_a_request_to_its_test_to_an_entry_and_its_take_and_back(browser, url):
    page = Opened(browser, url).page
    at = page.locator("tr:target")
    page.locator("#misses tbody tr").first.get_by_role("link", name="t.py::a").click()
    assert at.locator("th").inner_text().startswith("t.py::a")
    test = "tests/test_a.py::test_one"
    page.locator("#tests tr", has_text=test).get_by_role("link", name="/leaky").click()
    assert "/leaky" in at.locator("th").inner_text()
    assert "take" not in at.inner_text()  # there is one only
    noisy = page.locator("#entries tr", has_text="/noisy").all_inner_texts()
    assert ["take 0" in noisy[0], "take 1" in noisy[1], len(noisy)] == [True, True, 2]
    at.get_by_role("link", name=test).click()
    assert at.locator("th").inner_text().startswith(test)


def test_without_javascript_all_is_there_and_no_control_is_dead(browser, url):
    opened = Opened(browser, url, java_script_enabled=False)
    assert opened.page.locator("figure svg").count() == 4
    assert opened.page.locator("#entries tbody tr").count() == 16
    assert opened.page.locator("button, input").count() == 0


def test_in_print_the_dark_page_is_light_and_filters_are_gone(browser, url):
    opened = Opened(browser, url, color_scheme="dark")
    opened.page.locator("#entries input[type=search]").fill("mirror")
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert opened.page.locator("input:visible").count() == 0
    assert opened.page.locator("#entries tbody tr:visible").count() == 16


@pytest.mark.parametrize(
    "hostile",
    [
        'https://h.org/"><script>alert(1)</script>',
        "https://h.org/</text></svg><img src=x onerror=alert(1)>",
        "https://h.org/</style></script><svg onload=alert(1)>",
    ],
)
def test_a_hostile_url_runs_nothing(browser, tmp_path, hostile):
    recording = make_recording(tmp_path / "r", [captured("https://h.org/", test=hostile)])
    missed = request_event("", "blocked", test=hostile, host=hostile, message=hostile)
    add_run(recording, planted.REPLAY, [missed | {"url": hostile}])
    url = report(tmp_path, recording)
    opened = Opened(browser, url)
    assert opened.page.evaluate("document.images.length") == 0
    assert (opened.noise, opened.requests) == ([], [url])


@pytest.fixture(scope="module")
def largest(tmp_path_factory):
    """A page whose tables are all at their limit: more entries or events would not change it."""
    where = tmp_path_factory.mktemp("largest")
    long = "a/long/path" * 12
    urls = [f"https://h{n}.org/{long}/{n}.jpg" for n in range(900)]
    old = [planted.NOW - 40 * planted.DAY if n < 600 else T0 for n in range(900)]
    entries = [captured(url, b"<html>", test=f"t.py::{url}", recorded_at=at)
               for url, at in zip(urls, old, strict=True)]  # fmt: skip
    recording = make_recording(where / "r", entries)
    missed = [request_event(f"{url}?", "blocked", test=f"t.py::{url}") for url in urls]
    add_run(recording, planted.REPLAY, [*map(request_event, urls[:500]), *missed])
    return report(where, recording)


def test_the_page_of_a_large_recording_stays_small(largest):
    path = Path(urlsplit(largest).path)
    page = path.read_text()
    rows = {name: page.count(f'<tr role="row" id="{name}-') for name in TABLES}
    assert rows == dict.fromkeys(TABLES, MOST_ROWS) | {"entries": MOST_ENTRIES}
    assert path.stat().st_size < 3_000_000


#: How many rows lie in what the browser has laid out.
LAID_OUT = """() => [...document.querySelectorAll("tbody tr")]
    .filter((row) => row.checkVisibility({contentVisibilityAuto: true})).length"""


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_large_page_lays_out_only_what_is_near(browser, largest, viewport):
    page = Opened(browser, largest, viewport=viewport).page
    rows = page.locator("tbody tr").count()
    assert rows > 5 * MOST_ROWS
    assert page.evaluate(LAID_OUT) <= MOST_ROWS + 10
    row = page.locator("#unused tbody tr").last
    link = row.locator("a.row-link").get_attribute("href")
    page.goto(largest + link)
    expect(page.locator("tr:target")).to_be_in_viewport()
    assert page.evaluate(LAID_OUT) < rows / 2
    page.emulate_media(media="print")  # what is laid out is decided with the next frame
    page.wait_for_function(f"rows => ({LAID_OUT})() === rows", arg=rows)
