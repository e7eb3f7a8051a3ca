"""What is remembered of header fields is theirs alone, and nobody's to change."""

from __future__ import annotations

import http.client
from types import SimpleNamespace

import httpx as real_httpx
import pytest
from requests.structures import CaseInsensitiveDict

from recordbake.guest.clients import answer_files, httpx, httpx_fields, ready
from recordbake.guest.clients.ready import plain_headers
from recordbake.guest.exchange import Head, Take, header
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
    seam.sent = httpx_fields.reader(real_httpx)
    for value in (b"a", b"b", b"a"):
        headers = [(b"X", value)]
        request = SimpleNamespace(
            method="GET", content=b"", url=real_httpx.URL("https://x.example/"),
            headers=real_httpx.Headers(headers),
        )  # fmt: skip
        seam.plan(request, b"", None)
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


def test_what_is_known_of_a_head_is_shared_by_no_two_answers():
    own = type("HTTPResponse", (http.client.HTTPResponse,), {})
    answer_files.wrap_parser(SimpleNamespace(**vars(http.client) | {"HTTPResponse": own}))
    try:
        for length in (2, 2, 3, 2):
            fields = [("Content-Length", str(length)), ("X", "1"), ("content-length", "9")]
            head = Head(200, "OK", "1.1", fields)
            response = answer_files.begun(Take("k", 1, head, body=b"ab"), "GET")
            assert response.length == length  # the first
            assert response.headers.items() == fields
            response.headers["Y"] = "z"
            assert head.headers is fields
            assert len(fields) == 3
        wrong = Head(200, "OK", "1.1", [("X", " 1")])
        assert not any(answer_files.need_no_parser(wrong) for _ in range(3))
        answer_files._wrapped[0]._MAXHEADERS = 1
        assert not answer_files.need_no_parser(head)
    finally:
        answer_files._wrapped.clear()
