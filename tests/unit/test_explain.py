"""A miss says what is nearest and what differs; the texts are compared whole."""

from __future__ import annotations

import pytest

from recordbake.guest.exchange import Request
from recordbake.guest.explain import miss_message

BASE = "https://api.example.org/items"
RECORDED = [
    ("GET", f"{BASE}?page=1&size=9", "tests/test_a.py::test_one", "k1"),
    ("POST", f"{BASE}/new", None, "k2"),
]


def message(method, url, neighbours=RECORDED):
    request = Request(method, url, [], b"", "urllib3")
    return miss_message(request, url, "tests/test_b.py::test_two", neighbours, "recordbake record")


def test_the_whole_text():
    assert message("GET", f"{BASE}?page=2&size=9") == (
        "recordbake blocked GET https://api.example.org/items?page=2&size=9: "
        "it is not in the recording\n"
        "  test:    tests/test_b.py::test_two (client: urllib3)\n"
        "  nearest: GET https://api.example.org/items?page=1&size=9, "
        "recorded by tests/test_a.py::test_one\n"
        "  differs: query parameter page: recorded '1', asked '2'\n"
        "  record:  recordbake record"
    )


@pytest.mark.parametrize(
    ("method", "url", "differs"),
    [
        ("PUT", f"{BASE}/new", "method: recorded POST, asked PUT"),
        ("POST", f"{BASE}/new", "request body, Range or If-* header, or credentials"),
        ("POST", f"{BASE}/newer", "path: recorded /items/new"),
        ("GET", f"{BASE}?size=9&page=1", "order of the query parameters"),
        ("GET", f"{BASE}?page=1&size=9&q=x", "query parameter q=x was not recorded"),
        ("GET", f"{BASE}?page=1", "query parameter size=9 was recorded, but not asked"),
        ("GET", f"{BASE.replace('s:', ':')}?page=1&size=9", "origin: recorded https://api.example"),
    ],
)
def test_what_differs(method, url, differs):
    assert f"  differs: {differs}" in message(method, url)


def test_a_host_of_which_nothing_was_recorded():
    assert "nothing was recorded from this host" in message("GET", BASE, [])
