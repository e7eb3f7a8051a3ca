"""Framing comes off and goes on again without a byte lost."""

from __future__ import annotations

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordbake.guest import framing, wire
from recordbake.guest.exchange import Head
from recordbake.guest.request_buffer import RequestBuffer


def read_all(body, size=7):
    parts = []
    while data := body.read(size):
        parts.append(data)
    return b"".join(parts)


def stream(data):
    return io.BufferedReader(io.BytesIO(data))


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 60))
def test_chunked_requests_and_bodies(parts, step):
    framed = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
    body = wire.ChunkedBody(stream(framed))
    assert read_all(body, step) == b"".join(parts)
    assert body.complete
    buffer = RequestBuffer()
    raw = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + framed
    for at in range(0, len(raw), step):
        assert not buffer.complete
        buffer.feed(raw[at : at + step])
    assert buffer.complete
    assert buffer.body() == b"".join(parts)
    assert bytes(buffer.raw) == raw


@given(st.binary(max_size=100), st.integers(1, 20))
def test_sized_requests(body, step):
    raw = b"PUT /a%%20b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    buffer = RequestBuffer()
    for at in range(0, len(raw), step):
        buffer.feed(raw[at : at + step])
    assert (buffer.method, buffer.target, buffer.body()) == ("PUT", "/a%20b", body)
    assert buffer.complete


def test_expectation_of_a_continue():
    buffer = RequestBuffer()
    buffer.feed(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert (buffer.expects_continue, buffer.complete) == (True, False)


@pytest.mark.parametrize("cut", [1, 5, 8])
def test_cut_off_bodies_are_not_complete(cut):
    for body in (
        wire.SizedBody(stream(b"0123456789"[:-cut]), 10),
        wire.ChunkedBody(stream(b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"[: -cut - 5])),
    ):
        read_all(body)
        assert not body.complete


def test_interim_responses_are_kept_but_for_100():
    head = wire.read_head(
        stream(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
               b"HTTP/1.1 200 Fine, thanks\r\nA:  b \r\na: c\r\n folded\r\n\r\n")
    )  # fmt: skip
    hints = [(103, "Early Hints", [("Link", "a")])]
    assert head == Head(200, "Fine, thanks", "1.1", [("A", "b "), ("a", "c\r\n folded")], hints)
    again = wire.read_head(stream(framing.head_bytes(head)))
    assert (again.status, again.interim) == (200, hints)


class NothingAtHand(io.BytesIO):
    """A stream that does not say what it has: its heads are read line by line."""

    peek = None


_PIECES = st.sampled_from(
    [b"HTTP/1.1 ", b"HTTP/1.1 200 OK", b"200", b"103 Hints", b"100", b"\xb2", b"A:", b" b\t", b"A",
     b": ", b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\r\n\t", b"\r\n ", b"\n\n", b"body"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=16))
@example([b"HTTP/1.1 200 OK", b"\r\n", b"A:", b" b\t", b"\r\n\r\n", b"body"])
@example([b"HTTP/1.1 200 OK", b"\r\n", b"A", b"\r\n ", b"b", b"\r\n\r\n", b"body"])
@example([b"HTTP/1.1 200 OK", b"\r\n", b"A", b"\n", b"b", b"\r\n\r\n", b"body"])
def test_a_head_at_hand_is_read_as_line_by_line(pieces):
    found = []
    for source in (stream(b"".join(pieces)), NothingAtHand(b"".join(pieces))):
        try:
            head = wire.read_head(source)
        except wire.GarbageError as error:
            head = error.raw
        found.append((head, source.read()))
    assert found[0] == found[1]


def test_what_has_come_behind_a_head_is_told_without_waiting_for_more():
    class Once(io.RawIOBase):
        def __init__(self):
            super().__init__()
            self.pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbo"]

        def readable(self):
            return True

        def readinto(self, buffer):
            data = self.pieces.pop()  # a second time would be waiting
            buffer[: len(data)] = data
            return len(data)

    head, more = wire.read_head_and_more(io.BufferedReader(Once()))
    assert (head.status, more) == (200, 2)


def test_a_request_that_is_like_the_last_one_has_fields_of_its_own():
    raw = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    first, second = RequestBuffer(), RequestBuffer()
    assert first.feed(raw % 1)
    first.headers.clear()
    assert second.feed(raw % 2)
    assert (second.target, second.headers) == ("/2", [("Host", "x")])


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n"])
def test_garbage_is_kept_as_it_came(data):
    with pytest.raises(wire.GarbageError) as raised:
        wire.read_head(stream(data))
    assert raised.value.raw == data


def test_nothing_at_all_is_none():
    assert wire.read_head(stream(b"")) is None


def test_an_endless_head_is_garbage_within_a_bound():
    endless = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (wire.MAX_HEAD // 4)
    with pytest.raises(wire.GarbageError):
        wire.read_head(stream(endless))


@pytest.mark.parametrize(
    ("method", "status", "headers", "kind"),
    [
        ("HEAD", 200, [("Content-Length", "5")], wire.NoBody),
        ("GET", 204, [], wire.NoBody),
        ("GET", 304, [("Content-Length", "5")], wire.NoBody),
        ("GET", 200, [("Content-Length", "5")], wire.SizedBody),
        ("GET", 200, [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
         wire.ChunkedBody),
        ("GET", 200, [], wire.UnsizedBody),
        ("GET", 200, [("Content-Length", "nonsense")], wire.UnsizedBody),
    ],
)  # fmt: skip
def test_which_body_a_response_has(method, status, headers, kind):
    assert type(wire.body_reader(stream(b""), method, Head(status, "", "1.1", headers))) is kind


def test_heads_of_later_versions_are_readable_by_a_1_1_parser():
    assert framing.head_bytes(Head(200, "", "2", [("a", "b")])) == b"HTTP/1.1 200\r\na: b\r\n\r\n"


def test_nothing_is_read_behind_what_is_no_length():
    """A chunk longer than it said: clients skip two bytes, and what follows is no length."""
    body = wire.ChunkedBody(io.BufferedReader(io.BytesIO(b"3\r\nfour\r\n0\r\n\r\n")))
    assert (body.read(9), body.read(9), body.read(9)) == (b"fou", b"", b"")
    assert (body.complete, body.garbage) == (False, b"\n")
