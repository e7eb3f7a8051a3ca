"""What is worked out anew for urllib3, where it would cost more to ask it, is what urllib3 says."""

from __future__ import annotations

import http.client
import sys

import pytest
import urllib3.poolmanager
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3._collections import HTTPHeaderDict
from urllib3.util.url import Url, parse_url

from recordbake.guest.clients import ready, urllib3_managers
from recordbake.guest.clients.urllib3_managers import quick_parse_url
from recordbake.guest.clients.urllib3_ready import maker
from recordbake.guest.exchange import Request, Take

_SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "//", ""])
_HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9.-]{1,12}(:[0-9]{1,6})?", fullmatch=True),
    st.sampled_from(
        ["1.2.3.4", "0x7f.1", "[::1]:80", "A.example", "u@a", "a:", "\u00fc.example", ""]
    ),
)
_PATHS = st.text(alphabet="/ab.%2Ff?#&=~ \u00e9\\", max_size=12)


def result(parse, url):
    try:
        found = parse(url)
    except Exception as error:  # noqa: BLE001  # whatever it is, it must be the same
        return type(error), str(error)
    return type(found), found, found.url, found.request_uri


@given(st.lists(st.tuples(_SCHEMES, _HOSTS, _PATHS), max_size=4))
@example([("http://", "a", "/b?")] * 2)
@example([("http://", "a", "/b//c/.."), ("http://", "a", "/b?x=/../?%2F")])
@example([("http://", "a:65536", "/b"), ("http://", "a:065", "/%zz"), ("http://", "a:065", "//b")])
def test_urls_are_parsed_as_urllib3_parses_them(parts):
    quick = quick_parse_url(parse_url, Url)
    for url in ["".join(part) for part in parts] * 2:
        assert result(quick, url) == result(parse_url, url)


def test_most_urls_do_without_urllib3_s_parser(monkeypatch):
    asked = []
    quick = quick_parse_url(lambda url: asked.append(url) or parse_url(url), Url)
    for n in range(20):
        assert quick(f"https://a.example/{n}/x?y=%2F{n}") == parse_url(
            f"https://a.example/{n}/x?y=%2F{n}"
        )
    assert asked == ["https://a.example/0/x?y=%2F0"]
    monkeypatch.setattr(urllib3_managers, "_MOST", 2)
    for n in range(20):
        assert quick(f"http://{n}.example/") == parse_url(f"http://{n}.example/")


@pytest.mark.parametrize("wrong", [None, 7, b"http://a/", ["http://a/"]])
def test_what_is_no_text_is_refused_as_ever(wrong):
    assert result(quick_parse_url(parse_url, Url), wrong) == result(parse_url, wrong)


_NAMES = st.sampled_from(
    ["A", "a", "Set-Cookie", "set-cookie", "Content-Length", "X-1", "x-1", "B"]
)


@given(st.lists(st.tuples(_NAMES, st.text(max_size=3)), max_size=8))
def test_header_fields_are_those_that_adding_makes(fields):
    assert sys.modules["urllib3.response"]
    fields = [field for field in fields if field[0] != "Content-Length"]
    added = HTTPHeaderDict()
    for name, value in fields:
        added.add(name, value)
    answer = http.client.HTTPResponse(type("S", (), {"makefile": lambda *_: None})())
    answer.status = answer.version = 200
    answer.reason = ""
    options = urllib3.connection._ResponseOptions("GET", "/", *[False] * 3)
    made = maker()(answer, fields, options, "HTTP/1.1", None).headers
    assert vars(made) == vars(added)
    assert list(made.items()) == list(added.items())
    assert type(made) is HTTPHeaderDict


def asked(url="http://a.example/"):
    return Request("GET", url, [("A", "b")], b"", "urllib3")


class Engine:
    """Has an answer to all, and counts."""

    def __init__(self):
        self.count = 0

    def answer(self, request):
        self.count += 1
        return Take(request.url, self.count, None)


def test_what_was_asked_for_is_handed_over_once():
    engine, take = Engine(), Take("k", 9, None)
    ready.hand_over(asked(), take)
    assert ready.handed_take(engine, asked()) is take
    assert ready.handed_take(engine, asked()).take == 1
    ready.hand_over(asked(), None)
    assert ready.handed_take(engine, asked()) is None
    for given_up in (lambda: ready.hand_over(asked("http://b.example/"), take), ready.forget):
        ready.hand_over(asked(), take)
        given_up()
        assert ready.handed_take(engine, asked()).key == "http://a.example/"
    assert engine.count == 3
