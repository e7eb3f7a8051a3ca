"""What is remembered of header fields is theirs alone, and nobody's to change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from requests.structures import CaseInsensitiveDict

from recordbake.guest.clients import httpx, ready
from recordbake.guest.clients.ready import plain_headers
from recordbake.guest.exchange import header
from recordbake.guest.request_buffer import RequestBuffer


@pytest.mark.parametrize("kind", [dict, CaseInsensitiveDict])
def test_plain_fields_are_those_of_this_request(kind):
    for value in ("a", "b", "a"):
        fields = plain_headers(kind({"Accept": "*/*", "X": value}))
        assert fields == [("Accept", "*/*"), ("X", value)]
        fields.append(("Y", "z"))


@pytest.mark.parametrize(
    "fields",
    [{"X": "\u00fc"}, {"X": "a\r\nb"}, {"X": b"a"}, {"X": ["a"]}, {"X": 1}, {b"X": "a"},
     {"Expect": "a"}, {"Transfer-Encoding": "chunked"}, {" A": "c"}, {"X": "@@@SKIP_HEADER@@@"}],
)  # fmt: skip
def test_what_a_client_does_more_with_is_never_plain(fields):
    assert [plain_headers(fields) for _ in range(3)] == [None, None, None]
    assert plain_headers({"X": "a"}) == [("X", "a")]


def test_sets_of_plain_fields_are_bounded(monkeypatch):
    monkeypatch.setattr(ready, "_MOST_SETS", 5)
    for n in range(30):
        assert plain_headers({"X": str(n)}) == [("X", str(n))]
        assert len(ready._plain) <= 5


def test_fields_of_httpx_are_a_request_s_own():
    asked = []

    def plan(request):
        asked.append(request)
        return SimpleNamespace(action="answer")

    seam = object.__new__(httpx.HttpxSeam)
    seam.name, seam.engine = "httpx", SimpleNamespace(plan=plan)
    url = SimpleNamespace(scheme="https", netloc=b"x.example", raw_path=b"/")
    for value in (b"a", b"b", b"a"):
        headers = SimpleNamespace(raw=[(b"X", value)])
        seam.plan(SimpleNamespace(method="GET", content=b"", url=url, headers=headers))
        assert asked[-1].headers == [("X", value.decode())]
        asked[-1].headers.append(("Y", "z"))


def test_fields_of_a_buffer_are_its_own():
    for length in (b"2", b"3", b"2"):
        buffer = RequestBuffer()
        body = b"x" * int(length)
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\n\r\n" % length
        assert buffer.feed(head + body)
        assert buffer.headers == [("Host", "a"), ("Content-Length", length.decode())]
        assert buffer.body() == body
        buffer.headers.append(("Y", "z"))
    bare = RequestBuffer()
    assert bare.feed(b"GET / HTTP/1.0\r\n\r\n")
    assert bare.headers == []


def test_the_first_of_equal_fields_counts():
    fields = [("A", "1"), ("b", "2"), ("B", "3")]
    assert [header(fields, name) for name in ("a", "b", "c")] == ["1", "2", None]
    assert header([], "a") is None
