"""A response that is taken apart as it passes, in whatever pieces it comes."""

from __future__ import annotations

import pytest

from recordbake.guest.capture import Capture
from recordbake.guest.clients.response_tap import ResponseTap
from recordbake.guest.exchange import Request
from recordbake.guest.plan import Plan

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

#: Bytes -> body, failure's kind, what was there instead of a chunk.
RESPONSES = {
    "sized": (SIZED + b"hello", b"hello", None, ""),
    "more than declared": (SIZED + b"hello, you", b"hello", None, ""),
    "cut": (SIZED + b"hel", b"hel", "truncated", ""),
    "unsized": (b"HTTP/1.0 200 OK\n\nhello", b"hello", None, ""),
    "chunked": (CHUNKED + b"3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n", b"hello", None, ""),
    "cut between chunks": (CHUNKED + b"3\r\nhel\r\n", b"hel", "truncated", ""),
    "no chunk": (CHUNKED + b"3\r\nhel\r\nzz\r\nlo", b"hel", "truncated", "zz\r\n"),
    "nothing": (b"HTTP/1.1 204 No\r\n\r\n", b"", None, ""),
    "interim": (b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + SIZED + b"hello", b"hello", None, ""),
    "no head": (b"hello\r\n\r\n", None, "protocol", "hello\r\n\r\n"),
    "half a head": (SIZED[:20], None, "protocol", SIZED[:20].decode()),
    "not a byte": (b"", None, "disconnected", ""),
}


def taken_apart(data, size):
    """Head, body, failure and runs of chunks of a response that comes in pieces of a size."""
    kept = []
    plan = Plan("keep", Request("GET", "http://x/", []), "x", "k", None, None, 0)
    capture = Capture(
        plan, keep=True, body_path=lambda: "", report=lambda _, captured, __: kept.append(captured)
    )
    tap = ResponseTap("GET", keep_100=False)
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        if tap.head is not None:
            tap.feed(piece)
            continue
        tap.feed_head(piece)
        if tap.head is not None:
            tap.begin(capture)
            tap.feed(tap.rest)
    failure = tap.closed()
    if failure is not None:
        capture.fail(failure)
    (captured,) = kept
    return captured


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_make_no_difference(name, size):
    data, body, kind, raw = RESPONSES[name]
    captured = taken_apart(data, size)
    assert (captured.head is None) == (body is None)
    assert captured.body == (body or b"")
    assert (captured.failure.kind if captured.failure else None) == kind
    assert (captured.failure.raw if captured.failure else "") == raw


def test_chunks_and_trailers_are_kept():
    captured = taken_apart(RESPONSES["chunked"][0], 1)
    assert captured.chunks == [(3, 1), (2, 1)]
    assert captured.head.trailers == [("X-Sum", "1")]


def test_interim_responses_are_kept():
    captured = taken_apart(RESPONSES["interim"][0], 1)
    assert captured.head.interim == [(103, "Hints", [("A", "b")])]
