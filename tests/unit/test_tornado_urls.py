"""Where tornado's curl client is led, and what it is shown."""

from __future__ import annotations

import pytest

from recordbake.guest.clients.tornado_urls import after, origin_of, with_tls, without_tls
from recordbake.guest.exchange import Head

URLS = [
    ("https://example.org/a?", "http://example.org:443/a?"),
    ("https://example.org:8443/a?b=1#c", "http://example.org:8443/a?b=1#c"),
    ("https://u:p@example.org//a/../b;c", "http://u:p@example.org:443//a/../b;c"),
    ("https://[::1]/", "http://[::1]:443/"),
    ("https://[::1]:443", "http://[::1]:443"),
]


@pytest.mark.parametrize(("url", "plain"), URLS)
def test_a_url_keeps_all_but_its_scheme(url, plain):
    assert without_tls(url) == plain
    assert with_tls(plain, url) == url


def test_what_has_no_tls_stays():
    assert without_tls("http://example.org/a?") == "http://example.org/a?"


@pytest.mark.parametrize(
    ("status", "location", "there"),
    [
        (302, "https://other.example/x", "https://other.example/x"),
        (308, "//other.example/x", "http://other.example/x"),
        (301, "../up", "http://example.org/up"),
        (302, "http://[oops", "http://example.org/a/b"),
        (200, "/elsewhere", "http://example.org/a/b"),
    ],
)
def test_redirects(status, location, there):
    head = Head(status, "", "1.1", [("Location", location)])
    assert after("http://example.org/a/b", head) == there


def test_an_origin_names_no_user():
    assert origin_of("https://u:p@example.org:1/a@b") == "https://example.org:1"
