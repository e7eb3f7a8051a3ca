"""Entries survive the way to bytes and back; anything else is refused, and nothing runs."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordbake.guest import codec
from recordbake.guest.exchange import Failure, Head
from tests.support.sample import captured

URL = "https://x.example/"
TEXT = st.text(st.characters(exclude_characters="\n"), max_size=20)  # a line break ends a field
HEADERS = st.lists(st.tuples(TEXT, TEXT), max_size=5)


def unsealed(value):
    """A value as the first ones were: nothing tells that it is whole."""
    return re.sub(rb',"seal":"\w{8}"}\n', b"}\n", value, count=1)


def with_digest(value):
    """A value as the next ones were: with a digest of its line of JSON."""
    line, _, body = unsealed(value).removeprefix(codec.MAGIC).partition(b"\n")
    digest = hashlib.sha256(line).hexdigest()[:16].encode()
    return codec.MAGIC + line[:-1] + b',"check":"' + digest + b'"}\n' + body


@given(st.binary(max_size=2000), HEADERS, st.integers(100, 599))
def test_value_round_trip(body, headers, status):
    entry = captured("https://x.example/", body, headers=[("A", "b"), *headers], status=status)
    meta, head, data = codec.decode_value(codec.encode_value(entry))
    assert (data, head.status) == (body, status)
    assert head.headers == [("A", "b"), *headers]
    assert meta["url"] == "https://x.example/"


@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(0, 50))
def test_records_up_to_where_a_process_was_killed(bodies, torn):
    entries = [captured(f"https://x.example/{n}", body) for n, body in enumerate(bodies)]
    data = b"".join(map(codec.encode_record, entries))
    assert [c.body for c in codec.read_records(io.BytesIO(data))] == bodies
    kept = list(codec.read_records(io.BytesIO(data[: max(0, len(data) - torn)])))
    assert [c.body for c in kept] == bodies[: len(kept)]
    assert len(kept) >= len(bodies) - 1 or torn > 1


def test_failures_survive():
    entry = captured(
        "https://x.example/", b"", failure=Failure("reset", "gone", 104, "head", "\xff")
    )
    (found,) = codec.read_records(io.BytesIO(codec.encode_record(entry)))
    assert found.failure == entry.failure
    assert found.suspect


def test_all_of_a_head_survives():
    head = Head(200, "Fine", "1.0", [("A", "b")], [(103, "Hints", [("C", "d")])], [("E", "f")])
    entry = captured("https://x.example/", b"body")
    entry.head = head
    assert all(getattr(head, name) for name in Head.__slots__)
    (record,) = codec.read_records(io.BytesIO(codec.encode_record(entry)))
    assert record.head == head
    assert codec.decode_value(codec.encode_value(entry))[1] == head


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read_but_never_crash(data):
    for attempt in (data, codec.MAGIC + data):
        with suppress(codec.CodecError):
            codec.decode_value(attempt)
    with suppress(codec.CodecError):
        list(codec.read_records(io.BytesIO(data)))


def test_deep_json_is_refused():
    with pytest.raises(codec.CodecError):
        codec.decode_value(codec.MAGIC + b"[" * 1_000_000 + b"\n")


def test_a_pickle_is_not_a_value():
    with pytest.raises(codec.CodecError, match="not a recordbake value"):
        codec.decode_value(pickle.dumps({"a": 1}))


def test_a_body_path_cannot_be_chosen():
    value = unsealed(codec.encode_value(captured(URL, b"x")))
    for digest in ("../../etc/passwd", "A" * 64, ""):
        evil = value.replace(b'"where":"inline"', b'"where":"file"')
        evil = evil.replace(captured(URL, b"x").body_sha256.encode(), digest.encode())
        with pytest.raises(codec.CodecError, match="names no body"):
            codec.decode_value(evil)


@pytest.mark.parametrize(
    "field", [("A", "b\nSet-Cookie: c=d"), ("A", "b\r\nX: y"), ("A\nX", "y"), ("A", "b\n\n<p>")]
)
def test_a_field_does_not_bring_others_along(field):
    with pytest.raises(codec.CodecError):
        codec.decode_value(codec.encode_value(captured("https://x.example/", headers=[field])))


def test_a_folded_field_is_one():
    folded = [("A", "b\r\n c\r\n\td")]
    value = codec.encode_value(captured("https://x.example/", headers=folded))
    assert codec.decode_value(value)[1].headers == folded


def test_a_truncated_value_is_refused():
    value = codec.encode_value(captured("https://x.example/", b"hello"))
    with pytest.raises(codec.CodecError, match="bytes have changed"):
        codec.decode_value(value[:-1])
    with pytest.raises(codec.CodecError, match="truncated"):
        codec.decode_value(unsealed(value)[:-1])


@pytest.mark.parametrize("older", [False, True])
def test_every_changed_bit_of_a_value_shows(older):
    value = codec.encode_value(captured(URL, b"hello", headers=[("X-One", "1")]))
    if older:
        value = with_digest(value)
    for position in range(len(value)):
        for bit in range(8):
            changed = bytearray(value)
            changed[position] ^= 1 << bit
            with pytest.raises(codec.CodecError):
                codec.decode_value(bytes(changed))


@pytest.mark.parametrize("older", [with_digest, unsealed])
def test_a_value_of_before_there_was_a_seal_is_read(older):
    value = codec.encode_value(captured(URL, b"hello"))
    old = older(value)
    assert b'"seal":"' in value
    assert b'"seal":"' not in old
    assert codec.decode_value(old)[1:] == codec.decode_value(value)[1:]
